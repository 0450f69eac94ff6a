"""Names, targets and sparse maps of the members of a tar archive."""

from __future__ import annotations

import tarfile

import pytest

from prefix_upload.package.archive.tar_headers import Kind, Member
from prefix_upload.package.archive.tar_members import SPARSE
from support.building import pax_header, tar_header, tar_member
from support.tars import FILE, FOLDER, GNU, LINK, MAGIC, POSIX, V7, long, read, refusal


@pytest.mark.parametrize("flag", [b"0", b"7", b"1", b"2"])
@pytest.mark.parametrize("magic", [POSIX, GNU, V7])
def test_names_that_end_in_a_slash(flag: bytes, magic: bytes) -> None:
    """They are folders for libarchive and rattler, whatever their type."""
    member = tar_header(tar_member("a/", b"", kind=flag, target="b"), magic=(MAGIC, magic))
    assert "ends in a slash" in refusal(member)


def test_old_folders() -> None:
    """Before POSIX, a folder was a file whose name ends in a slash."""
    old = tar_member("a/", b"", kind=tarfile.AREGTYPE)
    for magic in (V7, GNU):
        assert read(tar_header(old, magic=(MAGIC, magic))) == ([Member("a/", Kind.DIRECTORY, 0, mode=0o755)], [])
    assert "ends in a slash" in refusal(tar_header(old, magic=(MAGIC, POSIX)))
    for extended in (pax_header(("path", b"b")), long(b"L", b"b\0"), pax_header(("mtime", b"1"))):
        assert "ends in a slash" in refusal(extended, old)
    assert "ends in a slash" in refusal(pax_header(("path", b"b/")), tar_member("a", b"", kind=tarfile.AREGTYPE))


def sparse(*parts: tuple[int, int], data: bytes, size: int, more: bytes = b"") -> bytes:
    """A sparse member of GNU tar."""
    table = b"".join(b"%011o\0%011o\0" % part for part in parts)
    member = tar_member("a", data, kind=tarfile.GNUTYPE_SPARSE)
    whole = tar_header(member, map=(386, table), more=(482, bytes([bool(more)])), size=(483, b"%011o\0" % size))
    return whole[:512] + more + whole[512:]


def test_sparse_files() -> None:
    """Only what is stored of the file is read."""
    member = sparse((0, 512), (1024, 6), data=bytes(518), size=1030)
    assert read(member, FILE) == ([Member("a", Kind.SPARSE_FILE, 518), Member("a", Kind.FILE, 6)], [SPARSE])
    assert len(read(sparse((2048, 0), data=b"", size=2048))[0]) == 1


def test_sparse_maps_in_several_blocks() -> None:
    """A flag says whether another one follows."""
    more = (b"%011o\0%011o\0" % (1024, 6)).ljust(512, b"\0")
    member = sparse((0, 512), data=bytes(518), size=1030, more=more)
    assert [found.size for found in read(member, FILE)[0]] == [518, 6]


@pytest.mark.parametrize(
    ("parts", "stored", "size"),
    [
        ([(0, 6)], 7, 6),
        ([(0, 6)], 6, 7),
        ([(0, 6), (3, 6)], 12, 9),
        ([(512, 6), (0, 6)], 12, 518),
        ([(0, 6), (512, 6)], 12, 518),
        ([], 6, 0),
    ],
)
def test_sparse_maps_that_contradict_the_sizes(parts: list[tuple[int, int]], stored: int, size: int) -> None:
    """Readers make different files of them."""
    assert "sparse tar member" in refusal(sparse(*parts, data=bytes(stored), size=size))


def test_sparse_maps_belong_to_the_gnu_form() -> None:
    """In the others, something else stands there."""
    member = tar_header(sparse((0, 6), data=bytes(6), size=6), magic=(MAGIC, POSIX))
    assert "sparse tar member" in refusal(member)


def test_damaged_sparse_maps() -> None:
    """Digits that are none."""
    assert "corrupt map" in refusal(tar_header(sparse((0, 6), data=bytes(6), size=6), map=(386, b"8")))


@pytest.mark.parametrize(
    "key",
    [
        "GNU.sparse.name",
        "GNU.sparse.major",
        "GNU.sparse.size",
        "GNU.sparse.realsize",
        "GNU.sparse.map",
        "GNU.sparse.numblocks",
        "GNU.sparse",
        "SCHILY.realsize",
        "SUN.holesdata",
    ],
)
def test_pax_records_of_sparse_files(key: str) -> None:
    """Rattler does not know them, and sees another name or other contents."""
    assert "sparse file" in refusal(pax_header((key, b"1")), FILE)
    assert "sparse file" in refusal(pax_header((key, b"1"), kind=tarfile.XGLTYPE), FILE)


@pytest.mark.parametrize("end", [b"\0", b""])
@pytest.mark.parametrize("magic", [POSIX, GNU])
def test_long_names_and_targets(magic: bytes, end: bytes) -> None:
    """Each in a header of its own, in either order."""
    name, target = (tar_header(long(flag, b"x" * 200 + end), magic=(MAGIC, magic)) for flag in (b"L", b"K"))
    expected = [Member("x" * 200, Kind.SYMLINK, 0, "x" * 200)]
    assert read(name, target, LINK)[0] == read(target, name, LINK)[0] == expected


@pytest.mark.parametrize("data", [b"a\0b\0", b"a\0\0", b"\0a", b"a\0b"])
@pytest.mark.parametrize("flag", [b"L", b"K"])
def test_long_names_with_nul(flag: bytes, data: bytes) -> None:
    """Some readers stop there, and others don't."""
    assert "NUL" in refusal(long(flag, data), LINK)


def test_long_names_without_magic_number() -> None:
    """Rattler extracts the header as a file."""
    assert "not in the GNU format" in refusal(tar_header(long(b"L", b"x\0"), magic=(MAGIC, V7)), FILE)


@pytest.mark.parametrize(
    "headers",
    [
        [long(b"L", b"a\0"), long(b"L", b"b\0")],
        [long(b"K", b"a\0"), long(b"K", b"b\0")],
        [long(b"L", b"a\0"), pax_header(("path", b"b"))],
        [pax_header(("path", b"b")), long(b"L", b"b\0")],
        [pax_header(("size", b"0")), long(b"K", b"b\0")],
        [pax_header(("path", b"a")), pax_header(("path", b"b"))],
        [pax_header(("path", b"a")), pax_header(("comment", b"b"), kind=b"g"), pax_header(("path", b"b"))],
    ],
)
def test_more_than_one_extended_header_for_a_member(headers: list[bytes]) -> None:
    """Readers use different ones, or fail."""
    assert "extended header" in refusal(*headers, LINK)


@pytest.mark.parametrize("header", [long(b"K", b"b\0"), pax_header(("linkpath", b"b"))])
@pytest.mark.parametrize("member", [FILE, FOLDER])
def test_targets_of_what_is_not_a_link(header: bytes, member: bytes) -> None:
    """Libarchive makes a link of it."""
    assert "not a link" in refusal(header, member)


def test_names_that_are_too_long() -> None:
    """Nothing longer can be extracted."""
    assert len(read(long(b"L", b"x" * 4096), FILE)[0][0].name) == 4096
    assert "more than 4096" in refusal(long(b"L", b"x" * 4097 + b"\0"), FILE)
