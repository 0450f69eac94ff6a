"""Opening and inspecting files: everything here that differs from one operating system to the next.

Other modules name no flag of `os.open` and no field of `os.stat`.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class NotRegularFileError(OSError):
    """The path names a folder, FIFO, device or socket."""


def open_regular(path: Path) -> int:
    """A descriptor for reading the file.

    Args:
        path: resolved. If its last part has become a link since, it is not followed.

    Raises:
        NotRegularFileError: it is not a regular file.
        OSError: it is missing, a link, or not readable.
    """
    # NOTE: without O_NONBLOCK, opening a FIFO blocks until another process writes to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise NotRegularFileError(0, "not a regular file")


def read_at(descriptor: int, buffer: memoryview, offset: int) -> int:
    """Reads into the buffer from this offset, without moving the position of the open file. Returns the byte count."""
    return os.preadv(descriptor, [buffer], offset)


@dataclass(frozen=True)
class FileState:
    """What changes when a file is written to: its size in bytes, and its times in nanoseconds."""

    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, descriptor: int) -> FileState:
        """The present state of an open file."""
        status = os.fstat(descriptor)
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def file_identity(path: Path) -> tuple[int, int] | None:
    """What all names of one regular file have in common; `None` if the path names no regular file."""
    try:
        status = os.stat(path)  # noqa: PTH116 - beside `os.fstat` and `stat.S_ISREG`
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None
