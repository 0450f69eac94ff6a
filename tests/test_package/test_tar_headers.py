"""Which headers of a tar archive are read, and which are refused because readers disagree on them."""

from __future__ import annotations

import tarfile

import pytest

from prefix_upload.package.archive.tar_headers import EMPTY_FIELD, ODD_NUMBER, SIGNED_CHECKSUM, Kind, Member
from prefix_upload.package.archive.tar_members import UNKNOWN_TYPE
from support.building import pax_header, tar_header, tar_member
from support.tars import (
    FILE,
    FOLDER,
    GNU,
    HARD_LINK,
    LINK,
    MAGIC,
    MODE,
    OWNER,
    POSIX,
    PREFIX,
    SIZE,
    TIME,
    V7,
    changed,
    read,
    refusal,
)


@pytest.mark.parametrize("magic", [POSIX, GNU, V7])
def test_known_forms(magic: bytes) -> None:
    """POSIX, GNU and what was there before both."""
    assert read(changed(MAGIC, magic)) == ([Member("a", Kind.FILE, 6)], [])


@pytest.mark.parametrize(
    "magic",
    [b"ustarX00", b"ustar\0\0\0", b"ustar\x0001", b"ustar  X", b"USTAR\x0000", b"\0\0\0\0\0\0\x0000", b"ustar 00"],
)
def test_other_forms(magic: bytes) -> None:
    """Some readers take the prefix of these for a part of the name, and others don't."""
    assert "neither POSIX nor GNU" in refusal(changed(MAGIC, magic))


def test_prefix() -> None:
    """It is a part of the name in the POSIX form only; elsewhere some readers take it for one."""
    posix = changed(PREFIX, b"info")
    assert read(posix)[0] == [Member("info/a", Kind.FILE, 6)]
    for magic in (GNU, V7):
        assert "the rest of a name" in refusal(changed(PREFIX, b"info", magic=magic))
        assert "the rest of a name" in refusal(changed(PREFIX + 154, b"x", magic=magic))


def test_prefix_that_begins_with_nul() -> None:
    """All readers stop there."""
    assert read(changed(PREFIX, b"\0info"))[0] == [Member("a", Kind.FILE, 6)]


@pytest.mark.parametrize(
    ("field", "size"),
    [
        (b"00000000006\0", 6),
        (b"          6 ", 6),
        (b"6\0\0\0\0\0\0\0\0\0\0\0", 6),
        (b"000000000006", 6),
        (b"\x80" + bytes(10) + b"\6", 6),
    ],
)
def test_sizes(field: bytes, size: int) -> None:
    """Octal digits, or big-endian after a byte that says so."""
    assert read(changed(SIZE, field)) == ([Member("a", Kind.FILE, size)], [])


@pytest.mark.parametrize(
    "field",
    [
        b"12345x78901\0",
        b"0000000008 \0",
        b"6 6\0\0\0\0\0\0\0\0\0",
        b"6\x006\0\0\0\0\0\0\0\0\0",
        b"\xff" * 12,
        b"\x90" + bytes(11),
    ],
)
def test_sizes_that_are_none(field: bytes) -> None:
    """Some readers take the digits before the damage, others the end of the archive."""
    assert "corrupt tar header" in refusal(changed(SIZE, field))


@pytest.mark.parametrize("offset", [MODE, SIZE])
def test_empty_numbers(offset: int) -> None:
    """They are zero, but not for rattler."""
    width = 12 if offset == SIZE else 8
    assert read(changed(offset, bytes(width), content=b""))[1] == [EMPTY_FIELD]
    assert read(changed(OWNER, bytes(8)))[1] == []


@pytest.mark.parametrize(
    ("offset", "field"),
    [
        (MODE, b"\x80\0\0\0\0\0\1\xa4"),
        (MODE, b"644\0junk"),
        (OWNER, b"0\0junk\0\0"),
        (TIME, b"\x80\xff" + bytes(10)),
    ],
)
def test_numbers_that_some_clients_cannot_read(offset: int, field: bytes) -> None:
    """Time, mode and owner of a member do not decide what is extracted."""
    assert read(changed(offset, field))[1] == [ODD_NUMBER]


