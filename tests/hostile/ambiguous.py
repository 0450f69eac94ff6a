"""Files that two readers would read differently, and members that end up elsewhere than they say."""

from __future__ import annotations

import bz2
import struct
import tarfile
import zlib
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING

from hostile import ambiguous_headers
from hostile.case import Case, conda, index_json, index_member, long_name, payload, tar_bz2
from support.building import (
    STEM,
    TAR_END,
    ZipMember,
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
    for name in ("further.tar.zst", "folder/pkg-x.zst", f"info-{STEM}.txt", "X.TAR.ZST"):
        further = replace(package, name=name)
        yield Case(
            f"a further member {name}", conda(zip_bytes(metadata, package, info, further)), "some clients extract"
        )
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
    yield Case("zip64 sizes that are missing", changed(local={"size": 0xFFFFFFFF}), "no zip64 extra field")
    yield Case(
        "zip64 sizes that are not needed and lie", changed(extra=struct.pack("<2H2Q", 1, 16, 5, 5)), "zip64 extra field"
    )
    yield Case("a member that is a link", changed(made_by=3, attributes=0o120777 << 16), "not a regular file")
    yield Case("a member that is a folder", changed(made_by=0, attributes=0x10), "not a regular file")
    for what, checked in (("", info.name.encode()), (" that does not fit", b"x")):
        field = struct.pack("<BL", 1, zlib.crc32(checked)) + b"info-other.tar.zst"
        extra = struct.pack("<2H", 0x7075, len(field)) + field
        yield Case(f"another name in UTF-8{what}", changed(extra=extra), "another name")
        yield Case(f"another name in UTF-8{what} in a local header", changed(local={"extra": extra}), "another name")
    fake = struct.pack("<2L", 0x184D2A50, 24) + b"PK\7\10" + bytes(20)
    content = fake + info.content
    sizes = struct.pack("<4s3L", b"PK\7\10", zlib.crc32(content), len(content), len(content))
    hidden = replace(info, content=content, flags=8, after=sizes)
    yield Case(
        "a fake end within a member", conda(zip_bytes(metadata, package, hidden)), "signature in a skippable zstd frame"
    )
    yield from _zip_ends(metadata, package, info)


def _zip_ends(metadata: ZipMember, package: ZipMember, info: ZipMember) -> Iterator[Case]:
    whole = conda_bytes()
    yield Case("a zip64 end of 2^60 members", conda(with_zip64_end(whole, 2**60)), "another number")
    yield Case("a count that is too small", conda(zip_bytes(metadata, package, info, count=2)), "another number")
    yield Case("a directory that is elsewhere", conda(zip_bytes(metadata, package, info, directory_offset=5)), OUTSIDE)
    in_parts = whole[:-18] + struct.pack("<2H", 1, 1) + whole[-14:]
    yield Case("one of several parts", conda(in_parts), "it is split")
    ends = [0, *accumulate(len(member.in_place()) for member in (metadata, package, info))]
    shifted = [
        replace(member, offset=start + 10) for member, start in zip((metadata, package, info), ends[:3], strict=True)
    ]
    data = zip_bytes(*shifted, directory_offset=ends[3] + 10)
    yield Case("all offsets too large by 10", conda(data), "offsets that are shifted")
    yield Case("the end of a ZIP file in the comment", conda(whole[:-2] + b"\x16\0PK\5\6" + bytes(18)), OUTSIDE)


def _tar_members() -> Iterator[Case]:
    """Each in both formats: in `info/` of a `.conda` package, and in a `.tar.bz2` package."""
    index, again = index_member(), index_json(build_number=9)
    link = tar_member("info/index.json", b"", kind=tarfile.SYMTYPE, target="x")
    for what, members, expected in (
        ("two index.json", [index, tar_member("info/index.json", again)], "more than once"),
        ("index.json and ./index.json", [index, tar_member("./info/index.json", again)], "more than once"),
        ("index.json and info//index.json", [index, tar_member("info//index.json", again)], "another spelling"),
        ("index.json and info/./index.json", [index, tar_member("info/./index.json", again)], "another spelling"),
        ("index.json and ././info/index.json", [index, tar_member("././info/index.json", again)], "another spelling"),
        ("index.json and INFO/Index.json", [index, tar_member("INFO/Index.json", again)], "another spelling"),
        ("only info/./index.json", [tar_member("info/./index.json", index_json())], "has no 'info/index.json'"),
        ("index.json as a link", [link], "not a regular file"),
        ("index.json as a hard link", [tar_member("info/index.json", b"", kind=tarfile.LNKTYPE)], "not a regular file"),
        ("index.json as a sparse file", [_sparse_index()], "sparse file"),
        (
            "info as a link",
            [tar_member("info", b"", kind=tarfile.SYMTYPE, target="x"), index],
            "'info' is not a folder",
        ),
        ("no index.json", [tar_member("info/about.json", b"{}")], "has no 'info/index.json'"),
        (
            "metadata twice",
            [index, *(tar_member("info/about.json", b"{%d}" % at) for at in (1, 2))],
            "with other contents",
        ),
        ("members after the end", [index, TAR_END, tar_member("hidden")], "after its end-of-archive"),
        *((what, [index, *others], expected) for what, others, expected in ambiguous_headers.headers(again)),
        *((what, [index, *others], expected) for what, others, expected in ambiguous_headers.members(again)),
        *((what, [index, *others], expected) for what, others, expected in ambiguous_headers.spellings(again)),
    ):
        archive = tar(*members)
        yield Case(f"{what}, .conda", conda(conda_bytes(info=zstd(archive))), expected)
        yield Case(f"{what}, .tar.bz2", tar_bz2(bz2.compress(archive)), expected)
    yield from _two_tarballs(index)


def _two_tarballs(index: bytes) -> Iterator[Case]:
    """Clients extract them in different orders."""
    yield Case("the index in the payload as well", payload(index), "more than once")
    for name, kind in (("info/paths.json", b"0"), ("info/about.json", b"2"), ("share/x", b"0")):
        member = tar_member(name, b"", kind=kind, target="about")
        both = conda_bytes(info_members=[member], payload_members=[member])
        yield Case(f"{name} in both tarballs", conda(both), "in both tarballs")
    file = tar_member("a")
    link = tar_member("b", b"", kind=tarfile.LNKTYPE, target="a")
    apart = conda_bytes(info_members=[file], payload_members=[link])
    yield Case("a hard link to a file of the other tarball", conda(apart), "not an earlier file")
    folder = tar_member("d", b"", kind=tarfile.SYMTYPE, target="info")
    through = conda_bytes(info_members=[tar_member("d/index.json")], payload_members=[folder])
    yield Case("a link that a file of the other tarball is below", conda(through), "a folder as well as something else")


def _sparse_index() -> bytes:
    """PAX format 1.0: readers that know it expand the member, others see its map."""
    return pax_header(("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("path", b"x")) + index_member()


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
        ("a long name with '..'", long_name(b"a/" * 100 + b"../" * 200 + b"b"), "'..'"),
        ("a part of a name that no file system can have", long_name(b"a/" + b"b" * 256), "more than 255 bytes"),
        ("a hard link to an absolute path", _hard_link("a", "/etc/hostname"), "has an absolute path"),
        ("a hard link upwards", _hard_link("a", "../../etc/hostname"), "has '..' in its path"),
        ("a hard link to nothing", _hard_link("a", "gone"), "not an earlier file"),
        ("a hard link to itself", _hard_link("a", "a"), "not an earlier file"),
        ("a hard link to a later file", _hard_link("a", "b") + tar_member("b"), "not an earlier file"),
        ("a hard link to a folder", tar_member("b", b"", kind=b"5") + _hard_link("a", "b"), "not an earlier file"),
        ("a character device", tar_member("dev", b"", kind=tarfile.CHRTYPE), "device or FIFO"),
        ("a block device", tar_member("dev", b"", kind=tarfile.BLKTYPE), "device or FIFO"),
        ("a FIFO member", tar_member("fifo", b"", kind=tarfile.FIFOTYPE), "device or FIFO"),
    ):
        yield Case(what, payload(member), expected)
    further = replace(conda_members()[0], name="../metadata.json")
    yield Case("a ZIP member with '..'", conda(zip_bytes(*conda_members(), further)), "'..'")


def _hard_link(name: str, target: str) -> bytes:
    return tar_member(name, b"", kind=tarfile.LNKTYPE, target=target)


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
