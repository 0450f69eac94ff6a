"""Reads a tar stream as a sequence of members, in one pass and without allocating what a header claims.

The standard library's `tarfile` is not used: it takes a damaged header for the end of the archive, reads headers of any
size into memory, and expands sparse members. The tests compare this reader with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.archive.streams import CorruptArchiveError
from prefix_upload.package.archive.tar_headers import (
    BLOCK,
    GNU_SPARSE,
    NAME_HEADERS,
    PAX_HEADERS,
    ExtendedHeaders,
    Header,
    pax_records,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prefix_upload.package.archive.tar_headers import Member

_ZEROS = bytes(BLOCK)
_NO_EXTENDED_HEADERS = ExtendedHeaders()
_EXTENDED_HEADERS = NAME_HEADERS | PAX_HEADERS
# In bytes, for each extended header: a long name, or the pax records of a member.
MAX_HEADER_DATA = 2**20
# Ten for each of a million members. A small file can expand to many more, which would take minutes to read.
MAX_PAX_RECORDS = 10_000_000


class Tarball:
    """A tar archive. Iterate to get each member and the pieces of its data; data that is not consumed is skipped.

    Args:
        pieces: the expanded bytes of the archive.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._piece = memoryview(b"")
        self._pax_records = 0

    def __iter__(self) -> Iterator[tuple[Member, Iterator[memoryview]]]:
        """Yields the members in order. Reads the stream to its end, past the end-of-archive marker.

        Raises:
            CorruptArchiveError: the stream is not a tar archive, truncated or damaged, or has data after its end.
        """
        extended: ExtendedHeaders | None = None
        while (header := self._header()) is not None:
            if header.flag in _EXTENDED_HEADERS:
                extended = extended or ExtendedHeaders()
                self._read_extended(header, extended)
                continue
            member = (extended or _NO_EXTENDED_HEADERS).member(header)
            extended = None
            if header.flag == GNU_SPARSE:
                self._skip_sparse_map(header.block)
            data = self._data(member.size)
            yield member, data
            for _ in data:
                pass
            self._read_exactly(-member.size % BLOCK)
        if extended:
            raise CorruptArchiveError("has an extended tar header without a member after it")
        self._check_end()

    def _header(self) -> Header | None:
        block = self._read_exactly(BLOCK, at_end="has no end-of-archive marker, so it was truncated")
        return None if block == _ZEROS else Header.read(block)

    def _read_extended(self, header: Header, extended: ExtendedHeaders) -> None:
        if header.size > MAX_HEADER_DATA:
            raise CorruptArchiveError(f"has an extended tar header of {header.size} bytes")
        padded = self._read_exactly(header.size + -header.size % BLOCK)
        data, padding = padded[: header.size], padded[header.size :]
        if padding.strip(b"\0"):  # some readers continue there
            raise CorruptArchiveError("has an extended tar header with data in its padding")
        if header.flag in NAME_HEADERS:
            extended.take_name(header.flag, data)
        else:
            extended.take_records(header.flag, self._records(data))

    def _records(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        for record in pax_records(data):
            self._pax_records += 1
            if self._pax_records > MAX_PAX_RECORDS:
                raise CorruptArchiveError(f"has more than {MAX_PAX_RECORDS} pax records")
            yield record

    def _skip_sparse_map(self, header: bytes) -> None:
        """Skips the map of an old GNU sparse member: a flag in each block says whether another one follows."""
        is_extended = header[482]
        blocks = 0
        while is_extended:
            blocks += 1
            if blocks * BLOCK > MAX_HEADER_DATA:
                raise CorruptArchiveError("has a sparse tar member with too many parts")
            is_extended = self._read_exactly(BLOCK)[504]

    def _data(self, size: int) -> Iterator[memoryview]:
        while size:
            piece = self._read_some(size)
            if not piece:
                raise CorruptArchiveError("is truncated in the middle of a tar member")
            size -= len(piece)
            yield piece

    def _check_end(self) -> None:
        while piece := self._read_some(2**20):
            if piece.tobytes().strip(b"\0"):
                raise CorruptArchiveError("has data after its end-of-archive marker")

    def _read_exactly(self, size: int, *, at_end: str = "is truncated in the middle of a tar header") -> bytes:
        parts = []
        missing = size
        while missing:
            piece = self._read_some(missing)
            if not piece:
                raise CorruptArchiveError(at_end if missing == size else "is truncated in the middle of a tar header")
            missing -= len(piece)
            parts.append(piece)
        return b"".join(parts)

    def _read_some(self, limit: int) -> memoryview:
        """The next 1 to `limit` bytes; empty at the end of the stream."""
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return memoryview(b"")
            self._piece = memoryview(piece)
        some, self._piece = self._piece[:limit], self._piece[limit:]
        return some
