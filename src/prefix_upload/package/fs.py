"""Opens and inspects files: all file access that depends on the operating system.

Other modules do not use flags of `os.open` or fields of `os.stat`.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class NotRegularFileError(OSError):
    """The path names a folder, FIFO or device."""


def open_regular(path: Path) -> int:
    """Opens a file for reading and returns its descriptor.

    Args:
        path: a resolved path. If its last component has become a symlink since, it is not followed.

    Raises:
        NotRegularFileError: it is a folder, FIFO or device.
        OSError: it is missing, a symlink, a socket, or not readable.
    """
    # NOTE: without O_NONBLOCK, opening a FIFO blocks until another process opens it for writing.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise NotRegularFileError(0, "not a regular file")


def read_at(descriptor: int, buffer: memoryview, offset: int) -> int:
    """Reads into the buffer from this offset, without moving the file position. Returns the number of bytes read."""
    return os.preadv(descriptor, [buffer], offset)


class FileState(NamedTuple):
    """What changes when a file is written to: its size in bytes, and its mtime and ctime in nanoseconds."""

    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, descriptor: int) -> FileState:
        """The current state of an open file."""
        status = os.fstat(descriptor)
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def file_identity(path: Path) -> tuple[int, int] | None:
    """Device and inode, which all names of a regular file share; `None` if the path is not a regular file."""
    return _identity(path, stat.S_ISREG)


def folder_identity(path: Path) -> tuple[int, int] | None:
    """Device and inode, which a folder and the links to it share; `None` if the path is not a folder."""
    return _identity(path, stat.S_ISDIR)


def _identity(path: Path, is_wanted: Callable[[int], bool]) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - consistent with `os.fstat` and `stat.S_ISREG`
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if is_wanted(status.st_mode) else None
