"""Files that two readers would read differently, and members that end up elsewhere than they say."""

from __future__ import annotations

import bz2
import struct
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

from hostile.case import Case, conda, index_json, index_member, long_name, name_header, payload, tar_bz2
from support.building import (
    STEM,
    TAR_END,
    conda_bytes,
    conda_members,
    index_of,
    pax_header,
    tar,
    tar_bz2_bytes,
    tar_member,
    with_zip64_end,
    written,
    zip_bytes,
    zstd,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OUTSIDE = "bytes outside its members"


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _around_the_zip_file()
    yield from _zip_members()
    yield from _zip_headers()
    yield from _tar_members()
    yield from _leading_out()
    yield from _behind_the_end()
    yield from _other_names()


def _around_the_zip_file() -> Iterator[Case]:
    whole = conda_bytes()
    metadata, package, info = conda_members()
    yield Case("two joined packages", conda(whole + whole), OUTSIDE)
    yield Case("bytes before the package", conda(b"#!/bin/sh\n" + whole), OUTSIDE)
    yield Case("bytes after the package", conda(whole + b"\n"), "bytes after its end")
    yield Case("a package in the ZIP comment", conda(zip_bytes(metadata, package, info, comment=whole)), OUTSIDE)
    yield Case("bytes between members", conda(zip_bytes(replace(metadata, after=b"gap"), package, info)), OUTSIDE)
    yield Case("bytes before the directory", conda(zip_bytes(metadata, package, replace(info, after=b"gap"))), OUTSIDE)


def _zip_members() -> Iterator[Case]:
    metadata, package, info = conda_members()
    twice = "more than one member named"
    other = replace(info, content=conda_members(index=index_of(STEM, build_number=9))[2].content)
    yield Case("two info members", conda(zip_bytes(metadata, package, info, other)), twice)
    yield Case("two payload members", conda(zip_bytes(metadata, package, package, info)), twice)
    yield Case("two metadata.json", conda(zip_bytes(metadata, metadata, package, info)), twice)
    second = replace(other, name="info-other-1.0-h0_0.tar.zst")
    yield Case(
        "an info member of another name", conda(zip_bytes(metadata, package, info, second)), "exactly one 'info'"
    )
    yield Case("no info member", conda(zip_bytes(metadata, package)), "exactly one 'info'")
    yield Case("no payload member", conda(zip_bytes(metadata, info)), "exactly one 'pkg'")
    yield Case("no metadata.json", conda(zip_bytes(package, info)), "no member 'metadata.json'")
    stored = "has to be stored"
    yield Case("a compressed member", conda(zip_bytes(metadata, package, replace(info, method=8))), stored)
    yield Case("an encrypted member", conda(zip_bytes(metadata, package, replace(info, flags=1))), stored)


def _zip_headers() -> Iterator[Case]:
    metadata, package, info = conda_members()

    def changed(**changes: object) -> Callable[[Path], Path]:
        return conda(zip_bytes(metadata, package, replace(info, **changes)))  # type: ignore[arg-type]  # its fields

    two_ways = "described differently"
    yield Case("a local header of another name", changed(local={"name": "x" * len(info.name)}), two_ways)
    yield Case("a local header of another size", changed(local={"size": 1}), two_ways)
    yield Case("a local header of another CRC", changed(local={"crc": 1}), two_ways)
    yield Case("a member within another", changed(offset=0), two_ways)
    yield Case("a member behind the end", changed(offset=10**9), "no header at the offset")
    yield Case("sizes that should follow and do not", changed(flags=8), OUTSIDE)
    lie = struct.pack("<4s3L", b"PK\7\10", 0, 5, 5)
    yield Case("sizes that follow and lie", changed(flags=8, after=lie), OUTSIDE)
    lie64 = struct.pack("<2H2Q", 1, 16, 5, 5)
    yield Case("zip64 sizes that lie", changed(local={"size": 0xFFFFFFFF, "extra": lie64}), two_ways)
    yield Case("zip64 sizes that are missing", changed(local={"size": 0xFFFFFFFF}), two_ways)
    whole = conda_bytes()
    yield Case("a zip64 end of 2^60 members", conda(with_zip64_end(whole, 2**60)), "another number")
    yield Case("a count that is too small", conda(zip_bytes(metadata, package, info, count=2)), "another number")
    yield Case(
        "a directory that is elsewhere", conda(zip_bytes(metadata, package, info, directory_offset=5)), "ZIP file"
    )
    in_parts = whole[:-18] + struct.pack("<2H", 1, 1) + whole[-14:]
    yield Case("one of several parts", conda(in_parts), "it is split")


def _tar_members() -> Iterator[Case]:
    """Each in both formats: in `info/` of a `.conda` package, and in a `.tar.bz2` package."""
    index, again = index_member(), index_json(build_number=9)
    link = tar_member("info/index.json", b"", kind=tarfile.SYMTYPE)
    for what, members, expected in (
        ("two index.json", [index, tar_member("info/index.json", again)], "more than once"),
        ("index.json and ./index.json", [index, tar_member("./info/index.json", again)], "more than once"),
        ("index.json and info//index.json", [index, tar_member("info//index.json", again)], "another spelling"),
        ("index.json and info/./index.json", [index, tar_member("info/./index.json", again)], "another spelling"),
        ("index.json and INFO/Index.json", [index, tar_member("INFO/Index.json", again)], "another spelling"),
        ("only info/./index.json", [tar_member("info/./index.json", index_json())], "has no 'info/index.json'"),
        ("index.json as a link", [link], "not a regular file"),
        ("index.json as a hard link", [tar_member("info/index.json", b"", kind=tarfile.LNKTYPE)], "not a regular file"),
        ("index.json as a sparse file", [_sparse_index()], "not a regular file"),
        ("info as a link", [tar_member("info", b"", kind=tarfile.SYMTYPE), index], "'info' is not a folder"),
        ("no index.json", [tar_member("info/about.json", b"{}")], "has no 'info/index.json'"),
        (
            "two long names for one member",
            [index, name_header(b"a"), long_name(b"b")],
            "two extended headers of one type",
        ),
        (
            "a member with conflicting names",
            [index, name_header(b"a"), pax_header(("path", b"b")), tar_member()],
            "conflicting names",
        ),
        (
            "a path for all members",
            [index, pax_header(("path", b"x"), kind=tarfile.XGLTYPE), tar_member()],
            "global pax header",
        ),
        ("a long name that goes on", [index, _overlong(long_name(b"a"))], "data in its padding"),
        (
            "a pax record that goes on",
            [index, _overlong(pax_header(("a", b"b"))), tar_member()],
            "data in its padding",
        ),
        ("a long name for no member", [index, name_header(b"a")], "without a member after it"),
        ("a pax header for no member", [index, pax_header(("path", b"b"))], "without a member after it"),
        ("members after the end", [index, TAR_END, tar_member("hidden")], "after its end-of-archive"),
    ):
        archive = tar(*members)
        yield Case(f"{what}, .conda", conda(conda_bytes(info=zstd(archive))), expected)
        yield Case(f"{what}, .tar.bz2", tar_bz2(bz2.compress(archive)), expected)
    yield Case("the index in the payload as well", payload(index), "more than once")


def _sparse_index() -> bytes:
    """PAX format 1.0: readers that know it expand the member, others see its map."""
    return pax_header(("GNU.sparse.major", b"1"), ("GNU.sparse.name", b"info/index.json")) + index_member()


def _overlong(header: bytes) -> bytes:
    """The header with more in the block of its data than its size tells."""
    return header[:1000] + b"more" + header[1004:]


def _leading_out() -> Iterator[Case]:
    for what, member, expected in (
        ("an absolute path", tar_member("/etc/passwd"), "absolute path"),
        ("an absolute path for Windows", tar_member("C:\\windows\\x"), "absolute path"),
        ("a network share", tar_member("\\\\host\\share"), "absolute path"),
        ("'..' in its path", tar_member("a/../../b"), "'..'"),
        ("a name that is '..'", tar_member("..", b"", kind=tarfile.DIRTYPE), "'..'"),
        ("'..' in its path for Windows", tar_member("a\\..\\b"), "'..'"),
        ("a name with a NUL", pax_header(("path", b"a\0b")) + tar_member(), "NUL"),
        ("a name that is empty", pax_header(("path", b"")) + tar_member(), "has no name"),
        ("a long name with '..'", long_name(b"a/" * 100 + b"../" * 200), "'..'"),
        ("a character device", tar_member("dev", b"", kind=tarfile.CHRTYPE), "device or FIFO"),
        ("a block device", tar_member("dev", b"", kind=tarfile.BLKTYPE), "device or FIFO"),
        ("a FIFO member", tar_member("fifo", b"", kind=tarfile.FIFOTYPE), "device or FIFO"),
    ):
        yield Case(what, payload(member), expected)
    further = replace(conda_members()[0], name="../metadata.json")
    yield Case("a ZIP member with '..'", conda(zip_bytes(*conda_members(), further)), "'..'")


def _behind_the_end() -> Iterator[Case]:
    packed = zstd(tar(tar_member()))
    yield Case("bytes after the zstd frame", conda(conda_bytes(payload=packed + b"more")), "after its last zstd frame")
    yield Case("bytes after the bzip2 stream", tar_bz2(tar_bz2_bytes() + b"more"), "after the end of its bzip2 stream")


def _other_names() -> Iterator[Case]:
    yield Case(
        "the same text split otherwise",
        _called("demo-extra-1.0-h0_0", name="demo", version="extra-1.0"),
        "the name is 'demo-extra' in the file name",
    )
    yield Case("a file that was renamed", _called("demo-2.0-h0_0", version="1.0"), "was the file renamed?")
    yield Case(
        "members that are called otherwise", conda(conda_bytes("other-1.0-h0_0")), "should be 'other-1.0-h0_0.conda'"
    )


def _called(stem: str, **changes: object) -> Callable[[Path], Path]:
    return lambda folder: written(folder / f"{stem}.conda", conda_bytes(stem, index=index_of(stem, **changes)))
