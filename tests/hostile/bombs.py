"""Files that are small and expand to what no machine can hold, or to what takes for ever to read."""

from __future__ import annotations

import bz2
import json
import struct
import tarfile
from typing import TYPE_CHECKING, Any

from hostile.case import (
    MIB,
    Case,
    block,
    conda,
    frame,
    index_json,
    index_member,
    long_name,
    payload,
    skippable,
    tar_bz2,
)
from support.building import (
    METADATA,
    TAR_END,
    ZipMember,
    conda_bytes,
    conda_members,
    pax_header,
    repeated_zstd,
    tar_header,
    tar_member,
    zip_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GIB = 2**30


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _expanding()
    yield from _of_many_members()
    yield from _of_long_headers()
    yield from _of_many_parts()
    yield from _of_json()


def _payload(unit: bytes, count: int, **ends: bytes) -> Callable[[], bytes]:
    """A package whose payload is the same bytes over and over."""
    return lambda: conda_bytes(payload=repeated_zstd(unit, count, **({"end": TAR_END} | ends)))


def _info(unit: bytes, count: int, **ends: bytes) -> Callable[[], bytes]:
    """A package whose `info/` is the same bytes over and over."""
    return lambda: conda_bytes(info=repeated_zstd(unit, count, **({"end": TAR_END} | ends)))


def _zeros(name: str, size: int) -> dict[str, Any]:
    """One member of zeros, for the two functions above."""
    return {"unit": bytes(MIB), "count": size // MIB, "start": tar_member(name, b"", size=size)}


def _bzip2(stream: bytes, count: int) -> bytes:
    """A package whose payload is one large member, in streams that are all the same."""
    return bz2.compress(index_member() + tar_member("z", b"", size=4 * GIB)) + bz2.compress(stream) * count


def _expanding() -> Iterator[Case]:
    too_much = "expands to more than 1073741824 bytes"
    yield Case("a payload of 2 GiB zeros", conda(_payload(bytes(MIB), 2048)), too_much)
    yield Case("one member of 2 GiB zeros", conda(_payload(**_zeros("z", 2 * GIB))), too_much)
    yield Case("one member of 500 MiB zeros", conda(_payload(**_zeros("z", 500 * MIB))))
    yield Case("2 GiB zeros in bzip2", tar_bz2(lambda: _bzip2(bytes(100 * MIB), 20)), too_much)
    yield Case("a slow pattern in bzip2", tar_bz2(lambda: _bzip2(b"ab" * 9_000_000, 120)), too_much)
    yield Case("an info of 300 MiB", conda(_info(**_zeros("info/x", 300 * MIB))), "'info' folder of more than")
    yield Case(
        "an info of 2 GiB", conda(_info(bytes(MIB), 2048, start=index_member())), "expands to more than 268435456"
    )
    inner = b"hello\n"
    for _ in range(5):
        inner = conda_bytes(payload_members=[tar_member("share/inner.conda", inner)])
    yield Case("a package in a package in a package", conda(inner))


def _of_many_members() -> Iterator[Case]:
    empty = tar_member("a", b"")
    yield Case("1,000,001 members", conda(_payload(empty, 1_000_001)), "more than 1000000 members")
    yield Case(
        "100,001 members in info",
        conda(_info(tar_member("info/x", b""), 100_001)),
        "'info' folder of more than 100000 members",
    )
    further = (ZipMember(str(number)) for number in range(15_000))
    yield Case("15,000 further ZIP members", conda(zip_bytes(*conda_members(), *further)), "15000 extra members")
    fat = (ZipMember(str(number), extra=struct.pack("<2H", 0x9999, 20_000) + bytes(20_000)) for number in range(90))
    yield Case("a ZIP directory of 2 MB", conda(zip_bytes(*conda_members(), *fat)), "directory has more than")


def _of_long_headers() -> Iterator[Case]:
    yield Case(
        "100,000 long names", conda(_payload(long_name(b"a/" * 2000 + b"a"), 100_000)), warning="more than once: "
    )
    yield Case(
        "100,000 long names of dots",
        conda(_payload(long_name(b"..a/" * 1000 + b"a"), 100_000)),
        warning="more than once: ",
    )
    spelled = long_name(b"./" * 1990 + b"info", kind=tarfile.DIRTYPE)
    yield Case("100,000 spellings of info", conda(_payload(spelled, 100_000)), warning="starts with './'")
    yield Case("1,000 names of 1 MB", conda(_payload(long_name(b"a/" * 500_000), 1000)), "more than 4096")
    yield Case("a name of 2 MiB", payload(long_name(b"a" * 2 * MIB)), "tar header of 2097153 bytes")
    records = [(f"{number:x}", b"") for number in range(90_000)]
    yield Case(
        "63 million pax records",
        conda(_payload(pax_header(*records) + tar_member("a", b""), 700)),
        "more than 5000000 pax records",
    )
    yield Case("a pax header of 1.5 MB", payload(pax_header(("comment", bytes(1_500_000)))), "tar header of 15")
    sparse = tar_header(tar_member("a", b"", kind=tarfile.GNUTYPE_SPARSE), extended=(482, b"\1"))
    more = bytes(504) + b"\1" + bytes(7)
    yield Case(
        "a sparse map without end", conda(_payload(more, 3000, start=sparse)), "sparse tar member with too many parts"
    )


def _of_many_parts() -> Iterator[Case]:
    empty = frame(block(b"", last=True))
    yield Case(
        "4 million empty zstd blocks",
        conda(lambda: conda_bytes(payload=frame(block(b"") * 4_000_001))),
        "more than 4000000 zstd blocks",
    )
    yield Case(
        "100,001 zstd frames", conda(lambda: conda_bytes(payload=empty * 100_001)), "more than 100000 compressed"
    )
    yield Case("100,001 bzip2 streams", tar_bz2(lambda: bz2.compress(b"") * 100_001), "more than 100000 compressed")
    yield Case(
        "a skippable frame of 4 GiB", conda(conda_bytes(payload=skippable(b"", 2**32 - 1))), "truncated in the middle"
    )
    for size, window, expected in (
        ("144 MiB", b"\x89", "needs a window of 150994944 bytes"),
        ("3.75 TiB", b"\xff", "requires too much memory"),
    ):
        data = conda_bytes(payload=frame(block(b"", last=True), window=window))
        yield Case(f"a zstd window of {size}", conda(data), expected)


def _of_json() -> Iterator[Case]:
    yield Case(
        "an index of 5 MiB", conda(conda_bytes(index=index_json(junk="x" * 5 * MIB))), "larger than 4194304 bytes"
    )
    for what, items in (
        ("1.3 million objects", b"{}," * 1_380_000),
        ("1.3 million lists", b"[]," * 1_380_000),
        ("590,000 objects with a key", b'{"":0},' * 590_000),
        ("1 million floating-point numbers", b"1e9," * 1_000_000),
    ):
        yield Case(f"an index of {what}", conda(conda_bytes(index=_junk(b"[" + items + b"0]"))))
    keys = b",".join(b'"%d":0' % number for number in range(370_000))
    yield Case("an index of 370,000 keys", conda(conda_bytes(index=_junk(b"{" + keys + b"}"))))
    yield Case("an index nested a million times", conda(conda_bytes(index=b"[" * MIB)), "nested too deeply")
    yield Case(
        "an index with a number of a million digits", conda(conda_bytes(index=_junk(b"9" * MIB))), "not valid JSON"
    )
    yield Case("a metadata.json of 3 MB", conda(conda_bytes(metadata=METADATA + b" " * 3_000_000)), "is larger than")
    yield Case("200,000 members and their list", conda(_listed_members), warning="too large to compare")
    brackets = b'{"paths":[' + b"[]," * 5_000_000 + b"0]}"
    listed = conda_bytes(info_members=[tar_member("info/paths.json", brackets)])
    yield Case("a list of paths that is 15 MB of brackets", conda(listed), warning="too large to compare")


def _junk(value: bytes) -> bytes:
    """An index that is one, with one more field."""
    return index_json(junk=0)[:-2] + value + b"}"


def _listed_members() -> bytes:
    names = [f"f{number:06}" for number in range(199_000)]
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    entries = [{"_path": name, "sha256": digest, "size_in_bytes": 0} for name in names]
    listed = json.dumps({"paths": entries}, separators=(",", ":")).encode()
    return conda_bytes(
        info_members=[tar_member("info/paths.json", listed)],
        payload_members=[tar_member(name, b"") for name in names],
    )
