"""Streams whose reader may be gone, or whose disk may be full."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


def write(stream: TextIO, text: str) -> bool:
    """Writes a text at once. Returns whether that was possible; if not, nothing more is written to the stream."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        discard(stream)
        return False
    return True


def discard(stream: TextIO) -> None:
    """Leads a stream that can't be written nowhere from now on.

    A reader that has gone, as that of a pipe to `head`, or a full disk does not end what is under way: what has begun
    on a channel is completed, or taken back.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
