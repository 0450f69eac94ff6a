"""The pictures in the README show what the action writes."""

from __future__ import annotations

import re
import struct
import zlib

import pytest

from pictures import FOLDER
from pictures.png import with_palette
from pictures.scenes import SCENES
from support.running import REPOSITORY


def masked(text: str) -> str:
    """The text without the digits of hashes, which depend on the version of a compressor."""
    return re.sub(r"\b[0-9a-f]{12,64}\b", "…", text)


@pytest.mark.parametrize("name", SCENES)
def test_pictures_follow_the_code(name: str) -> None:
    """If this fails, `make pictures` takes new ones."""
    assert masked(SCENES[name].summary()) == masked((FOLDER / f"{name}.md").read_text())


def test_pictures_of_the_readme() -> None:
    """Each picture is there, in light and dark, small, and of the page's width."""
    readme = (REPOSITORY / "README.md").read_text()
    named = set(re.findall(r"docs/images/[\w.-]+", readme))
    assert named == {f"docs/images/{name}{theme}.png" for name in SCENES for theme in ("", "-dark")}
    for path in named:
        picture = (REPOSITORY / path).read_bytes()
        assert struct.unpack(">I", picture[16:20]) == (948,)
        assert len(picture) < 100_000


@pytest.mark.parametrize("kind", range(5))
def test_a_palette_keeps_the_colors(kind: int) -> None:
    """Each filter of PNG is undone, and the colors of all pixels stay."""
    rows = [bytes(range(9)), bytes(range(100, 109))]
    above, data = bytes(9), b""
    for row in rows:
        left, corner = bytes(3) + row[:-3], bytes(3) + above[:-3]
        data += bytes([kind])
        for value, before, up, diagonal in zip(row, left, above, corner, strict=True):
            nearest = min((before, up, diagonal), key=lambda one: abs(before + up - diagonal - one))
            data += bytes([(value - (0, before, up, (before + up) // 2, nearest)[kind]) % 256])
        above = row
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(data)), (b"IEND", b""))
    picture = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + bytes(4) for name, content in chunks
    )
    small = with_palette(picture)
    colors = small[small.index(b"PLTE") + 4 :][:18]
    start = small.index(b"IDAT") + 4
    indexes = zlib.decompressobj().decompress(small[start:])
    pixels = [colors[3 * number : 3 * number + 3] for line in (indexes[1:4], indexes[5:8]) for number in line]
    assert b"".join(pixels) == b"".join(rows)
