"""Tar headers: those of members, and the extended headers before them with a long name or further metadata.

Readers disagree on unusual headers. One that the reader of any conda client would interpret differently, or take for
the end of the archive, is an error here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from prefix_upload.package.archive.streams import CorruptArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BLOCK = 512
# In bytes: PATH_MAX of Linux, where a member with a longer name cannot be extracted.
MAX_NAME = 4096
_MAX_SIZE = 2**63

# POSIX.1-2017, pax: "ustar Interchange Format"; GNU tar manual: "Basic Tar Format".
_LONG_NAME, _LONG_LINK = b"L", b"K"
_PAX, _PAX_SOLARIS, PAX_GLOBAL = b"x", b"X", b"g"
NAME_HEADERS = frozenset({_LONG_NAME, _LONG_LINK})
PAX_HEADERS = frozenset({_PAX, _PAX_SOLARIS, PAX_GLOBAL})
GNU_SPARSE = b"S"

_SIZE, _CHECKSUM = slice(124, 136), slice(148, 156)
_OTHER_NUMBERS = (slice(100, 108), slice(108, 116), slice(116, 124), slice(136, 148), slice(329, 337), slice(337, 345))
_OCTAL = re.compile(rb" *([0-7]*) *(?:\0.*)?", re.DOTALL)
_BINARY, _NEGATIVE = 0x80, 0xFF

# In a global header, these records would apply to all members that follow; readers disagree on whether they do.
_PER_MEMBER_KEY = re.compile(rb"path|linkpath|size|GNU\.sparse\..*", re.DOTALL)
_PAX_RECORD = re.compile(rb"(\d{1,7}) ([^=]+)=")


class Kind(Enum):
    """What a member is extracted as."""

    FILE = auto()
    SPARSE_FILE = auto()
    DIRECTORY = auto()
    LINK = auto()
    DEVICE = auto()
    FIFO = auto()


_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    GNU_SPARSE: Kind.SPARSE_FILE,
    b"1": Kind.LINK,
    b"2": Kind.LINK,
    b"3": Kind.DEVICE,
    b"4": Kind.DEVICE,
    b"5": Kind.DIRECTORY,
    b"6": Kind.FIFO,
}


@dataclass(frozen=True)
class Member:
    """A member of the archive. `size` is the size of its data in the archive in bytes, according to its headers."""

    name: str
    kind: Kind
    size: int


class Header(NamedTuple):
    """A valid header block. `flag` is the type flag, `size` the value of the size field in bytes."""

    block: bytes
    flag: bytes
    size: int

    @classmethod
    def read(cls, block: bytes) -> Header:
        """Parses a header block.

        Raises:
            CorruptArchiveError: the checksum is wrong, or a numeric field is invalid.
        """
        size = _number(block[_SIZE])
        # NOTE: `tarfile`, with which conda extracts packages, takes an invalid number for the end of the archive.
        if size is None or not 0 <= size < _MAX_SIZE or not _is_checksum_valid(block) or not _are_numbers_valid(block):
            raise CorruptArchiveError("is not a tar archive, or has a corrupt tar header")
        return cls(block, block[156:157], size)

    @property
    def name(self) -> bytes:
        """The name in the header block itself; an extended header may have another one."""
        name = self.block[:100].split(b"\0", 1)[0]
        prefix = self.block[345:500].split(b"\0", 1)[0]
        is_posix = self.block[257:263] == b"ustar\0"  # GNU's own format has other fields instead of a prefix
        return prefix + b"/" + name if is_posix and prefix else name


def _is_checksum_valid(block: bytes) -> bool:
    stored = _number(block[_CHECKSUM])
    # The checksum is that of the block with spaces in its place.
    others = block[: _CHECKSUM.start] + b" " * 8 + block[_CHECKSUM.stop :]
    # Some old writers summed signed bytes.
    return stored == sum(others) or stored == sum(byte - 256 * (byte >> 7) for byte in others)


def _are_numbers_valid(block: bytes) -> bool:
    """Whether the other numeric fields are valid: mode, owner, group, time, and the two device numbers."""
    # A cheap check first, which suffices for most headers.
    digits = block[100:124] + block[136:148] + block[329:345]
    return not digits.translate(None, b"01234567\0") or None not in map(_number, (block[at] for at in _OTHER_NUMBERS))


class ExtendedHeaders:
    """The extended headers before a member: a long name, or pax records."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._long_name: bytes | None = None
        self._path: bytes | None = None
        self._sparse_name: bytes | None = None
        self._size: int | None = None
        self._is_sparse = False

    def take_name(self, flag: bytes, data: bytes) -> None:
        """Takes the data of a GNU header: a long name, or a long link target.

        Raises:
            CorruptArchiveError: the member already has a header with this flag.
        """
        self._refuse_duplicate(flag)
        if flag == _LONG_NAME:
            self._long_name = data.split(b"\0", 1)[0]

    def take_records(self, flag: bytes, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Takes the keys and values of a POSIX pax header: for the next member, or for all that follow.

        Raises:
            CorruptArchiveError: the member already has a header with this flag, or a record is invalid.
        """
        if flag == PAX_GLOBAL:
            if any(_PER_MEMBER_KEY.fullmatch(key) for key, _ in records):
                raise CorruptArchiveError("has a global pax header with the path or size of a single member")
            return
        self._refuse_duplicate(flag)
        for key, value in records:
            self._take_record(key, value)

    def _refuse_duplicate(self, flag: bytes) -> None:
        if flag in self._seen:  # of two headers, some readers use the first, others the last
            raise CorruptArchiveError("has two extended headers of one type before a tar member")
        self._seen.add(flag)

    def _take_record(self, key: bytes, value: bytes) -> None:
        if key == b"size":
            if not value.isdigit() or len(value) > 19:  # noqa: PLR2004 - digits of 2**63
                raise CorruptArchiveError("has a pax header with an invalid size")
            self._size = int(value)
        elif key == b"path":
            self._path = value
        elif key.startswith(b"GNU.sparse."):
            self._is_sparse = True
            if key == b"GNU.sparse.name":
                self._sparse_name = value

    def member(self, header: Header) -> Member:
        """The member with this header block.

        Raises:
            CorruptArchiveError: it has two different names, or one of more than `MAX_NAME` bytes.
        """
        # Readers treat an unknown type flag as a regular file (POSIX.1-2017, pax, "typeflag").
        kind = _KINDS.get(header.flag, Kind.FILE)
        name = self._name(header)
        if len(name) > MAX_NAME:
            raise CorruptArchiveError(f"has a tar member whose name has {len(name)} bytes, more than {MAX_NAME}")
        if header.flag == b"\0" and name.endswith(b"/"):
            kind = Kind.DIRECTORY  # how tars before POSIX wrote a folder
        if kind is Kind.FILE and self._is_sparse:
            kind = Kind.SPARSE_FILE
        # Links and devices have no data, whatever their size says; some writers store the size of a link's target.
        has_data = kind is Kind.FILE or kind is Kind.SPARSE_FILE or header.flag not in _KINDS
        size = header.size if self._size is None else self._size
        return Member(name.decode("utf-8", "surrogateescape"), kind, size if has_data else 0)

    def _name(self, header: Header) -> bytes:
        if self._long_name is not None and self._path is not None and self._long_name != self._path:
            raise CorruptArchiveError("has a tar member with conflicting names")
        # The `path` of a sparse member is for readers that do not support sparse members.
        stored = self._sparse_name or self._path
        return stored if stored is not None else header.name if self._long_name is None else self._long_name


def _number(field: bytes) -> int | None:
    """The value of a numeric field: octal digits, or a sign byte and a big-endian integer. `None` if it is neither."""
    match = _OCTAL.fullmatch(field)
    if match is not None:
        return int(match[1] or b"0", 8)
    if field[0] in {_BINARY, _NEGATIVE}:
        value = int.from_bytes(field[1:], "big")
        return value if field[0] == _BINARY else value - 256 ** (len(field) - 1)
    return None


def pax_records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields keys and values of pax records: "<length> <key>=<value>" and a line feed each (POSIX.1-2017, pax).

    Raises:
        CorruptArchiveError: a record is malformed.
    """
    at = 0
    while at < len(data):
        match = _PAX_RECORD.match(data, at)
        end = at + int(match[1]) if match else 0
        if match is None or end <= match.end() or data[end - 1 : end] != b"\n":
            raise CorruptArchiveError("has a corrupt pax header")
        yield match[2], data[match.end() : end - 1]
        at = end
