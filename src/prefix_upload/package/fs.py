"""Opening what may be anything by the time it is opened."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class NotRegularFileError(OSError):
    """There is a folder, a FIFO, a device or a socket under this name."""


def open_regular(path: Path) -> int:
    """A descriptor for reading the file.

    Args:
        path: resolved: a link in its last place is not followed, since it was none a moment ago.

    Raises:
        NotRegularFileError: it is none.
        OSError: it is gone, a link, or must not be read.
    """
    # NOTE: without O_NONBLOCK, opening a FIFO would wait until somebody writes to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise NotRegularFileError(0, "it is no regular file")
