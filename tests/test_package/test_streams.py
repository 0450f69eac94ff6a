from __future__ import annotations

import bz2
import gzip
import io
import random
import struct
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from prefix_upload.package.archive import streams
from prefix_upload.package.archive.streams import Bzip2, CorruptArchiveError, Zstd
from prefix_upload.package.listing import truncated_repr
from support.building import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = b"conda packages " * 100
NOISE = random.Random(0).randbytes(700_000)
MAGIC = b"\x28\xb5\x2f\xfd"
# Window descriptors (RFC 8878, section 3.1.1.1.2): 128 MiB, the next size, 1 KiB.
WINDOW_128_MIB, WINDOW_144_MIB, WINDOW_1_KIB = b"\x88", b"\x89", b"\x00"
RAW, RLE, RESERVED = range(3)


def expand(decoder: type[Zstd | Bzip2], data: bytes) -> bytes:
    """All of the stream."""
    return b"".join(decoder(io.BytesIO(data)))


def block(content: bytes, kind: int = RAW, *, size: int | None = None, last: bool = True) -> bytes:
    """A block of a zstd frame."""
    size = len(content) if size is None else size
    return (size << 3 | kind << 1 | last).to_bytes(3, "little") + content


def frame(*blocks: bytes, descriptor: int = 0, header: bytes = WINDOW_1_KIB) -> bytes:
    """A zstd frame by hand: `header` is what the descriptor says that follows it."""
    return MAGIC + bytes([descriptor]) + header + b"".join(blocks)


def skippable(content: bytes = b"anything", nibble: int = 0) -> bytes:
    """A frame that decoders pass over."""
    return struct.pack("<2L", 0x184D2A50 + nibble, len(content)) + content


def streamed(data: bytes) -> bytes:
    """A frame as written by a compressor that does not know how much is to come."""
    compressor = zstandard.ZstdCompressor().compressobj()
    return compressor.compress(data) + compressor.flush()


both = pytest.mark.parametrize(
    ("decoder", "compress"), [pytest.param(Zstd, zstd, id="zstd"), pytest.param(Bzip2, bz2.compress, id="bzip2")]
)


@both
@given(st.binary(max_size=5000))
def test_what_was_compressed_is_expanded(
    decoder: type[Zstd | Bzip2], compress: Callable[[bytes], bytes], data: bytes
) -> None:
    """Any bytes come back."""
    assert expand(decoder, compress(data)) == data


@pytest.mark.parametrize(
    "compressed",
    [
        pytest.param(zstd(NOISE), id="several blocks"),
        pytest.param(zstd(NOISE, level=22), id="highest level"),
        pytest.param(zstandard.ZstdCompressor().compress(NOISE), id="no checksum"),
        pytest.param(streamed(NOISE), id="unknown size"),
        pytest.param(zstandard.ZstdCompressor(threads=2).compress(NOISE), id="several threads"),
        pytest.param(bz2.compress(NOISE, 1), id="bzip2"),
    ],
)
def test_large_streams_are_expanded(compressed: bytes) -> None:
    """However the builder set up its compressor."""
    assert expand(Zstd if compressed.startswith(MAGIC) else Bzip2, compressed) == NOISE


@both
def test_pieces_are_small(decoder: type[Zstd | Bzip2], compress: Callable[[bytes], bytes]) -> None:
    """However well the bytes were compressed, no piece takes more memory than 256 KiB."""
    sizes = [len(piece) for piece in decoder(io.BytesIO(compress(bytes(3_000_000))))]
    assert sum(sizes) == 3_000_000
    assert max(sizes) <= 2**18


@both
def test_every_truncation_is_found(decoder: type[Zstd | Bzip2], compress: Callable[[bytes], bytes]) -> None:
    """Wherever the stream is cut off, also where all data has been decoded, it is damaged."""
    compressed = compress(TEXT)
    for size in range(len(compressed)):
        with pytest.raises(CorruptArchiveError, match=r"truncated|is empty|not a (zstd|bzip2) stream"):
            expand(decoder, compressed[:size])


@both
def test_every_flipped_byte_is_found(decoder: type[Zstd | Bzip2], compress: Callable[[bytes], bytes]) -> None:
    """A byte that changed on the way is damage, unless the bytes are expanded to the same all the same."""
    compressed = compress(TEXT)
    for at in range(len(compressed)):
        damaged = bytearray(compressed)
        damaged[at] ^= 0x10
        try:
            assert expand(decoder, bytes(damaged)) == TEXT
        except CorruptArchiveError:
            continue