@pytest.mark.parametrize(
    ("offset", "field"),
    [
        (OWNER, b"\x80" + b"\xff" * 7),
        (TIME, b"\xff" * 12),
        (TIME, b"77777777777\0"),
        (MODE, b"   644 \0"),
        (329, b" " * 8),
    ],
)
def test_unusual_numbers(offset: int, field: bytes) -> None:
    """Large owners, times before 1970, spaces: old writers and other systems have them."""
    assert read(changed(offset, field)) == ([Member("a", Kind.FILE, 6)], [])


def test_checksums() -> None:
    """The sum of signed bytes, as some old writers computed it, is one that rattler does not accept."""
    member = bytearray(tar_member("caf\u00e9"))
    member[148:156] = b" " * 8
    signed = sum(byte - 256 * (byte > 127) for byte in member[:512])
    unsigned = sum(member[:512])
    member[148:156] = b"%06o\0 " % signed
    assert read(bytes(member))[1] == [SIGNED_CHECKSUM]
    member[148:156] = b"%06o\0 " % unsigned
    assert read(bytes(member))[1] == []
    for wrong in (
        b"%06o\0 " % (unsigned + 1),
        b"\x80" + unsigned.to_bytes(7, "big"),
        b"%06o\0 " % (unsigned + 65521),
    ):
        member[148:156] = wrong
        assert "corrupt tar header" in refusal(bytes(member))


def test_checksums_that_only_agree_in_part() -> None:
    """A cheap check must not let one pass that differs by its modulus."""
    member = bytearray(tar_member("a" * 90))
    member[148:156] = b" " * 8
    member[148:156] = b"%06o\0 " % (sum(member[:512]) + 65521)
    assert "corrupt tar header" in refusal(bytes(member))


@pytest.mark.parametrize(
    ("flag", "kind"),
    [
        (tarfile.REGTYPE, Kind.FILE),
        (tarfile.AREGTYPE, Kind.FILE),
        (tarfile.CONTTYPE, Kind.FILE),
        (tarfile.LNKTYPE, Kind.HARD_LINK),
        (tarfile.SYMTYPE, Kind.SYMLINK),
        (tarfile.CHRTYPE, Kind.DEVICE),
        (tarfile.BLKTYPE, Kind.DEVICE),
        (tarfile.FIFOTYPE, Kind.FIFO),
        (tarfile.DIRTYPE, Kind.DIRECTORY),
    ],
)
def test_kinds(flag: bytes, kind: Kind) -> None:
    """Each type flag of POSIX becomes what it is extracted to."""
    ((member,), remarks) = read(tar_member("a", b"", kind=flag))
    assert (member.name.rstrip("/"), member.kind, member.size) == ("a", kind, 0)
    assert remarks == []


@pytest.mark.parametrize("flag", [b"A", b"D", b"M", b"N", b"V", b"X"])
def test_extensions_that_only_some_readers_know(flag: bytes) -> None:
    """The others would extract a file."""
    assert "readers interpret differently" in refusal(tar_member("a", b"", kind=flag))


@pytest.mark.parametrize("flag", [b"Z", b"I", b"z", b"8"])
def test_unknown_types(flag: bytes) -> None:
    """POSIX wants them to be extracted as files, and that is what happens."""
    assert read(tar_member("a", kind=flag)) == ([Member("a", Kind.FILE, 6)], [UNKNOWN_TYPE])


@pytest.mark.parametrize("member", [LINK, HARD_LINK, FOLDER])
def test_sizes_of_what_has_no_data(member: bytes) -> None:
    """Some readers pass over as many bytes, and others don't."""
    in_header = tar_header(member, size=(SIZE, b"00000001000\0"))
    for members in ([in_header], [pax_header(("size", b"512")), member]):
        assert "a size that is not a file" in refusal(*members, FILE, FILE)
    assert len(read(pax_header(("size", b"0")), member)[0]) == 1
