"""The request to end a run: SIGINT and SIGTERM, which end no process here but are noted.

It imports next to nothing, so that `entrypoint.py` can have it in place before the rest is loaded: until then a signal
would be lost, since the action is its container's first process, for which signals have no default effect (signal(7),
pid_namespaces(7)).
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

# A cancelled job is sent SIGINT, SIGTERM 7.5 s later, and SIGKILL 2.5 s after that (actions/runner, ProcessInvoker).
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Cancellation:
    """Whether, and by which signal, the run was told to end.

    Args:
        wait: waits for the event so many seconds at most, and tells whether it is set. Tests wait less.
    """

    def __init__(self, wait: Callable[[threading.Event, float], bool] = threading.Event.wait) -> None:
        self._wait = wait
        self._requested = threading.Event()
        self._signal: int | None = None

    def watch(self) -> None:
        """From now on the signals are noted. To be called by the main thread."""
        for number in SIGNALS:
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        # NOTE: a second signal can interrupt the first one's handling, within the lock of the event: so it stays away.
        if self._signal is None:
            self._signal = number
            self._requested.set()

    @property
    def is_requested(self) -> bool:
        """Whether the run is to end."""
        return self._signal is not None

    @property
    def exit_code(self) -> int | None:
        """How a cancelled run exits, as shells tell it; `None` while nobody cancelled."""
        return None if self._signal is None else 128 + self._signal

    def wait(self, seconds: float) -> bool:
        """Waits; returns early, and true, if the run is cancelled. For workers: the main thread has to stay free."""
        return self._wait(self._requested, seconds)
