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


UNKNOWN = 0xFFFFFFFF  # a size in a zip64 field


def read(data: bytes) -> ZipContainer:
    """The ZIP file."""
    return ZipContainer(io.BytesIO(data))


def findings(data: bytes) -> str:
    """What is wrong with the file."""
    return "; ".join(read(data).findings)


def remarks(data: bytes) -> str:
    """What keeps some clients from reading it."""
    return "; ".join(f"{name} {remark}" for name, remark in read(data).remarks)


def extra(identifier: int, data: bytes) -> bytes:
    """An extra field."""
    return struct.pack("<2H", identifier, len(data)) + data


def zip64(*values: int) -> bytes:
    """An extra field with sizes, and perhaps an offset."""
    return extra(1, struct.pack(f"<{len(values)}Q", *values))


def contents(data: bytes) -> dict[str, bytes]:
    """What its members hold."""
    container = read(data)
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
    member = replace(ONE, local={"size": UNKNOWN, "extra": b"\x99\x99\x02\x00ab" + zip64(5, 5)})
    data = zip_bytes(member, TWO)
    assert contents(data) == {"one": b"first", "two": b"second"}
    assert not remarks(data)
    in_directory = replace(ONE, size=UNKNOWN, extra=zip64(5, 5), local={"size": 5, "extra": b""})
    assert contents(zip_bytes(in_directory, TWO)) == {"one": b"first", "two": b"second"}


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (replace(ONE, local={"size": UNKNOWN, "extra": zip64(6, 6)}), "described differently"),
        (replace(ONE, local={"size": UNKNOWN}), "no zip64 extra field"),
        (replace(ONE, local={"size": UNKNOWN, "extra": zip64(5)}), "no zip64 extra field"),
        (replace(ONE, local={"size": UNKNOWN, "extra": zip64(5, 5, 0)}), "no zip64 extra field"),
        (replace(ONE, local={"size": UNKNOWN, "extra": zip64(5, 5)[:-4]}), "truncated extra field"),
        (replace(ONE, local={"extra": zip64(9, 9)}), "other values than its header"),
        (replace(ONE, extra=zip64(5, 5, 10)), "other values than its header"),
        (replace(ONE, extra=zip64(9)), "other values than its header"),
        (replace(ONE, extra=zip64(5, 5) + zip64(5, 5)), "more than once"),
        (replace(ONE, extra=struct.pack("<2HL", 1, 4, 5)), "unexpected length"),
    ],
)
def test_zip64_fields_that_contradict_the_header(member: ZipMember, message: str) -> None:
    """Some readers use such a field where others don't."""
    assert message in findings(zip_bytes(member, TWO))


@pytest.mark.parametrize("values", [(5, 5), (5, 5, 0), (0, 0), ()])
def test_zip64_fields_that_are_not_needed(values: tuple[int, ...]) -> None:
    """Earlier versions of rattler-build wrote them, and some clients cannot read them."""
    for member in (
        replace(ONE, extra=zip64(*values), local={"extra": b""}),
        replace(ONE, local={"extra": zip64(*values[:2])}),
    ):
        data = zip_bytes(member, TWO)
        assert contents(data) == {"one": b"first", "two": b"second"}
        assert "a zip64 field that it does not need" in remarks(data)


def unicode_name(name: bytes, checked: bytes = b"one", version: int = 1) -> bytes:
    """A field with the name of a member in UTF-8 (Info-ZIP)."""
    return extra(0x7075, struct.pack("<BL", version, zlib.crc32(checked)) + name)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (unicode_name(b"two"), "another name"),
        (unicode_name(b"two", b"other"), "another name"),
        (unicode_name(b""), "another name"),
        (extra(0x7075, b""), "another name"),
        (unicode_name(b"one", b"other"), "some readers cannot read"),
        (unicode_name(b"one", version=2), "some readers cannot read"),
        (extra(0x6C78, b"\4\0\0\xed\xa1"), "changes its type"),
        (extra(0x9901, b"\1\0AE\3\0\0"), "changes its type"),
        (extra(0x0017, bytes(8)), "changes its type"),
        (extra(0x5455, b""), "times without any"),
        (extra(0x9999, b"")[:-1], "truncated extra field"),
        (extra(0x9999, b"ab")[:-1], "truncated extra field"),
        (b"\0\0\0", "truncated extra field"),
        (extra(0x9999, b"") * 2, "more than once"),
    ],
)
@pytest.mark.parametrize("is_local", [True, False])
def test_extra_fields_that_change_a_member(field: bytes, message: str, is_local: bool) -> None:
    """Its name, type or content, for some readers; or they fail because of it."""
    changes = {"local": {"extra": field}} if is_local else {"extra": field, "local": {"extra": b""}}
    assert message in findings(zip_bytes(replace(ONE, **changes), TWO))


