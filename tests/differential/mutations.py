"""Packages that are nearly ordinary: each has a few of the things that readers might take differently."""

from __future__ import annotations

import bz2
import struct
from typing import TYPE_CHECKING

from differential import tar_mutations, zip_mutations
from fuzz.targets import with_checksums
from support.building import TAR_END, conda_members, index_of, tar_member, with_zip64_end, zip_bytes, zstd

if TYPE_CHECKING:
    from random import Random


def package(random: Random) -> tuple[bytes, str]:
    """A package, and the extension of its file name."""
    before = [tar_mutations.member(random) for _ in range(random.randrange(2))]
    index = tar_member("info/index.json", str(index_of()).replace("'", '"').encode(), style=random.choice((0, 1, 2)))
    info = [*before, tar_mutations.changed(random, index) if random.random() < 0.1 else index]
    info += [tar_mutations.member(random) for _ in range(random.randrange(3))]
    payload = [tar_member("first"), *(tar_mutations.member(random) for _ in range(random.randrange(4)))]
    if random.random() < 0.4:
        return bz2.compress(_archive(random, info + payload)), ".tar.bz2"
    return _conda(random, _archive(random, info), _archive(random, payload)), ".conda"


def _archive(random: Random, members: list[bytes]) -> bytes:
    end = random.choice((TAR_END, TAR_END, TAR_END, bytes(512), bytes(10240), b""))
    whole = bytearray(b"".join(members) + end)
    for _ in range(random.choice((0, 0, 0, 0, 0, 0, 1, 2))):
        at = random.choice((random.randrange(len(whole) + 1), 512 * random.randrange(9) + random.randrange(512)))
        whole[at : at + 1] = bytes([random.choice((0, 1, 32, 47, 48, 55, 120, 128, 255, random.randrange(256)))])
    return with_checksums(bytes(whole))


def _conda(random: Random, info: bytes, payload: bytes) -> bytes:
    metadata, package, index = conda_members(info=_compressed(random, info), payload=_compressed(random, payload))
    members = [metadata, package, index]
    if random.random() < 0.1:
        random.shuffle(members)
    if random.random() < 0.05:
        members.append(zip_mutations.further(random))
    if random.random() < 0.25:
        at = random.randrange(len(members))
        members[at] = zip_mutations.changed(random, members[at])
    comment = random.choice((*[b""] * 20, b"hello", b"PK\5\6" + bytes(18), b"c" * 20_000))
    data = zip_bytes(*members, comment=comment)
    if not comment and random.random() < 0.1:
        data = with_zip64_end(data)
    if random.random() < 0.05:
        whole = bytearray(data)
        whole[random.randrange(len(whole))] = random.randrange(256)
        data = bytes(whole)
    return data


def _compressed(random: Random, data: bytes) -> bytes:
    choice = random.randrange(20)
    skippable = struct.pack("<2L", 0x184D2A50, 20) + random.choice(
        (bytes(20), b"PK\7\10" + bytes(16), b"PK\5\6" + bytes(16))
    )
    if choice == 0:
        return skippable + zstd(data)
    if choice == 1:
        return zstd(data) + skippable
    if choice == 2:
        return zstd(data[:600]) + zstd(data[600:])
    return zstd(data)
