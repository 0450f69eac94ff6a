"""Decompresses streams in pieces of bounded size, without trusting any header."""

from __future__ import annotations

import bz2
from typing import TYPE_CHECKING, Protocol

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterator

# A decoder needs a buffer as large as the window of the frame, in bytes. `zstd --long` writes windows of 128 MiB, and
# `zstd -d` accepts them without a flag; conda clients accept at least as much.
MAX_ZSTD_WINDOW = 128 * 2**20
# The smallest zstd block has 3 bytes, so a stream of empty blocks takes long to read and expands to nothing. 4 million
# full blocks of 128 KiB are 488 GiB.
MAX_ZSTD_BLOCKS = 4_000_000
# Data frames (zstd) or streams (bzip2). Setting up a decoder takes longer than decoding a small one of them.
MAX_PARTS = 100_000

_PIECE = 2**18
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_BZIP2_MAGIC = b"BZh"
_ZIP_SIGNATURES = (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08")


class CorruptArchiveError(Exception):
    """The bytes violate their format, or exceed a limit. The message completes "<file or member> …"."""


class Readable(Protocol):
    """Anything with the `read` method of a binary file."""

    def read(self, size: int, /) -> bytes:
        """Reads at most `size` bytes; fewer only at the end."""


class Zstd:
    """Decodes a zstd stream: any number of data frames and skippable frames (RFC 8878, section 3).

    Iterate to get the expanded bytes; `frames` is then the number of data frames, and `has_zip_signature` says whether
    a skippable frame contains one.

    The decoder is fed block by block. A block never expands to more than 128 KiB, so no input can produce a larger
    piece. The end of the last block is known, too, so a truncated stream is an error; for the library's own readers, it
    merely ends.
    """

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.frames = 0
        self.has_zip_signature = False
        self._blocks = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yields pieces of at most 128 KiB.

        Raises:
            CorruptArchiveError: the stream is not zstd, truncated or damaged, or exceeds a limit.
        """
        magic = self._source.read(4)
        if not magic:
            raise CorruptArchiveError("is empty")
        while magic:
            if magic == _ZSTD_MAGIC:
                self.frames = _count_part(self.frames)
                yield from self._frame(magic)
            elif len(magic) == 4 and 0x184D2A50 <= int.from_bytes(magic, "little") <= 0x184D2A5F:  # noqa: PLR2004 - RFC 8878, 3.1.2
                self._skip(int.from_bytes(self._read_exactly(4), "little"))
            else:
                raise CorruptArchiveError(
                    "has bytes after its last zstd frame" if self.frames else "is not a zstd stream"
                )
            magic = self._source.read(4)

    def _frame(self, magic: bytes) -> Iterator[bytes]:
        header = magic + self._frame_header()
        try:
            parameters = zstandard.get_frame_parameters(header)
        except zstandard.ZstdError as error:
            raise CorruptArchiveError(f"has a zstd frame that cannot be decoded ({error})") from error
        if parameters.window_size > MAX_ZSTD_WINDOW:
            raise CorruptArchiveError(
                f"has a zstd frame that needs a window of {parameters.window_size} bytes, "
                f"more than the {MAX_ZSTD_WINDOW} that decoders allow"
            )
        decoder = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW).decompressobj()
        try:
            decoder.decompress(header)
            last = False
            while not last:
                last, header, size = self._block_header()
                yield decoder.decompress(header)
                if size:  # apart from the header: a large block is not copied for that
                    yield decoder.decompress(self._read_exactly(size))
            if parameters.has_checksum:
                yield decoder.decompress(self._read_exactly(4))
        except zstandard.ZstdError as error:
            raise CorruptArchiveError(f"has a zstd frame that cannot be decoded ({error})") from error
        if not decoder.eof:
            raise CorruptArchiveError("has a zstd frame that does not end where its last block does")

    def _frame_header(self) -> bytes:
        """The frame header after the magic number: 2 to 14 bytes (RFC 8878, section 3.1.1.1)."""
        descriptor = self._read_exactly(1)
        single_segment = descriptor[0] >> 5 & 1
        content_size = (single_segment, 2, 4, 8)[descriptor[0] >> 6]
        dictionary_id = (0, 1, 2, 4)[descriptor[0] & 3]
        return descriptor + self._read_exactly((1 - single_segment) + dictionary_id + content_size)

    def _block_header(self) -> tuple[bool, bytes, int]:
        """Whether the next block is the last, its header, and how many bytes follow (RFC 8878, section 3.1.1.2)."""
        self._blocks += 1
        if self._blocks > MAX_ZSTD_BLOCKS:
            raise CorruptArchiveError(f"has more than {MAX_ZSTD_BLOCKS} zstd blocks")
        header = self._read_exactly(3)
        value = int.from_bytes(header, "little")
        is_rle = value >> 1 & 3 == 1  # a single byte, repeated as often as the size field says
        return bool(value & 1), header, 1 if is_rle else value >> 3

    def _skip(self, size: int) -> None:
        last = b""
        while size:
            piece = self._read_exactly(min(size, _PIECE))
            size -= len(piece)
            joined = last + piece
            if any(signature in joined for signature in _ZIP_SIGNATURES):
                self.has_zip_signature = True
            last = joined[-3:]

    def _read_exactly(self, size: int) -> bytes:
        piece = self._source.read(size)
        if len(piece) != size:
            raise CorruptArchiveError("is truncated in the middle of a zstd frame")
        return piece


class Bzip2:
    """Decodes a bzip2 file, which consists of one or more streams.

    Iterate to get the expanded bytes; `streams` is then the number of streams.
    """

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.streams = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yields pieces of at most 256 KiB.

        Raises:
            CorruptArchiveError: the file is not bzip2, truncated or damaged, or has too many streams.
        """
        data = self._source.read(_PIECE)
        if not data:
            raise CorruptArchiveError("is empty")
        while data:
            if not _BZIP2_MAGIC.startswith(data[:3]) and not data.startswith(_BZIP2_MAGIC):
                raise CorruptArchiveError(
                    "has bytes after the end of its bzip2 stream" if self.streams else "is not a bzip2 stream"
                )
            self.streams = _count_part(self.streams)
            decoder = bz2.BZ2Decompressor()
            yield from self._stream(decoder, data)
            data = decoder.unused_data or self._source.read(_PIECE)

    def _stream(self, decoder: bz2.BZ2Decompressor, data: bytes) -> Iterator[bytes]:
        while not decoder.eof:
            if decoder.needs_input and not data:
                data = self._source.read(_PIECE)
                if not data:
                    raise CorruptArchiveError("is truncated in the middle of a bzip2 stream")
            try:
                yield decoder.decompress(data, _PIECE)
            except OSError as error:
                raise CorruptArchiveError("has a bzip2 stream that cannot be decoded") from error
            data = b""


def _count_part(parts: int) -> int:
    if parts == MAX_PARTS:
        raise CorruptArchiveError(f"has more than {MAX_PARTS} compressed frames or streams")
    return parts + 1
