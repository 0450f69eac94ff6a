"""Which pax records are read, and which are refused because readers disagree on them."""

from __future__ import annotations

import pytest

from prefix_upload.package.archive.pax import EMPTY_VALUE, GLOBAL_VALUES, ODD_VALUE
from prefix_upload.package.archive.tar_headers import Kind, Member
from prefix_upload.package.archive.tar_members import GNU_PAX
from support.building import pax_header, tar_header, tar_member
from support.tars import FILE, GNU, LINK, MAGIC, POSIX, V7, long, read, refusal


def test_pax_records_override_the_header() -> None:
    """Path, target and size come from the records before the member, also where they are not UTF-8."""
    assert read(pax_header(("path", b"b"), ("size", b"3")), tar_member("a", b"abc", size=0))[0] == [
        Member("b", Kind.FILE, 3)
    ]
    assert read(pax_header(("linkpath", b"t" * 200)), LINK)[0] == [Member("link", Kind.SYMLINK, 0, "t" * 200)]
    assert read(pax_header(("path", b"caf\xe9")), FILE) == ([Member("caf\udce9", Kind.FILE, 6)], [ODD_VALUE])


@pytest.mark.parametrize("key", ["path", "size", "mtime", "VENDOR.any"])
def test_pax_keys_stand_there_once(key: str) -> None:
    """Some readers use the first, others the last."""
    assert "more than one record" in refusal(pax_header((key, b"6"), (key, b"6")), FILE)


@pytest.mark.parametrize(
    "records",
    [
        [("comment", b"x\n17 path=hidden\n")],
        [("SCHILY.xattr.user.x", b"\n10 size=0\n")],
        [("path", b"a\nb")],
        [("comment", b"\n"), ("path", b"b")],
        [("SCHILY.xattr.user.x", b"a\nb"), ("size", b"6")],
    ],
)
def test_pax_line_feeds_in_values(records: list[tuple[str, bytes]]) -> None:
    """A reader that splits records there would find another path or size."""
    assert "line feed" in refusal(pax_header(*records), FILE)


def test_pax_binary_attributes() -> None:
    """A line feed in one that decides nothing changes nothing."""
    assert read(pax_header(("SCHILY.xattr.user.x", b"\xff\0\n=")), FILE) == ([Member("a", Kind.FILE, 6)], [])


@pytest.mark.parametrize("value", [b"-1", b"9" * 30, b"0x6", b"6 ", b"1_0", b"9223372036854775808"])
def test_pax_sizes_that_are_none(value: bytes) -> None:
    """Some readers take them for 0."""
    assert "an invalid size" in refusal(pax_header(("size", value)), FILE)


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense",
        b"99 path=a\n",
        b"0 a=\n",
        b"5 a=b",
        b"06 a=b\n",
        b"6 a b\n",
        b"5 =b\n",
        b"8 a\nb=c\n",
        b"999999999 a=\n",
    ],
)
def test_pax_damaged_records(data: bytes) -> None:
    """Some readers pass over them, and over what follows."""
    assert "corrupt pax header" in refusal(tar_header(tar_member("x", data, kind=b"x"), magic=(MAGIC, POSIX)), FILE)


def test_pax_keys_that_are_too_long() -> None:
    """Libarchive ignores a header that has one."""
    assert "corrupt pax header" in refusal(pax_header(("k" * 600, b"x"), ("path", b"b")), FILE)


def test_pax_empty_headers() -> None:
    """Libarchive refuses them."""
    for kind in (b"x", b"g"):
        assert "empty pax header" in refusal(pax_header(kind=kind), FILE)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mtime", b"1e3"),
        ("mtime", b"inf"),
        ("atime", b""),
        ("uid", b"-2"),
        ("gid", b"x"),
        ("SCHILY.ino", b"x"),
        ("uname", b"\xff"),
        ("LIBARCHIVE.symlinktype", b"odd"),
        ("SCHILY.acl.access", b"nonsense"),
        ("comment", b"5 hdrcharset=\xff"),
    ],
)
def test_pax_values_that_some_clients_cannot_read(key: str, value: bytes) -> None:
    """They do not decide what is extracted, but one client or the other fails."""
    remarks = read(pax_header((key, value)), FILE)[1]
    assert remarks == [ODD_VALUE if value else EMPTY_VALUE]


@pytest.mark.parametrize(
    "record",
    [
        ("mtime", b"1700000000.123456789"),
        ("mtime", b"-1.5"),
        ("atime", b"1700000000"),
        ("uid", b"4294967294"),
        ("uname", b"caf\xc3\xa9"),
        ("SCHILY.fflags", b"nodump"),
        ("SCHILY.dev", b"2049"),
        ("LIBARCHIVE.creationtime", b"1.5"),
        ("LIBARCHIVE.xattr.user.x", b"QQ"),
        ("RHT.security.selinux", b"system_u:object_r:tmp_t:s0\0"),
        ("MSWINDOWS.rawsd", b"AQAE"),
        ("hdrcharset", b"BINARY"),
    ],
)
def test_pax_what_writers_add(record: tuple[str, bytes]) -> None:
    """Times, owners and attributes."""
    assert read(pax_header(record), FILE) == ([Member("a", Kind.FILE, 6)], [])


def test_pax_character_sets() -> None:
    """There are two for all readers."""
    assert "character set" in refusal(pax_header(("hdrcharset", b"ISO-8859-1")), FILE)


def test_pax_in_the_gnu_form() -> None:
    """Only rattler cannot read it. Without magic number, rattler extracts it as a file."""
    header = pax_header(("path", b"b"))
    assert read(tar_header(header, magic=(MAGIC, GNU)), FILE) == ([Member("b", Kind.FILE, 6)], [GNU_PAX])
    assert "without the magic number" in refusal(tar_header(header, magic=(MAGIC, V7)), FILE)


def test_global_headers_comments() -> None:
    """As `git archive` writes them."""
    comment = pax_header(("comment", b"0" * 40), kind=b"g", name="pax_global_header")
    assert read(comment, FILE) == ([Member("a", Kind.FILE, 6)], [])


def test_global_headers_other_values() -> None:
    """Newer versions of libarchive refuse what they would have to apply to all members."""
    assert read(pax_header(("mtime", b"1"), kind=b"g"), FILE)[1] == [GLOBAL_VALUES]
    for key in ("path", "linkpath", "size"):
        assert "global pax header" in refusal(pax_header((key, b"1"), kind=b"g"), FILE)


@pytest.mark.parametrize("name", ["pax_global_header", "././@PaxHeader"])
def test_global_headers_names(name: str) -> None:
    """Rattler creates the folder that the header is in."""
    assert read(pax_header(("comment", b"x"), kind=b"g", name=name), FILE)[1] == []
    header = pax_header(("comment", b"x"), kind=b"g", name="/tmp/GlobalHead.1.1")
    assert "in a folder" in refusal(header, FILE)


@pytest.mark.parametrize(
    "before", [pax_header(("path", b"b")), long(b"L", b"b\0"), pax_header(("comment", b"x"), kind=b"g")]
)
def test_global_headers_between_a_member_and_its_headers(before: bytes) -> None:
    """Some readers apply those before it to the global header."""
    assert "global pax header after another" in refusal(before, pax_header(("comment", b"x"), kind=b"g"), FILE)


def test_global_headers_without_a_member() -> None:
    """`tarfile` fails."""
    assert "without a member after it" in refusal(FILE, pax_header(("comment", b"x"), kind=b"g"))