def test_extra_fields_of_other_tools() -> None:
    """Times and owners, as Info-ZIP, 7-Zip and others write them."""
    fields = extra(0x5455, b"\3" + bytes(8)) + extra(0x7875, b"\1\4\0\0\0\0\4\0\0\0\0") + extra(0x000A, bytes(32))
    data = zip_bytes(replace(ONE, extra=fields + unicode_name(b"one")), replace(TWO, local={"extra": fields}))
    assert contents(data) == {"one": b"first", "two": b"second"}
    assert not remarks(data)


@pytest.mark.parametrize(
    ("made_by", "attributes", "is_regular"),
    [
        (3, 0o100644 << 16, True),
        (3, 0o644 << 16, True),
        (3, 0, True),
        (0, 0x20, True),
        (0, 0xA1ED0000, True),
        (10, 0xFFFFFFFF, True),
        (3, 0o120777 << 16, False),
        (3, 0o040755 << 16, False),
        (3, 0o020644 << 16, False),
        (0, 0x10, False),
    ],
)
def test_attributes(made_by: int, attributes: int, is_regular: bool) -> None:
    """Libarchive takes a member for a link or a folder if they say so, other readers do not."""
    found = findings(zip_bytes(replace(ONE, made_by=made_by, attributes=attributes), TWO))
    assert ("not a regular file" in found) != is_regular
    assert bool(found) != is_regular


@pytest.mark.parametrize("flags", [0x20, 0x40, 0x1000, 0x2000, 0x8000, 0x1])
def test_flags(flags: int) -> None:
    """Encryption, patches and undefined flags; options of compression mean nothing here."""
    assert "compressed or encrypted" in findings(zip_bytes(replace(ONE, flags=flags), TWO))
    assert contents(zip_bytes(replace(ONE, flags=0x6), TWO)) == {"one": b"first", "two": b"second"}
    assert "described differently" in findings(zip_bytes(replace(ONE, local={"flags": 0x800}), TWO))


def test_names_in_an_unknown_character_set() -> None:
    """Without the flag for UTF-8, readers take the bytes for different texts."""
    name = "caf\u00e9"
    assert "neither ASCII nor marked" in remarks(zip_bytes(ZipMember(name)))
    assert not remarks(zip_bytes(ZipMember(name, flags=0x800)))


DESCRIPTOR = struct.pack("<3L", zlib.crc32(b"first"), 5, 5)
SIGNED_DESCRIPTOR = b"PK\7\10" + DESCRIPTOR


@pytest.mark.parametrize(
    "local",
    [
        {},
        {"size": 0, "crc": 0},
        {"size": UNKNOWN, "crc": 0, "extra": zip64(0, 0)},
        {"crc": 0},  # Info-ZIP, libarchive
        {"size": UNKNOWN, "crc": 0, "extra": zip64(5, 5)},  # libarchive
        {"size": 0},
    ],
)
@pytest.mark.parametrize("descriptor", [DESCRIPTOR, SIGNED_DESCRIPTOR])
def test_sizes_that_follow(local: dict[str, object], descriptor: bytes) -> None:
    """A reader that streams the file does not know where the member ends."""
    data = zip_bytes(replace(ONE, flags=8, after=descriptor, local=local), TWO)
    assert contents(data) == {"one": b"first", "two": b"second"}
    assert "a data descriptor" in remarks(data)


