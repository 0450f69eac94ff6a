"""Files that are cut off or damaged, at every boundary and at every checksum."""

from __future__ import annotations

import bz2
import random
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from hostile.case import Case, conda, index_member, payload, tar_bz2
from support.building import (
    ZipMember,
    conda_bytes,
    conda_members,
    pax_header,
    tar,
    tar_bz2_bytes,
    tar_header,
    tar_member,
    zip_bytes,
    zstd,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NOISE = tar_member("noise", random.Random(0).randbytes(300_000))


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _cut_off_zip()
    yield from _cut_off_streams()
    yield from _wrong_checksums()
    yield from _wrong_headers()
    yield from _something_else()


def _cut_off_zip() -> Iterator[Case]:
    members = conda_members()
    whole = zip_bytes(*members)
    start = 0
    for member in members:
        kind = member.name.partition("-")[0]
        length = len(member.in_place())
        yield Case(f"truncated before {kind}", conda(whole[:start]), "not a valid ZIP file" if start else "is empty")
        yield Case(f"truncated in the header of {kind}", conda(whole[: start + 20]), "not a valid ZIP file")
        yield Case(f"truncated in {kind}", conda(whole[: start + length - 5]), "not a valid ZIP file")
        start += length
    for what, end in (("before", start), ("in", start + 60), ("at the end of", len(whole) - 22)):
        yield Case(f"truncated {what} the directory", conda(whole[:end]), "not a valid ZIP file")
    yield Case("truncated in the end record", conda(whole[:-1]), "not a valid ZIP file")


def _cut_off_streams() -> Iterator[Case]:
    packed, member = zstd(tar(tar_member())), tar_member()
    for what, data, expected in (
        ("zstd header", packed[:5], "truncated in the middle of a zstd frame"),
        ("zstd block", packed[:30], "truncated in the middle of a zstd frame"),
        ("zstd checksum", packed[:-2], "truncated in the middle of a zstd frame"),
        ("tar header", zstd(member[:300]), "truncated in the middle of a tar header"),
        ("tar member", zstd(member[:514]), "truncated in the middle of a tar member"),
        ("tar padding", zstd(member[:700]), "truncated in the middle of a tar header"),
        ("tar", zstd(b""), "is empty"),
    ):
        yield Case(f"payload truncated in its {what}", conda(conda_bytes(payload=data)), expected)
        yield Case(f"info truncated in its {what}", conda(conda_bytes(info=data)), expected)
    whole = tar_bz2_bytes(payload_members=[NOISE])
    for what, end in (("magic", 2), ("header", 8), ("first block", 3000), ("checksum", len(whole) - 2)):
        yield Case(f"bzip2 truncated in its {what}", tar_bz2(whole[:end]), "in the middle of a bzip2 stream")
    plain = bz2.decompress(tar_bz2_bytes())
    yield Case("a tar that is truncated in a whole bzip2 stream", tar_bz2(bz2.compress(plain[:1000])), "is truncated")


def _wrong_checksums() -> Iterator[Case]:
    members = conda_members()
    for number, member in enumerate(members):
        others = [replace(member, crc=1) if at == number else other for at, other in enumerate(members)]
        yield Case(f"a wrong CRC of {member.name.partition('-')[0]}", conda(zip_bytes(*others)), "CRC-32")
    further = ZipMember("further", b"x", crc=1)
    yield Case("a wrong CRC of a further member", conda(zip_bytes(*members, further)), "CRC-32")
    packed = bytearray(zstd(tar(tar_member())))
    packed[-1] ^= 1
    yield Case("a wrong checksum of a zstd frame", conda(conda_bytes(payload=bytes(packed))), "cannot be decoded")
    for what, position, expected in (
        ("a bzip2 block", 100_000, "corrupt tar header"),  # that comes out before the block's checksum is reached
        ("a bzip2 stream", -1, "cannot be decoded"),
    ):
        stream = bytearray(bz2.compress(tar(index_member(), NOISE)))
        stream[position] ^= 0xFF
        yield Case(f"a wrong checksum of {what}", tar_bz2(bytes(stream)), expected)
    broken = b"X" + tar_member()[1:]
    yield Case("a wrong checksum of a tar header", payload(broken), "corrupt tar header")
    packed_broken = tar_bz2_bytes(payload_members=[broken])
    yield Case("a wrong checksum of a tar header in bzip2", tar_bz2(packed_broken), "corrupt tar header")


def _wrong_headers() -> Iterator[Case]:
    damaged = "corrupt tar header"
    yield Case("a size that is no number", payload(tar_header(tar_member(), size=(124, b"12345x78901\0"))), damaged)
    yield Case("a negative size", payload(tar_header(tar_member(), size=(124, b"\xff" * 12))), damaged)
    exabytes = b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7
    yield Case("a size of 9 exabytes", payload(tar_header(tar_member(), size=(124, exabytes))), "is truncated")
    yield Case(
        "a pax size of a billion gigabytes", payload(pax_header(("size", b"9" * 18)), tar_member()), "is truncated"
    )
    yield Case(
        "a pax size of a million digits", payload(pax_header(("size", b"9" * 10**6)), tar_member()), "an invalid size"
    )
    for what, record in (("nonsense", b"nonsense"), ("of length 0", b"0 a=\n"), ("that is too long", b"99 a=b\n")):
        yield Case(f"a pax record {what}", payload(tar_member("x", record, kind=b"x"), tar_member()), "pax header")


def _something_else() -> Iterator[Case]:
    for what, data in (("text", b"hello\n" * 1000), ("zeros", bytes(100_000)), ("noise", NOISE[512:])):
        yield Case(f"{what} as .conda", conda(data), "not a valid ZIP file")
        yield Case(f"{what} as .tar.bz2", tar_bz2(data), "not a bzip2 stream")
    yield Case(".tar.bz2 as .conda", conda(tar_bz2_bytes()), "not a valid ZIP file")
    yield Case(".conda as .tar.bz2", tar_bz2(conda_bytes()), "not a bzip2 stream")
    yield Case("a payload that is no tar", conda(conda_bytes(payload=zstd(b"hello\n" * 1000))), "not a tar archive")
    yield Case("a payload in zlib", conda(conda_bytes(payload=zlib.compress(tar(tar_member())))), "not a zstd stream")
    yield Case("an empty payload stream", conda(conda_bytes(payload=b"")), "is empty")
