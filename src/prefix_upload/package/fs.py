"""Opens and inspects files: all file access that depends on the operating system.

Other modules do not use flags of `os.open` or fields of `os.stat`.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Windows has only the last of these, without which it would change line ends.
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"))
_LOOKS_FIRST = not (hasattr(os, "O_NONBLOCK") and hasattr(os, "O_NOFOLLOW"))

READS_ANYWHERE = hasattr(os, "preadv")
"""Whether threads can read different parts of the same open file at the same time. On Windows they can't."""

LOCKS_FILES = os.name == "nt"
"""Whether a program can keep others from reading a file while it has it open."""


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
    if _LOOKS_FIRST:
        _expect_regular(path)
    # NOTE: without O_NONBLOCK, opening a FIFO blocks until another process opens it for writing.
    descriptor = os.open(path, _FLAGS)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise NotRegularFileError(0, "not a regular file")


def _expect_regular(path: Path) -> None:
    """Raises the errors of `open_regular` where opening itself can't: on Windows, which has no FIFOs to wait for."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not stat.S_ISREG(mode):
        raise NotRegularFileError(0, "not a regular file")


def read_at(descriptor: int, buffer: memoryview, offset: int) -> int:
    """Reads into the buffer from this offset. Returns the number of bytes read.

    The file position is the same afterwards, and meanwhile as well if `READS_ANYWHERE`.
    """
    if READS_ANYWHERE:
        return os.preadv(descriptor, [buffer], offset)
    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, offset, os.SEEK_SET)
    data = os.read(descriptor, len(buffer))
    os.lseek(descriptor, position, os.SEEK_SET)
    buffer[: len(data)] = data
    return len(data)


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


def is_link(entry: os.DirEntry[str]) -> bool:
    """Whether an entry of a folder is a symlink, or a junction (what links to folders mostly are on Windows)."""
    # Python 3.11 takes junctions for folders.
    return entry.is_symlink() or (hasattr(entry, "is_junction") and entry.is_junction())


def file_size(path: Path) -> int:
    """The size of a file in bytes; 0 if it is not known."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def file_identity(path: Path) -> tuple[int, int] | str | None:
    """What all names of a regular file have in common; `None` if the path is not a regular file."""
    return _identity(path, stat.S_ISREG)


def folder_identity(path: Path) -> tuple[int, int] | str | None:
    """What a folder and the links to it have in common; `None` if the path is not a folder."""
    return _identity(path, stat.S_ISDIR)


def _identity(path: Path, is_wanted: Callable[[int], bool]) -> tuple[int, int] | str | None:
    """Device and inode, or the resolved path in a file system without inodes (some on Windows)."""
    try:
        status = os.stat(path)  # noqa: PTH116 - consistent with `os.fstat` and `stat.S_ISREG`
        if not is_wanted(status.st_mode):
            return None
        return (status.st_dev, status.st_ino) if status.st_ino else str(path.resolve(strict=True))
    except OSError:
        return None