@pytest.mark.parametrize(
    "local", [{"size": 4}, {"crc": 1}, {"size": 4, "crc": 0}, {"size": UNKNOWN, "extra": zip64(4, 4)}]
)
def test_sizes_that_follow_and_differ(local: dict[str, object]) -> None:
    """A header that has them in advance must not lie."""
    assert "described differently" in findings(
        zip_bytes(replace(ONE, flags=8, after=SIGNED_DESCRIPTOR, local=local), TWO)
    )


@pytest.mark.parametrize("size", [1, 2, 3, 4, 17, 18, 100])
def test_descriptors_in_members_whose_sizes_follow(size: int) -> None:
    """A reader that searches for the end of such a member would find it there."""
    content = b"PK\7\10!" + SIGNED_DESCRIPTOR + b"rest"
    descriptor = b"PK\7\10" + struct.pack("<3L", zlib.crc32(content), len(content), len(content))
    followed = ZipMember("one", content, flags=8, after=descriptor)
    with pytest.raises(CorruptArchiveError, match="data descriptor in its content"):
        in_pieces(zip_bytes(followed), size)
    assert in_pieces(zip_bytes(ZipMember("one", content)), size) == content


@pytest.mark.parametrize("signature", [b"PK\7\10", b"PK\3\4", b"PK\1\2"])
def test_signatures_in_members_whose_sizes_follow(signature: bytes) -> None:
    """A large file has each of these bytes somewhere, by chance."""
    content = b"first" + signature + b"the rest of it"
    descriptor = b"PK\7\10" + struct.pack("<3L", zlib.crc32(content), len(content), len(content))
    assert in_pieces(zip_bytes(ZipMember("one", content, flags=8, after=descriptor)), 100) == content


def in_pieces(data: bytes, size: int) -> bytes:
    """The first member, read in pieces of this size."""
    container = read(data)
    reader = container.open(container.entries[0])
    return b"".join(iter(lambda: reader.read(size), b""))


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


END = struct.Struct("<4s4H2LH")


def with_end(**changes: int) -> bytes:
    """The ZIP file with other values in its end record."""
    names = ("part", "directory_part", "part_count", "count", "size", "start")
    fields = dict(zip(names, END.unpack(WHOLE[-22:])[1:-1], strict=True)) | changes
    return WHOLE[:-22] + END.pack(b"PK\5\6", *fields.values(), 0)


def with_shifted_offsets(by: int) -> bytes:
    """The ZIP file with offsets that would be right if so many bytes preceded it."""
    end = len(ONE.in_place())
    return zip_bytes(
        replace(ONE, offset=by), replace(TWO, offset=end + by), directory_offset=end + len(TWO.in_place()) + by
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (WHOLE + b"more", "bytes after its end"),
        (WHOLE + bytes(30), "bytes after its end"),
        (WHOLE + bytes(4), "bytes after its end"),
        (COMMENTED + b"more", "bytes after its end"),
        (COMMENTED[:-1], "its comment is truncated"),
        (COMMENTED[:-5], "its comment is truncated"),
        (zip_bytes(ONE, TWO, comment=b"PK\5\6"), "end record is truncated"),
        (zip_bytes(ONE, TWO, comment=b"PK\5\6" + bytes(20)), "bytes after its end"),
        (zip_bytes(ONE, TWO, comment=b"PK\5\6" + bytes(18)), "bytes outside its members"),
        (zip_bytes(ONE, TWO, comment=WHOLE), "bytes outside its members"),
        (zip_bytes(ONE) + WHOLE, "bytes outside its members"),
        (b"#!/bin/sh\n" + WHOLE, "bytes outside its members"),
        (with_shifted_offsets(10), "offsets that are shifted"),
        (with_end(start=0), "bytes outside its members"),
        (with_end(size=46), "bytes outside its members"),
        (with_end(part=1), "it is split"),
        (with_end(directory_part=1), "it is split"),
        (with_end(part_count=1), "it is split"),
        (with_end(count=1, part_count=1), "another number"),
        (with_end(count=0xFFFF, part_count=0xFFFF), "another number"),
    ],
)
def test_ends_and_offsets_that_readers_take_differently(data: bytes, message: str) -> None:
    """Some readers correct them, some read another ZIP file, and some fail."""
    with pytest.raises(CorruptArchiveError, match=message):
        read(data)


