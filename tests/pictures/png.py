"""Makes pictures smaller: a screenshot of text needs 256 colors, but a browser writes 16 million."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLORS = 256
_RGB, _PALETTE = 2, 3


def with_palette(picture: bytes) -> bytes:
    """The PNG file with its 256 most frequent colors, and the nearest of them for all others.

    Args:
        picture: a PNG file with eight bits for each of red, green and blue, and without interlacing.
    """
    chunks = list(_chunks(picture))
    width, height, depth, color = struct.unpack(">IIBB", chunks[0][1][:10])
    assert (depth, color) == (8, _RGB), "not a picture by Chromium"
    data = zlib.decompress(b"".join(content for kind, content in chunks if kind == b"IDAT"))
    rows = list(_rows(data, width * 3))
    counted = Counter(row[place : place + 3] for row in rows for place in range(0, width * 3, 3))
    palette = [color for color, _ in counted.most_common(_COLORS)]

    @cache
    def nearest(color: bytes) -> int:
        return min(range(len(palette)), key=lambda number: _distance(palette[number], color))

    indexes = b"".join(
        b"\0" + bytes(nearest(row[place : place + 3]) for place in range(0, width * 3, 3)) for row in rows
    )
    header = struct.pack(">IIBBBBB", width, height, 8, _PALETTE, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(indexes, 9)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in parts)


def _distance(one: bytes, other: bytes) -> int:
    return sum((first - second) ** 2 for first, second in zip(one, other, strict=True))


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_SIGNATURE)
    while place < len(picture):
        (size,) = struct.unpack(">I", picture[place : place + 4])
        yield picture[place + 4 : place + 8], picture[place + 8 : place + 8 + size]
        place += size + 12


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _rows(data: bytes, size: int) -> Iterator[bytes]:
    """The rows of the picture, each without its filter (PNG, section 9)."""
    above = bytes(size)
    for start in range(0, len(data), size + 1):
        row = bytearray(data[start + 1 : start + 1 + size])
        _unfilter(data[start], row, above)
        above = bytes(row)
        yield above


def _unfilter(kind: int, row: bytearray, above: bytes) -> None:
    for place in range(len(row)):
        left, corner = (row[place - 3], above[place - 3]) if place >= 3 else (0, 0)
        predicted = (0, left, above[place], (left + above[place]) // 2, _paeth(left, above[place], corner))[kind]
        row[place] = (row[place] + predicted) & 255


def _paeth(left: int, above: int, corner: int) -> int:
    estimate = left + above - corner
    return min((left, above, corner), key=lambda value: abs(estimate - value))
