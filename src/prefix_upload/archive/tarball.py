"""A tar stream as a sequence of members, read forward once and without allocating what a header claims.

The standard library's `tarfile` is not used: it takes a damaged header for the end of the archive, reads
headers of any size into memory, and expands sparse members. The tests hold this reader against it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from prefix_upload.archive.streams import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
# What may stand before one member: its long name and its pax records.
MAX_HEADER_DATA = 2**20
# No system that conda knows takes a longer path (Linux, PATH_MAX), so that nobody could unpack such a member.
MAX_NAME = 4096
# Ten for each of a million members; a small file can expand to many more, which would take minutes to read.
MAX_PAX_RECORDS = 10_000_000

# POSIX.1-2017, pax: "ustar Interchange Format"; GNU tar manual: "Basic Tar Format".
_LONG_NAME, _LONG_LINK = b"L", b"K"
_PAX, _PAX_SOLARIS, _PAX_GLOBAL = b"x", b"X", b"g"
_GNU_SPARSE = b"S"
_DAMAGED_HEADER = "is no tar archive, or has a damaged tar header"
# A global record of these would be one of every member that follows; readers disagree on whether they heed it.
_PAX_OF_ONE_MEMBER = re.compile(rb"path|linkpath|size|GNU\.sparse\..*", re.DOTALL)
_PAX_RECORD = re.compile(rb"(\d{1,7}) ([^=]+)=")


class Kind(Enum):
    """What a member becomes when it is unpacked."""

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
    _GNU_SPARSE: Kind.SPARSE_FILE,
    b"1": Kind.LINK,
    b"2": Kind.LINK,
    b"3": Kind.DEVICE,
    b"4": Kind.DEVICE,
    b"5": Kind.DIRECTORY,
    b"6": Kind.FIFO,
}


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the archive. `size` is that of its data in the archive, in bytes, as the header claims."""

    name: str
    kind: Kind
    size: int


