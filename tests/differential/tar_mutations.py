"""Tar members that are nearly ordinary: each has a few of the things that readers might take differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.building import pax_header, tar_header, tar_member

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

_NAMES = (
    "info/index.json",
    "info/about.json",
    "share/demo.txt",
    "a",
    "a/b",
    "a/b/c",
    "b",
    "d",
    "d/index.json",
    "./a",
    "a//b",
    "./",
    "info",
    "info/",
    "share/caf\u00e9",
    "caf\udce9",
    "x" * 99,
    "x" * 100,
    "folder/" * 20 + "file",
    "y" * 101,
    "._a",
    "a b",
    "A",
    "..a",
    "a\\b",
    "-",
)
_TARGETS = (
    *("first",) * 12,
    "a",
    "b",
    "./a",
    "share/demo.txt",
    "info",
    "../a",
    "index.json",
    "d",
    "",
    "/etc/hostname",
    "x" * 100,
    "nowhere",
)
_FLAGS = (*(bytes([byte]) for byte in b"01234567ABDEIKLMNSVXZgx89z"), b"\0")
_MAGICS = (
    b"ustar\x0000",
    b"ustar  \0",
    bytes(8),
    b"ustarX00",
    b"ustar\0\0\0",
    b"ustar\x0001",
    b"USTAR\x0000",
    b"ustar 00",
)
_KEYS = (
    "path",
    "linkpath",
    "size",
    "mtime",
    "atime",
    "uid",
    "gid",
    "uname",
    "comment",
    "hdrcharset",
    "charset",
    "GNU.sparse.name",
    "GNU.sparse.major",
    "GNU.sparse.minor",
    "GNU.sparse.size",
    "GNU.sparse.realsize",
    "GNU.sparse.map",
    "SCHILY.realsize",
    "SCHILY.xattr.user.x",
    "SCHILY.acl.access",
    "SCHILY.fflags",
    "SCHILY.ino",
    "LIBARCHIVE.xattr.user.x",
    "LIBARCHIVE.creationtime",
    "LIBARCHIVE.symlinktype",
    "RHT.security.selinux",
    "SUN.holesdata",
    "VENDOR.key",
    "k" * 300,
    "k" * 600,
)
_VALUES = (
    b"a",
    b"info/index.json",
    b"6",
    b"0",
    b"512",
    b"1.5",
    b"-1",
    b"-1.5",
    b"1e3",
    b"BINARY",
    b"",
    b"caf\xc3\xa9",
    b"\xff",
    b"a\nb",
    b"a\n17 path=hidden\n",
    b"5 hdrcharset=BINARY",
    b"a/",
    b"x" * 300,
    b"dir",
    b"user::rwx",
    b"uchg",
    b"QQ==",
)
_USUAL_RECORDS = (
    ("mtime", b"1700000000.123456789"),
    ("atime", b"-1.5"),
    ("uid", b"4294967294"),
    ("uname", b"caf\xc3\xa9"),
    ("comment", b"x"),
    ("SCHILY.xattr.user.x", b"\xff\0"),
    ("SCHILY.ino", b"12"),
    ("LIBARCHIVE.creationtime", b"1.5"),
    ("VENDOR.key", b"a\nb"),
)
_NUMBERS = (
    b"0000644\0",
    b"   644 \0",
    b"644     ",
    b"00000644",
    b"\0" * 8,
    b" " * 8,
    b"\x80" + b"\0" * 6 + b"\1",
    b"\xff" * 8,
    b"644\0junk",
    b"0000888\0",
    b"\x80\xff\xff\xff\xff\xff\xff\xff",
)
_SIZES = (b"00000000006\0", b"00000001000\0", bytes(12), b"          6 ", b"\x80" + bytes(10) + b"\6")
_TIMES = (bytes(12), b"\xff" * 12, b"\x80\1" + bytes(10), b"77777777777\0", b"-1" + bytes(10), b" " * 12)
_PREFIXES = (b"info", b"a", b"\0a", b"a/", b"x" * 155, b"0" * 12)
_NUMBER_FIELDS = (100, 108, 116, 329, 337)
_FIELDS: tuple[tuple[int, Sequence[bytes]], ...] = (
    (257, _MAGICS),
    (345, _PREFIXES),
    (124, _SIZES),
    (136, _TIMES),
    (156, _FLAGS),
    *((offset, _NUMBERS) for offset in _NUMBER_FIELDS),
)


def member(random: Random) -> bytes:
    """A member, with or without an extended header."""
    kind = random.choice(_FLAGS if random.random() < 0.03 else (b"0", b"0", b"0", b"0", b"0", b"5", b"2", b"1", b"\0"))
    content = random.choice((b"", b"hello\n", bytes(600), b"PK\7\10" * 4)) if kind in b"0\x007" else b""
    style: Any = random.choice((0, 1, 1, 2, 2))
    try:
        made = tar_member(_name(random), content, kind=kind, style=style)
    except ValueError:  # a name that this format cannot have
        made = tar_member("plain", content, kind=kind, style=style)
    if kind in b"12":
        at = len(made) - 512
        target = random.choice(_TARGETS).encode()
        made = made[:at] + tar_header(made[at:], target=(157, target[:100]))
    if random.random() < 0.3:
        made = _extended(random, is_link=kind in b"12") + made
    return changed(random, made) if random.random() < 0.1 else made


def _name(random: Random) -> str:
    return random.choice((f"f{random.randrange(1000)}", f"share/{random.randrange(1000)}", random.choice(_NAMES)))


def _extended(random: Random, *, is_link: bool) -> bytes:
    if random.random() < 0.6:
        kind = random.choice((b"x", b"x", b"x", b"x", b"x", b"x", b"x", b"g", b"X"))
        count = random.randrange(1, 4)
        records = [(random.choice(_KEYS), random.choice(_VALUES)) for _ in range(count)]
        if random.random() < 0.7:
            records = random.sample(
                [*_USUAL_RECORDS, ("path", _name(random).encode("utf-8", "surrogateescape"))], count
            )
        header = pax_header(*records, kind=kind)
        return header if random.random() < 0.2 else tar_header(header, magic=(257, b"ustar\x0000"))
    name = _name(random).encode("utf-8", "surrogateescape")
    end = random.choice((b"\0", b"\0", b"\0", b"\0", b"\0", b"\0", b"", b"\0\0", b"\0x"))
    kinds = (b"L", b"K") if is_link or random.random() < 0.1 else (b"L",)
    return tar_member("././@LongLink", name + end, kind=random.choice(kinds))


def changed(random: Random, member: bytes) -> bytes:
    """The member with one field of its header changed."""
    offset, values = random.choice(_FIELDS)
    return tar_header(member, field=(offset, random.choice(values)))