def test_bytes_before_the_first_member() -> None:
    """Also where all offsets are right."""
    assert "bytes outside its members" in findings(b"0123456789" + with_shifted_offsets(10))


def zip64_end(**changes: int) -> bytes:
    """The ZIP file with a zip64 end record, and other values in it."""
    names = ("size", "part", "directory_part", "part_count", "count", "directory_size", "start")
    whole = with_zip64_end(WHOLE)
    at = len(whole) - 22 - 20 - 56
    record = struct.unpack("<4sQ2H2L4Q", whole[at : at + 56])
    fields = dict(zip(names, (record[1], *record[4:]), strict=True)) | changes
    packed = struct.pack("<4sQ2H2L4Q", b"PK\6\6", fields.pop("size"), 45, 45, *fields.values())
    return whole[:at] + packed + whole[at + 56 :]


def test_zip64_end_records() -> None:
    """Small ZIP files may have them."""
    assert contents(zip64_end()) == {"one": b"first", "two": b"second"}
    same = zip64_end()[:-22] + WHOLE[-22:]
    assert contents(same) == {"one": b"first", "two": b"second"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zip64_end(count=3, part_count=3), "another number"),
        (zip64_end(part=1), "it is split"),
        (zip64_end(start=1), "bytes outside its members"),
        (zip64_end(directory_size=1), "bytes outside its members"),
        (zip64_end(size=45), "corrupt zip64 end record"),
        (zip64_end()[:-22] + with_end(count=3)[-22:], "in one end record something else"),
        (zip64_end()[:-42] + struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1) + zip64_end()[-22:], "not before the other"),
        (zip64_end()[:-26] + struct.pack("<L", 2) + zip64_end()[-22:], "not before the other"),
    ],
)
def test_zip64_end_records_that_contradict(data: bytes, message: str) -> None:
    """The other end record, or the file."""
    with pytest.raises(CorruptArchiveError, match=message):
        read(data)


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


def test_reads_are_bounded() -> None:
    """No read asks for the rest of the file, or for a negative or large number of bytes."""

    class Careful(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert 0 <= size <= 2**20 + 1
            return super().read(size)

    file = Careful(zip_bytes(replace(ONE, flags=8, size=50), TWO))
    assert "bytes outside its members" in "; ".join(ZipContainer(file).findings)


def test_members_that_some_clients_cannot_read() -> None:
    """A later version of the format, and a name in another encoding than its header says."""
    later = with_bytes(WHOLE, WHOLE.index(b"PK\1\2") + 6, b"\xff")
    assert "needs a later version" in findings(later)
    unicode = zip_bytes(ZipMember("t\u00f6", b"x", flags=0x800))
    assert not findings(unicode)
    assert "marked as UTF-8" in findings(unicode.replace(b"\xc3\xb6", b"\xff\xff"))


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


@pytest.mark.parametrize("member", [replace(ONE, crc=1), replace(ONE, size=10**6)], ids=["wrong", "cut off"])
def test_damaged_member(member: ZipMember) -> None:
    """A member that is truncated, or whose bytes do not match the CRC-32, is corrupt."""
    container = ZipContainer(io.BytesIO(zip_bytes(member, TWO)))
    with pytest.raises(CorruptArchiveError, match="CRC-32"):
        container.open(container.entries[0]).read(2 * 10**6)


@pytest.mark.parametrize(("data", "expected"), [(WHOLE[:-30], True), (b"text", False)], ids=["half", "text"])
def test_a_file_without_an_end(data: bytes, expected: bool) -> None:
    """A file that begins like a ZIP file is reported as a damaged one."""
    with pytest.raises(CorruptArchiveError) as caught:
        ZipContainer(io.BytesIO(data))
    assert ("may have been truncated" in str(caught.value)) == expected