class Tarball:
    """Iterate to get each member and the pieces of its data; unread data is passed over.

    Args:
        pieces: the expanded bytes of the archive.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._piece = memoryview(b"")
        self._pax_records = 0

    def __iter__(self) -> Iterator[tuple[Member, Iterator[memoryview]]]:
        """Yields the members in order, to the end-of-archive marker and the end of the stream.

        Raises:
            DamagedError: no tar, damaged, cut off, or with data after its end.
        """
        overrides = _Overrides()
        while (header := self._header()) is not None:
            size = _number(header[124:136])
            flag = header[156:157]
            if flag in {_LONG_NAME, _LONG_LINK}:
                overrides.take_name(flag, self._header_data(size))
                continue
            if flag in {_PAX, _PAX_SOLARIS, _PAX_GLOBAL}:
                overrides.take_records(flag, self._records(self._header_data(size)))
                continue
            member = overrides.apply(header, size)
            overrides = _Overrides()
            if flag == _GNU_SPARSE:
                self._pass_sparse_map(header)
            data = self._data(member.size)
            yield member, data
            for _ in data:
                pass
            self._exactly(-member.size % _BLOCK)
        self._expect_zeros()

    def _header(self) -> bytes | None:
        header = self._exactly(_BLOCK, at_end="ends without an end-of-archive marker, so it was cut off")
        if header == _ZEROS:
            return None
        if not _checksum_holds(header):
            raise DamagedError(_DAMAGED_HEADER)
        return header

    def _header_data(self, size: int) -> bytes:
        if size > MAX_HEADER_DATA:
            raise DamagedError(f"has a tar header of {size} bytes")
        return self._exactly(size + -size % _BLOCK)[:size]

    def _records(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        for record in _pax_records(data):
            self._pax_records += 1
            if self._pax_records > MAX_PAX_RECORDS:
                raise DamagedError(f"has more than {MAX_PAX_RECORDS} pax records")
            yield record

    def _pass_sparse_map(self, header: bytes) -> None:
        """Old GNU sparse members: more of the map follows the header while a flag says so."""
        is_extended = header[482]
        blocks = 0
        while is_extended:
            blocks += 1
            if blocks * _BLOCK > MAX_HEADER_DATA:
                raise DamagedError("has a sparse member in too many parts")
            is_extended = self._exactly(_BLOCK)[504]

    def _data(self, size: int) -> Iterator[memoryview]:
        while size:
            piece = self._some(size)
            if not piece:
                raise DamagedError("is cut off in the middle of a tar member")
            size -= len(piece)
            yield piece

    def _expect_zeros(self) -> None:
        while piece := self._some(2**20):
            if piece.tobytes().strip(b"\0"):
                raise DamagedError("has data after its end-of-archive marker")

    def _exactly(self, size: int, *, at_end: str = "is cut off in the middle of a tar header") -> bytes:
        parts = []
        missing = size
        while missing:
            piece = self._some(missing)
            if not piece:
                raise DamagedError(at_end if missing == size else "is cut off in the middle of a tar header")
            missing -= len(piece)
            parts.append(piece)
        return b"".join(parts)

    def _some(self, limit: int) -> memoryview:
        """The next bytes, at least one and at most `limit`; none at the end."""
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return memoryview(b"")
            self._piece = memoryview(piece)
        some, self._piece = self._piece[:limit], self._piece[limit:]
        return some


class _Overrides:
    """What the headers before a member's own say of it: a long name, or pax records."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._long_name: bytes | None = None
        self._path: bytes | None = None
        self._sparse_name: bytes | None = None
        self._size: int | None = None
        self._is_sparse = False

    def take_name(self, flag: bytes, data: bytes) -> None:
        """GNU: the data of a header that stands for a long name, or for the target of a link."""
        self._expect_first(flag)
        if flag == _LONG_NAME:
            self._long_name = data.split(b"\0", 1)[0]

    def take_records(self, flag: bytes, records: Iterable[tuple[bytes, bytes]]) -> None:
        """POSIX: keys and values, of the next member or of all that follow."""
        if flag == _PAX_GLOBAL:
            if any(_PAX_OF_ONE_MEMBER.fullmatch(key) for key, _ in records):
                raise DamagedError("has a global pax header with the path or size of a single member")
            return
        self._expect_first(flag)
        for key, value in records:
            self._take_record(key, value)

    def _expect_first(self, flag: bytes) -> None:
        if flag in self._seen:  # of two, one reader heeds the first and another one the last
            raise DamagedError("has two headers of a kind before one tar member")
        self._seen.add(flag)

    def _take_record(self, key: bytes, value: bytes) -> None:
        if key == b"size":
            if not value.isdigit() or len(value) > 19:  # noqa: PLR2004 - digits of 2**63
                raise DamagedError("has a pax header with a size that is no number")
            self._size = int(value)
        elif key == b"path":
            self._path = value
        elif key.startswith(b"GNU.sparse."):
            self._is_sparse = True
            if key == b"GNU.sparse.name":
                self._sparse_name = value

    def apply(self, header: bytes, size: int) -> Member:
        flag = header[156:157]
        # An unknown kind is to be treated like a file (POSIX.1-2017, pax, "typeflag").
        kind = _KINDS.get(flag, Kind.FILE)
        name = self._name(header)
        if len(name) > MAX_NAME:
            raise DamagedError(f"has a tar member whose name has {len(name)} bytes, more than any system takes")
        if flag == b"\0" and name.endswith(b"/"):
            kind = Kind.DIRECTORY  # as tars before POSIX wrote it
        if kind is Kind.FILE and self._is_sparse:
            kind = Kind.SPARSE_FILE
        # Links and devices have no data, whatever their size says; some writers give a link its file's size.
        has_data = kind in {Kind.FILE, Kind.SPARSE_FILE} or flag not in _KINDS
        size = size if self._size is None else self._size
        return Member(name.decode("utf-8", "surrogateescape"), kind, size if has_data else 0)

    def _name(self, header: bytes) -> bytes:
        told = {name for name in (self._long_name, self._path) if name is not None}
        if len(told) > 1:
            raise DamagedError("has a tar member with two names")
        # The path of a sparse member is one for readers that do not know of sparse members.
        return self._sparse_name or (told.pop() if told else _header_name(header))


def _checksum_holds(header: bytes) -> bool:
    """The checksum is that of the header's bytes with blanks for the checksum itself."""
    told = _number(header[148:156])
    summed = header[:148] + b" " * 8 + header[156:]
    # Some old writers summed signed bytes.
    return told == sum(summed) or told == sum(byte - 256 * (byte >> 7) for byte in summed)


def _header_name(header: bytes) -> bytes:
    name = header[:100].split(b"\0", 1)[0]
    prefix = header[345:500].split(b"\0", 1)[0]
    is_posix = header[257:263] == b"ustar\0"  # GNU's own format has other fields there
    return prefix + b"/" + name if is_posix and prefix else name


def _number(field: bytes) -> int:
    """A number field: octal digits, or big-endian with the top bit set for what these cannot hold."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        if field[0] & 0x40 or value >= 2**63:
            raise DamagedError(_DAMAGED_HEADER)
        return value
    digits = field.split(b"\0", 1)[0].strip(b" ")
    if not digits:
        return 0
    if not re.fullmatch(rb"[0-7]+", digits):
        raise DamagedError(_DAMAGED_HEADER)
    return int(digits, 8)


def _pax_records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The records of an extended header: "<length> <key>=<value>" and a line feed (POSIX.1-2017, pax)."""
    at = 0
    while at < len(data):
        match = _PAX_RECORD.match(data, at)
        end = at + int(match[1]) if match else 0
        if match is None or end <= match.end() or data[end - 1 : end] != b"\n":
            raise DamagedError("has a damaged pax header")
        yield match[2], data[match.end() : end - 1]
        at = end
