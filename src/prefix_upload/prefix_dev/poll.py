"""Waiting for records: a channel may show them some seconds after the upload."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds to wait between look-ups.
PAUSES = (1.0, 2.0, 4.0, 8.0)


def poll(look: Callable[[bool], bool], sleep: Callable[[float], None]) -> None:
    """Looks until nothing is missing, or five times within about 15 seconds.

    Args:
        look: looks once, and returns whether that is enough. Its argument is whether it is the last time.
        sleep: waits for this many seconds; an exception that it raises ends the waiting.
    """
    for pause in PAUSES:
        if look(False):
            return
        sleep(pause)
    look(True)
