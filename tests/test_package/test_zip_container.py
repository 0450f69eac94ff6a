from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from prefix_upload.package.archive.streams import CorruptArchiveError
from prefix_upload.package.archive.zip_container import ZipContainer
from support.building import ZipMember, zip_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

ONE, TWO = ZipMember("one", b"first"), ZipMember("two", b"second")
WHOLE = zip_bytes(ONE, TWO)


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
        ([replace(ONE, after=b"gap"), TWO], "bytes outside its members"),
        ([ONE, replace(TWO, after=b"gap")], "bytes outside its members"),
        ([replace(TWO, offset=3), ONE], "no header at the offset"),
    ],
)
def test_every_reader_must_see_the_same(members: Sequence[ZipMember], message: str) -> None:
    """Readers of the directory and readers from the start must find the same bytes."""
    assert message in findings(zip_bytes(*members))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (WHOLE + b"more", "bytes after its end"),
        (zip_bytes(ONE) + WHOLE, "bytes outside its members"),
        (b"#!/bin/sh\n" + WHOLE, "bytes outside its members"),
    ],
    ids=["appended", "joined", "prepended"],
)
def test_bytes_around_the_zip_file(data: bytes, message: str) -> None:
    """Two joined files read differently from the front and from the end."""
    assert message in findings(data)


@pytest.mark.parametrize("data", [b"", b"text", WHOLE[:-30], WHOLE[:40], bytes(100)])
def test_no_zip_file(data: bytes) -> None:
    """Whatever `zipfile` trips over is one kind of error."""
    with pytest.raises(CorruptArchiveError, match="not a valid ZIP file"):
        ZipContainer(io.BytesIO(data))


def test_huge_directory_is_not_read() -> None:
    """A directory of more than a package can need is refused instead of read."""
    many = [ZipMember(f"{number:05}" + "x" * 2000) for number in range(600)]
    with pytest.raises(CorruptArchiveError, match="directory"):
        ZipContainer(io.BytesIO(zip_bytes(*many)))


def test_damaged_member() -> None:
    """The bytes of a member must have the CRC-32 that is told twice."""
    data = zip_bytes(replace(ONE, crc=1), TWO)
    container = ZipContainer(io.BytesIO(data))
    with pytest.raises(CorruptArchiveError, match="CRC-32"):
        container.open(container.entries[0]).read(100)


@pytest.mark.parametrize(("data", "expected"), [(WHOLE[:-30], True), (b"text", False)], ids=["half", "text"])
def test_a_file_without_an_end(data: bytes, expected: bool) -> None:
    """What begins as a ZIP file was one once, and is told so."""
    with pytest.raises(CorruptArchiveError) as caught:
        ZipContainer(io.BytesIO(data))
    assert ("may have been truncated" in str(caught.value)) == expected
