"""ZIP members that are nearly ordinary."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from support.building import STEM, ZipMember

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_EXTRAS = (
    struct.pack("<2H2Q", 1, 16, 0, 0),
    struct.pack("<2H2Q", 1, 16, 5, 5),
    struct.pack("<2HQ", 1, 8, 5),
    struct.pack("<2H", 1, 0),
    struct.pack("<2HBL", 0x5455, 5, 1, 0),
    struct.pack("<2H", 0x5455, 0),
    struct.pack("<2HBBLBL", 0x7875, 11, 1, 4, 0, 4, 0),
    struct.pack("<2H", 0x9999, 2) + b"ab",
    struct.pack("<2H", 0x9999, 9) + b"ab",
    struct.pack("<2H", 0x9901, 7) + bytes(7),
    struct.pack("<2H", 0x6C78, 1) + b"\0",
    struct.pack("<2H", 0x000D, 12) + bytes(12),
    b"\0\0\0",
)


_FURTHER = ("further", "x.tar.zst", f"info-{STEM}", "info/index.json", "caf\u00e9", "folder/", "a\\b.tar.zst")


def further(random: Random) -> ZipMember:
    """A member that packages do not have."""
    return ZipMember(random.choice(_FURTHER), random.choice((b"", b"x")))


def changed(random: Random, member: ZipMember) -> ZipMember:
    """The member with a change to its headers."""
    return random.choice(_CHANGES)(random, member)


def _streamed(random: Random, member: ZipMember) -> ZipMember:
    size, crc = len(member.content), zlib.crc32(member.content)
    descriptor = struct.pack("<3L", crc, size, size)
    after = random.choice((b"", b"PK\7\10")) + random.choice((descriptor, struct.pack("<L2Q", crc, size, size)))
    local = random.choice(({}, {"size": 0, "crc": 0}, {"size": 0, "crc": crc}))
    return replace(member, flags=8, after=after, local=local)


def _with_extra(random: Random, member: ZipMember) -> ZipMember:
    extra = random.choice(_EXTRAS)
    return random.choice((replace(member, extra=extra), replace(member, local={"extra": extra})))


def _with_zip64(random: Random, member: ZipMember) -> ZipMember:
    size = len(member.content)
    needed = {"size": 0xFFFFFFFF, "extra": struct.pack("<2H2Q", 1, 16, size, size)}
    extra = struct.pack("<2H3Q", 1, 24, size, size, random.choice((0, 10)))
    return random.choice(
        (replace(member, local=needed), replace(member, extra=extra), replace(member, extra=extra[:20]))
    )


def _with_unicode_name(random: Random, member: ZipMember) -> ZipMember:
    name = random.choice((member.name.encode(), b"renamed.tar.zst"))
    field = struct.pack("<BL", 1, random.choice((0, zlib.crc32(member.name.encode())))) + name
    extra = struct.pack("<2H", 0x7075, len(field)) + field
    return replace(member, extra=extra, local=random.choice(({}, {"extra": b""})))


def _with_flags(random: Random, member: ZipMember) -> ZipMember:
    return replace(member, flags=random.choice((2, 4, 0x800, 0x20, 0x40, 0x2000)))


def _with_attributes(random: Random, member: ZipMember) -> ZipMember:
    mode = random.choice((0o100644, 0o120777, 0o40755, 0o644, 0, 0xA1ED))
    return replace(
        member, made_by=random.choice((0, 3, 3, 10, 19)), attributes=mode << 16 | random.choice((0, 0x10, 0x20))
    )


_CHANGES: tuple[Callable[[Random, ZipMember], ZipMember], ...] = (
    _streamed,
    _with_extra,
    _with_zip64,
    _with_unicode_name,
    _with_flags,
    _with_attributes,
)
