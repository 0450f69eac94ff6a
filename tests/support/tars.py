"""What the reader of tar archives makes of a few members."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from prefix_upload.package.archive.streams import CorruptArchiveError
from prefix_upload.package.archive.tarball import Tarball
from support.building import tar, tar_header, tar_member

if TYPE_CHECKING:
    from prefix_upload.package.archive.tar_headers import Member

# Magic numbers with versions, and where the fields of a header begin.
POSIX, GNU, V7 = b"ustar\x0000", b"ustar  \0", bytes(8)
MODE, OWNER, SIZE, TIME, MAGIC, PREFIX = 100, 108, 124, 136, 257, 345


def read(*members: bytes) -> tuple[list[Member], list[str]]:
    """The members, and what keeps some clients from reading them."""
    remarks: list[str] = []
    tarball = Tarball([tar(*members)], lambda _, remark: remarks.append(remark))
    return [member for member, _ in tarball], remarks


def refusal(*members: bytes) -> str:
    """Why the archive is refused."""
    with pytest.raises(CorruptArchiveError) as caught:
        read(*members)
    return str(caught.value)


def changed(offset: int, value: bytes, *, name: str = "a", content: bytes = b"hello\n", magic: bytes = POSIX) -> bytes:
    """A member with other bytes in its header."""
    return tar_header(tar_header(tar_member(name, content), magic=(MAGIC, magic)), field=(offset, value))


def long(flag: bytes, data: bytes) -> bytes:
    """A header of GNU tar for a long name or target."""
    return tar_member("././@LongLink", data, kind=flag)


LINK = tar_member("link", b"", kind=tarfile.SYMTYPE, target="target")
HARD_LINK = tar_member("link", b"", kind=tarfile.LNKTYPE, target="a")
FOLDER = tar_member("folder", b"", kind=tarfile.DIRTYPE)
FILE = tar_member("a")