@both
def test_the_checksum_at_the_end_is_compared(decoder: type[Zstd | Bzip2], compress: Callable[[bytes], bytes]) -> None:
    """A stream whose blocks decode, but to other bytes than were compressed, is damaged."""
    damaged = bytearray(compress(TEXT))
    damaged[-3] ^= 0x10
    with pytest.raises(CorruptArchiveError, match="cannot be decoded"):
        expand(decoder, bytes(damaged))


@both
@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"hello\n", "is not a (zstd|bzip2) stream", id="text"),
        pytest.param(b"P", "is not a (zstd|bzip2) stream", id="one byte"),
        pytest.param(gzip.compress(TEXT), "is not a (zstd|bzip2) stream", id="gzip"),
    ],
)
def test_other_files_are_told_apart(
    decoder: type[Zstd | Bzip2], compress: Callable[[bytes], bytes], data: bytes, message: str
) -> None:
    """What never was such a stream is not called cut off."""
    del compress
    with pytest.raises(CorruptArchiveError, match=message):
        expand(decoder, data)


@both
@pytest.mark.parametrize("rest", [b"\0", b"PK", bytes(512), b"hello\n"], ids=repr)
def test_bytes_after_the_end_are_found(
    decoder: type[Zstd | Bzip2], compress: Callable[[bytes], bytes], rest: bytes
) -> None:
    """What some readers would pass over and others would not."""
    with pytest.raises(CorruptArchiveError, match="has bytes after"):
        expand(decoder, compress(TEXT) + rest)


@both
@pytest.mark.parametrize("rest_size", [1, 2, 3, 10])
def test_the_start_of_another_stream_is_found(
    decoder: type[Zstd | Bzip2], compress: Callable[[bytes], bytes], rest_size: int
) -> None:
    """A further stream that is cut off is damage like the first one's."""
    with pytest.raises(CorruptArchiveError, match=r"truncated|has bytes after"):
        expand(decoder, compress(TEXT) + compress(TEXT)[:rest_size])


@both
def test_several_streams_are_counted(decoder: type[Zstd | Bzip2], compress: Callable[[bytes], bytes]) -> None:
    """One after another they expand to all of their bytes; the reader warns of them."""
    stream = decoder(io.BytesIO(compress(b"a") + compress(b"") + compress(NOISE)))
    assert b"".join(stream) == b"a" + NOISE
    assert (stream.frames if isinstance(stream, Zstd) else stream.streams) == 3


