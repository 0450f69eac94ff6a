from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from prefix_upload.package.archive.streams import CorruptArchiveError
from prefix_upload.package.archive.zip_container import ZipContainer
from support.building import ZipMember, with_zip64_end, zip_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

ONE, TWO = ZipMember("one", b"first"), ZipMember("two", b"second")
WHOLE = zip_bytes(ONE, TWO)
COMMENTED = zip_bytes(ONE, TWO, comment=b"hello")
# A zip64 extra field of the directory, with an offset beyond the end of any file.
BEYOND = struct.pack("<2HQ", 1, 8, 2**63)
# The data descriptor of the first member.
SIZES = struct.pack("<4s3L", b"PK\7\10", zlib.crc32(b"first"), 5, 5)


def findings(data: bytes) -> str:
    """What is wrong with the file."""
    return "; ".join(ZipContainer(io.BytesIO(data)).findings)


def contents(data: bytes) -> dict[str, bytes]:
    """What its members hold."""
    container = ZipContainer(io.BytesIO(data))
    assert not container.findings
    return {entry.name: container.open(entry).read(100) for entry in container.entries}


@pytest.mark.parametrize("streamed", [False, True], ids=["seekable", "streamed with data descriptors"])
def test_reads_what_zipfile_writes(streamed: bool) -> None:
    """Stored members, with or without data descriptors, and a comment."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return not streamed

        def tell(self) -> int:
            if streamed:
                raise OSError("a pipe")
            return super().tell()

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        archive.writestr("one", b"first")
        archive.writestr("t\u00f6", b"second")
        archive.comment = b"hello"
    assert contents(pipe.getvalue()) == {"one": b"first", "t\u00f6": b"second"}


def test_sizes_in_zip64_fields() -> None:
    """Real builders write the sizes of small members there, too."""
    extra = struct.pack("<2H2Q", 1, 16, 5, 5)
    member = replace(ONE, local={"size": 0xFFFFFFFF, "extra": b"\x99\x99\x02\x00ab" + extra})
    assert contents(zip_bytes(member, TWO)) == {"one": b"first", "two": b"second"}
    lying = replace(ONE, local={"size": 0xFFFFFFFF, "extra": struct.pack("<2H2Q", 1, 16, 6, 6)})
    assert "described differently" in findings(zip_bytes(lying, TWO))
    missing = replace(ONE, local={"size": 0xFFFFFFFF})
    assert "described differently" in findings(zip_bytes(missing, TWO))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([replace(ONE, method=8), TWO], "compressed or encrypted"),
        ([replace(ONE, flags=1), TWO], "compressed or encrypted"),
        ([ONE, replace(TWO, name="one")], "more than one member named 'one'"),
        ([replace(ONE, local={"name": "eno"}), TWO], "described differently"),
        ([replace(ONE, local={"size": 4}), TWO], "described differently"),
        ([replace(ONE, local={"crc": 4}), TWO], "described differently"),
        ([replace(ONE, local={"method": 8}), TWO], "described differently"),
        ([replace(ONE, local={"flags": 1}), TWO], "described differently"),
        ([replace(ONE, local={"flags": 8}), TWO], "described differently"),
        ([replace(ONE, flags=8, after=SIZES, local={"flags": 0}), TWO], "described differently"),
        ([replace(ONE, after=b"gap"), TWO], "bytes outside its members"),
        ([ONE, replace(TWO, after=b"gap")], "bytes outside its members"),
        ([replace(TWO, offset=3), ONE], "no header at the offset"),
        ([replace(ONE, offset=2**32 - 1, extra=BEYOND), TWO], "no header at the offset"),
    ],
)
def test_every_reader_must_see_the_same(members: Sequence[ZipMember], message: str) -> None:
    """Readers of the directory and readers from the start must find the same bytes."""
    assert message in findings(zip_bytes(*members))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (WHOLE + b"more", "bytes after its end"),
        (WHOLE + bytes(4), "bytes after its end"),
        (COMMENTED + b"more", "bytes after its end"),
        (COMMENTED[:-1], "its end is missing"),
        (COMMENTED[:-5], "its end is missing"),
        (zip_bytes(ONE) + WHOLE, "bytes outside its members"),
        (b"#!/bin/sh\n" + WHOLE, "bytes outside its members"),
    ],
    ids=[
        "appended",
        "zeros appended",
        "appended to a comment",
        "half of a comment",
        "no comment",
        "joined",
        "prepended",
    ],
)
def test_bytes_around_the_zip_file(data: bytes, message: str) -> None:
    """Two joined files read differently from the front and from the end."""
    assert message in findings(data)


def test_a_directory_with_a_wrong_offset() -> None:
    """A directory offset beyond the real one moves the members before the start of the file."""
    assert "no header at the offset" in findings(zip_bytes(ONE, TWO, directory_offset=10**6))


def with_bytes(data: bytes, at: int, value: bytes) -> bytes:
    """The data with these bytes at this offset; a negative offset counts from the end."""
    at %= len(data)
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize(("stored", "size"), [(4, 5), (5, 4), (5, 6)])
def test_a_stored_member_has_one_size(stored: int, size: int) -> None:
    """A stored member with two different sizes is refused, even if both headers agree on them."""
    sizes = struct.pack("<2L", stored, size)
    data = with_bytes(with_bytes(WHOLE, 18, sizes), WHOLE.index(b"PK\1\2") + 20, sizes)
    assert "described differently" in findings(data)


def test_the_member_count_of_zip64_archives() -> None:
    """A count of 0xFFFF refers to the zip64 end record, which has to exist."""
    assert "another number" in findings(zip_bytes(ONE, TWO, count=0xFFFF))
    assert not findings(with_zip64_end(WHOLE))


def test_the_zip64_locator() -> None:
    """The locator must point to the zip64 end record directly before it."""
    both = with_zip64_end(WHOLE)[:-22] + WHOLE[-22:]
    assert not findings(both)
    assert "another number" in findings(with_bytes(both, -34, struct.pack("<Q", 5)))


def test_reads_are_bounded() -> None:
    """No read asks for the rest of the file, or for a negative or large number of bytes."""

    class Careful(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert 0 <= size <= 2**20 + 1
            return super().read(size)

    file = Careful(zip_bytes(replace(ONE, flags=8, size=50), TWO))
    assert "bytes outside its members" in "; ".join(ZipContainer(file).findings)


UNICODE = zip_bytes(ZipMember("t\u00f6", b"x", flags=0x800))


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"text", WHOLE[:-30], WHOLE[:40], bytes(100)),
        with_bytes(WHOLE, WHOLE.index(b"PK\1\2") + 6, b"\xff"),
        UNICODE.replace(b"\xc3\xb6", b"\xff\xff"),
    ],
    ids=["empty", "text", "no end", "half", "zeros", "a version to come", "a name that is not UTF-8"],
)
def test_no_zip_file(data: bytes) -> None:
    """Whatever `zipfile` trips over is one kind of error."""
    with pytest.raises(CorruptArchiveError, match="not a valid ZIP file"):
        ZipContainer(io.BytesIO(data))


def test_huge_directory_is_not_read() -> None:
    """A directory of more than a package can need is refused instead of read."""
    many = [ZipMember(f"{number:05}" + "x" * 2000) for number in range(600)]
    with pytest.raises(CorruptArchiveError, match="directory"):
        ZipContainer(io.BytesIO(zip_bytes(*many)))


@pytest.mark.parametrize("member", [replace(ONE, crc=1), replace(ONE, size=10**6)], ids=["wrong", "cut off"])
def test_damaged_member(member: ZipMember) -> None:
    """A member that is truncated, or whose bytes do not match the CRC-32, is corrupt."""
    container = ZipContainer(io.BytesIO(zip_bytes(member, TWO)))
    with pytest.raises(CorruptArchiveError, match="CRC-32"):
        container.open(container.entries[0]).read(2 * 10**6)


@pytest.mark.parametrize(("data", "expected"), [(WHOLE[:-30], True), (b"text", False)], ids=["half", "text"])
def test_a_file_without_an_end(data: bytes, expected: bool) -> None:
    """What begins as a ZIP file was one once, and is told so."""
    with pytest.raises(CorruptArchiveError) as caught:
        ZipContainer(io.BytesIO(data))
    assert ("may have been truncated" in str(caught.value)) == expected
