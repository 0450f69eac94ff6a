"""Reads a tar stream as a sequence of members, in one pass and without allocating what a header claims.

The standard library's `tarfile` is not used: it takes a damaged header for the end of the archive, reads headers of any
size into memory, and expands sparse members. The tests compare this reader with it, and with those of the clients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.archive.streams import CorruptArchiveError
from prefix_upload.package.archive.tar_headers import (
    BLOCK,
    EXTENDED_FLAGS,
    GNU_SPARSE,
    Header,
    HeaderReader,
    Kind,
    Member,
)
from prefix_upload.package.archive.tar_members import (
    NO_EXTENDED_HEADERS,
    ExtendedHeaders,
    check_sparse_map,
    member_remarks,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_ZEROS = bytes(BLOCK)
# In bytes, for each extended header: a long name, or the pax records of a member.
MAX_HEADER_DATA = 2**20
# Five for each of a million members. A small file can expand to many more, which would take minutes to read.
MAX_PAX_RECORDS = 5_000_000
# libarchive decompresses what begins like a compressed file, even if it was decompressed before and is a name.
_COMPRESSED = (
    b"\x1f\x8b",
    b"\x1f\x9d",
    b"BZh",
    b"\xfd7zXZ",
    b"\x5d\0\0",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
    b"\x02\x21\x4c\x18",
    b"LRZI",
    b"LZIP",
    b"\x89LZO",
    b"GRZipII",
    b"\xed\xab\xee\xdb",
    b"begin ",
    b"begin-base64 ",
)


class Tarball:
    """A tar archive. Iterate to get each member and the pieces of its data; data that is not consumed is skipped.

    Args:
        pieces: the expanded bytes of the archive.
        remark: is called with a member and a clause about it if a client cannot read it, although all others read the
            same.
    """

    def __init__(self, pieces: Iterable[bytes], remark: Callable[[Member, str], None]) -> None:
        self._pieces = iter(pieces)
        self._piece = b""
        self._at = 0
        self._remark = remark
        self._headers = HeaderReader()
        self._pax_records = 0
        self._last_header: Header | None = None
        self._last_member = Member("", Kind.FILE, 0)
        self.has_end = True

    def __iter__(self) -> Iterator[tuple[Member, Iterable[memoryview]]]:
        """Yields the members in order. Reads the stream to its end, past the end-of-archive marker.

        `has_end` is then whether there was such a marker.

        Raises:
            CorruptArchiveError: the stream is not a tar archive, truncated or damaged, has data after its end, or has
                headers that readers interpret differently.
        """
        extended = None
        is_first = True
        while (header := self._header(is_first=is_first)) is not None:
            is_first = False
            if header.flag in EXTENDED_FLAGS:
                extended = ExtendedHeaders() if extended is None else extended
                self._read_extended(header, extended)
                continue
            member = self._member(header, extended)
            extended = None
            if member.size:
                data = self._data(member.size)
                yield member, data
                for _ in data:
                    pass
                self._take(-member.size % BLOCK)
            else:
                yield member, ()
        if extended is not None:
            raise CorruptArchiveError("has an extended tar header without a member after it")
        self._check_end()

    def _member(self, header: Header, extended: ExtendedHeaders | None) -> Member:
        if header is self._last_header and extended is None:  # a million of them may be alike
            return self._last_member
        extended = NO_EXTENDED_HEADERS if extended is None else extended
        member = extended.member(header)
        remarks = [*extended.remarks, *member_remarks(header, member)]
        for remark in remarks:
            self._remark(member, remark)
        if header.flag == GNU_SPARSE:
            self._read_sparse_map(header)
        elif extended is NO_EXTENDED_HEADERS and not remarks:
            self._last_header, self._last_member = header, member
        return member

    def _header(self, *, is_first: bool) -> Header | None:
        block = self._take_or_end(BLOCK)
        if not block:
            if is_first:
                raise CorruptArchiveError("is empty, which is not a tar archive")
            self.has_end = False
            return None
        if block == _ZEROS:
            return None
        header = self._headers.read(block)
        if is_first and block.startswith(_COMPRESSED):
            raise CorruptArchiveError("has a first tar member whose name looks like compressed data to some readers")
        return header

    def _read_extended(self, header: Header, extended: ExtendedHeaders) -> None:
        if header.size > MAX_HEADER_DATA:
            raise CorruptArchiveError(f"has an extended tar header of {header.size} bytes")
        padded = self._take(header.size + -header.size % BLOCK)
        data, padding = padded[: header.size], padded[header.size :]
        if padding.strip(b"\0"):  # some readers continue there
            raise CorruptArchiveError("has an extended tar header with data in its padding")
        self._pax_records += extended.take(header, data)
        if self._pax_records > MAX_PAX_RECORDS:
            raise CorruptArchiveError(f"has more than {MAX_PAX_RECORDS} pax records")

    def _read_sparse_map(self, header: Header) -> None:
        """Reads the map of an old GNU sparse member: a flag in each block says whether another one follows."""
        tables = [header.block[386:482]]
        is_extended = header.block[482]
        while is_extended:
            if len(tables) * BLOCK > MAX_HEADER_DATA:
                raise CorruptArchiveError("has a sparse tar member with too many parts")
            block = self._take(BLOCK)
            tables.append(block[:504])
            is_extended = block[504]
        check_sparse_map(header, tables)

    def _data(self, size: int) -> Iterator[memoryview]:
        while size:
            if self._at == len(self._piece) and not self._next_piece():
                raise CorruptArchiveError("is truncated in the middle of a tar member")
            end = min(self._at + size, len(self._piece))
            some = memoryview(self._piece)[self._at : end]
            size -= end - self._at
            self._at = end
            yield some

    def _check_end(self) -> None:
        while self._at < len(self._piece) or self._next_piece():
            if self._piece[self._at :].strip(b"\0"):
                raise CorruptArchiveError("has data after its end-of-archive marker")
            self._at = len(self._piece)

    def _take(self, size: int) -> bytes:
        """The next bytes. Raises `CorruptArchiveError` if there are fewer."""
        end = self._at + size
        if end <= len(self._piece):  # nearly always
            taken = self._piece[self._at : end]
            self._at = end
            return taken
        parts = []
        while size:
            if self._at == len(self._piece) and not self._next_piece():
                raise CorruptArchiveError("is truncated in the middle of a tar header")
            part = self._piece[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def _take_or_end(self, size: int) -> bytes:
        """The same, but nothing at the end of the stream."""
        if self._at == len(self._piece) and not self._next_piece():
            return b""
        return self._take(size)

    def _next_piece(self) -> bool:
        """Whether there is a further piece that is not empty."""
        self._piece, self._at = next((piece for piece in self._pieces if piece), b""), 0
        return bool(self._piece)