@both
def test_the_number_of_streams_is_limited(
    decoder: type[Zstd | Bzip2], compress: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each costs a decoder, however little it expands to."""
    monkeypatch.setattr(streams, "MAX_PARTS", 2)
    assert expand(decoder, compress(b"a") * 2) == b"aa"
    with pytest.raises(CorruptArchiveError, match="has more than 2 compressed frames or streams"):
        expand(decoder, compress(b"a") * 3)


@pytest.mark.parametrize("nibble", range(16))
def test_skippable_frames_are_passed_over(nibble: int) -> None:
    """Before, between and after the frames of data, and not counted (RFC 8878, section 3.1.2)."""
    other = skippable(NOISE, nibble)
    stream = Zstd(io.BytesIO(other + zstd(TEXT) + skippable(b"") + other))
    assert b"".join(stream) == TEXT
    assert stream.frames == 1


@pytest.mark.parametrize("size", [5, 7, 12])
def test_skippable_frames_that_are_cut_off_are_found(size: int) -> None:
    """In their size as in their content."""
    with pytest.raises(CorruptArchiveError, match="truncated"):
        expand(Zstd, zstd(TEXT) + skippable()[:size])


@pytest.mark.parametrize("signature", [b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\7\10"])
def test_zip_signatures_in_skippable_frames(signature: bytes) -> None:
    """They are noticed, wherever they are, and nowhere else."""
    for content, expected in ((bytes(2**18 - 2) + signature, True), (signature[:3] + b"x", False)):
        stream = Zstd(io.BytesIO(skippable(content) + zstd(TEXT + signature)))
        assert b"".join(stream) == TEXT + signature
        assert stream.has_zip_signature == expected


def test_a_skippable_frame_of_any_claimed_size_allocates_nothing() -> None:
    """4 GiB are claimed and not there."""
    with pytest.raises(CorruptArchiveError, match="truncated"):
        expand(Zstd, struct.pack("<2L", 0x184D2A50, 2**32 - 1) + NOISE)


@pytest.mark.parametrize(
    ("data", "expanded"),
    [
        pytest.param(frame(block(b"abc")), b"abc", id="raw block"),
        pytest.param(frame(block(b"a", RLE, size=100_000), header=WINDOW_128_MIB), b"a" * 100_000, id="RLE block"),
        pytest.param(frame(block(b"abc", last=False), block(b"")), b"abc", id="empty last block"),
        pytest.param(frame(block(b"abc"), header=WINDOW_128_MIB), b"abc", id="window of 128 MiB"),
        pytest.param(frame(block(b"abc"), descriptor=0x20, header=b"\3"), b"abc", id="single segment"),
        pytest.param(frame(block(b"abc"), descriptor=0xE0, header=b"\3" + bytes(7)), b"abc", id="long content size"),
        pytest.param(frame(block(b"abc"), descriptor=0x01, header=b"\0\0"), b"abc", id="dictionary 0 is none"),
    ],
)
def test_frames_of_other_writers_are_expanded(data: bytes, expanded: bytes) -> None:
    """All that RFC 8878 allows, not only what one library writes."""
    assert expand(Zstd, data) == expanded


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(
            frame(block(b"a"), header=WINDOW_144_MIB), "needs a window of 150994944 bytes", id="144 MiB window"
        ),
        pytest.param(frame(block(b"a"), header=b"\xff"), "too much memory", id="largest window"),
        pytest.param(
            frame(block(b"a"), descriptor=0xE0, header=(2**62).to_bytes(8, "little")),
            "needs a window of",
            id="huge single segment",
        ),
        pytest.param(frame(block(b"a"), descriptor=0x01, header=b"\0\7"), "cannot be decoded", id="dictionary"),
        pytest.param(frame(block(b"a"), descriptor=0x08), "cannot be decoded", id="reserved bit"),
        pytest.param(frame(block(b"a"), descriptor=0x20, header=b"\2"), "cannot be decoded", id="content too short"),
        pytest.param(frame(block(b"abc"), descriptor=0x20, header=b"\2"), "cannot be decoded", id="content too long"),
        pytest.param(frame(block(b"a", 3)), "cannot be decoded", id="reserved kind of block"),
        pytest.param(frame(block(NOISE[:200_000]), header=WINDOW_128_MIB), "cannot be decoded", id="block too large"),
        pytest.param(frame(block(b"abc", last=False)), "truncated", id="no last block"),
        pytest.param(frame(block(b"abc"), descriptor=0x04), "truncated", id="no checksum"),
        pytest.param(b"\x27" + zstd(TEXT)[1:], "is not a zstd stream", id="magic number of old versions"),
    ],
)
def test_frames_that_no_client_reads_are_found(data: bytes, message: str) -> None:
    """What asks for too much memory, for a dictionary, or contradicts itself."""
    with pytest.raises(CorruptArchiveError, match=message):
        expand(Zstd, data)


def test_a_frame_whose_data_all_decodes_can_still_be_cut_off() -> None:
    """A flushed block gives all data back, but the frame did not end."""
    compressor = zstandard.ZstdCompressor().compressobj()
    cut_off = compressor.compress(TEXT) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    assert zstandard.ZstdDecompressor().decompressobj().decompress(cut_off) == TEXT
    with pytest.raises(CorruptArchiveError, match="truncated"):
        expand(Zstd, cut_off)


def test_the_number_of_blocks_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that expand to nothing would otherwise take time without a limit."""
    monkeypatch.setattr(streams, "MAX_ZSTD_BLOCKS", 3)
    empty = block(b"", last=False)
    assert expand(Zstd, frame(empty, empty, block(b"a"))) == b"a"
    with pytest.raises(CorruptArchiveError, match="more than 3 zstd blocks"):
        expand(Zstd, frame(empty, block(b"a")) + frame(empty, block(b"a")))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("demo", "'demo'"),
        (None, "None"),
        ("a" * 254, f"'{'a' * 254}'"),
        ("a" * 255, f"'{'a' * 255}…"),
        ("a" * 1000, f"'{'a' * 255}…"),
    ],
    ids=["text", "not a string", "longest", "one too many", "long"],
)
def test_shown_values_are_short(value: object, text: str) -> None:
    """A name of a megabyte is not printed."""
    assert truncated_repr(value) == text
