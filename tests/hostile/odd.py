"""Files that look wrong and are packages: forms that real builders write, or that the formats allow."""

from __future__ import annotations

import bz2
import struct
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import zstandard

from hostile.case import Case, conda, index_json, index_member, long_name, payload, skippable, tar_bz2
from support.building import (
    STEM,
    ZipMember,
    conda_bytes,
    conda_members,
    index_of,
    pax_header,
    tar,
    tar_bz2_bytes,
    tar_header,
    tar_member,
    with_zip64_end,
    written,
    zip_bytes,
    zstd,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _zip_files()
    yield from _streams()
    yield from _tar_members()
    yield from _indexes()
    yield from _places()


def _zip_files() -> Iterator[Case]:
    metadata, package, info = conda_members()
    size = len(info.content)
    local64 = struct.pack("<2H2Q", 1, 16, size, size)
    with_extra = replace(info, local={"size": 0xFFFFFFFF, "extra": b"\x99\x99\x02\0ab" + local64})
    yield Case("zip64 sizes in a local header", conda(zip_bytes(metadata, package, with_extra)))
    yield Case("a zip64 end record", conda(with_zip64_end(conda_bytes())))
    crc = replace(info).described()[10:14]
    sized = replace(info, flags=8, after=b"PK\7\10" + crc + struct.pack("<2L", size, size), local={"crc": 0})
    yield Case("only a CRC that follows", conda(zip_bytes(metadata, package, sized)), warning="data descriptor")
    for what, signature in (("", b""), (" and a signature", b"PK\7\10")):
        for width, sizes in (("32", struct.pack("<2L", size, size)), ("64", struct.pack("<2Q", size, size))):
            followed = replace(info, flags=8, after=signature + crc + sizes)
            data = zip_bytes(metadata, package, followed)
            yield Case(f"sizes of {width} bits that follow{what}", conda(data), warning="data descriptor")
    yield from _spurious_fields(metadata, package, info)
    yield Case("members in another order", conda(zip_bytes(info, metadata, package)))
    yield Case("a ZIP comment", conda(zip_bytes(metadata, package, info, comment=b"hello")))
    further = [ZipMember(f"further-{number}", b"x") for number in range(100)]
    yield Case("100 further ZIP members", conda(zip_bytes(metadata, package, info, *further)))
    unicode_name = ZipMember("caf\u00e9.txt", b"x", flags=0x800)
    yield Case("a further ZIP member in UTF-8", conda(zip_bytes(metadata, package, info, unicode_name)))


def _spurious_fields(metadata: ZipMember, package: ZipMember, info: ZipMember) -> Iterator[Case]:
    """Earlier versions of rattler-build wrote the first of these."""
    size = len(info.content)
    for what, values in (("zeros", (0, 0)), ("its sizes", (size, size)), ("nothing", ())):
        extra = struct.pack(f"<2H{len(values)}Q", 1, 8 * len(values), *values)
        for where, changes in (
            ("the directory", {"extra": extra, "local": {"extra": b""}}),
            ("a local header", {"local": {"extra": extra}}),
        ):
            data = zip_bytes(metadata, package, replace(info, **changes))
            yield Case(f"a zip64 field of {what} that {where} does not need", conda(data), warning="zip64 field")


def _streams() -> Iterator[Case]:
    archive = tar(tar_member("noise", bytes(range(256)) * 2000))
    yield Case("a zstd window of 128 MiB", conda(conda_bytes(payload=_windowed(archive, 27))))
    compressor = zstandard.ZstdCompressor().compressobj()
    unsized = compressor.compress(archive) + compressor.flush()
    yield Case("a zstd frame without size and checksum", conda(conda_bytes(payload=unsized)))
    yield Case("a skippable frame before", conda(conda_bytes(payload=skippable(b"hello") + zstd(archive))))
    yield Case("a skippable frame after", conda(conda_bytes(payload=zstd(archive) + skippable(b"hello"))))
    for what, signature in (("local header", b"PK\3\4"), ("descriptor", b"PK\7\10"), ("end", b"PK\5\6" + bytes(18))):
        hidden = conda_bytes(payload=skippable(signature) + zstd(archive))
        yield Case(f"a ZIP {what} in a skippable frame", conda(hidden), warning="ZIP signature in a skippable")
    frames = zstd(archive[:1000]) + zstd(archive[1000:])
    yield Case("two zstd frames", conda(conda_bytes(payload=frames)), warning="2 zstd frames")
    plain = bz2.decompress(tar_bz2_bytes())
    streams = bz2.compress(plain[:1000]) + bz2.compress(plain[1000:])
    yield Case("two bzip2 streams", tar_bz2(streams), warning="2 bzip2 streams")
    empty = bz2.compress(plain) + bz2.compress(b"")
    yield Case("an empty bzip2 stream after", tar_bz2(empty), warning="2 bzip2 streams")
    yield Case("bzip2 in small blocks", tar_bz2(bz2.compress(plain, 1)))
    yield Case("a tar in blocks of 20", tar_bz2(bz2.compress(plain + bytes(10240 - len(plain) % 10240))))
    yield Case("a tar with one zero block for its end", tar_bz2(bz2.compress(plain[:-512])))
    yield Case("an empty payload", payload())


def _windowed(data: bytes, log: int) -> bytes:
    """A frame that needs a window of two to the power of this many bytes."""
    parameters = zstandard.ZstdCompressionParameters(window_log=log, write_checksum=1, write_content_size=0)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return compressor.compress(data) + compressor.flush()


# What can't be installed on Windows, where a noarch package may be installed.
_WARNINGS = {
    "a long GNU link": "symbolic links can't be installed on Windows",
    "a link upwards within the package": "symbolic links can't be installed on Windows",
    "hard and symbolic links": "symbolic links can't be installed on Windows",
    "names with spaces, quotes and brackets": "Windows can't have files with these names",
    "names like workflow commands": "Windows can't have files with these names",
}


def _tar_members() -> Iterator[Case]:
    for what, members in (
        ("names that are not UTF-8", [tar_member("caf\udce9")]),
        ("pax records that are not UTF-8", [pax_header(("SCHILY.xattr.user.x", b"\xff\0\n=")), tar_member()]),
        ("a comment for all members", [pax_header(("comment", b"x"), kind=tarfile.XGLTYPE), tar_member()]),
        ("a pax size", [pax_header(("size", b"6")), tar_member(size=0)]),
        (
            "pax times and owners",
            [pax_header(("mtime", b"-1.5"), ("uid", b"4294967294"), ("uname", b"a")), tar_member()],
        ),
        ("a long GNU name", [long_name(b"folder/" * 40 + b"file")]),
        ("a long GNU link", [tar_member("././@LongLink", b"t" * 200 + b"\0", kind=b"K"), _link("l")]),
        ("a name in two fields", [tar_member("folder/" * 20 + "file", style=tarfile.USTAR_FORMAT)]),
        ("a header of before POSIX", [tar_header(tar_member(), magic=(257, bytes(8)))]),
        ("an old folder", [tar_member("folder/", b"", kind=tarfile.AREGTYPE)]),
        ("a contiguous file", [tar_member(kind=tarfile.CONTTYPE)]),
        ("hard and symbolic links", [tar_member("a"), _hard_link("b", "a"), _hard_link("c", "./b"), _link("d", b"a")]),
        ("a link upwards within the package", [_link("lib/a/b", b"../../share/x")]),
        (
            "a folder twice",
            [tar_member("a", b"", kind=tarfile.DIRTYPE), tar_member("a/b"), tar_member("a/", b"", kind=b"5")],
        ),
        ("a folder with a slash", [tar_member("folder/", b"", kind=tarfile.DIRTYPE)]),
        ("the folder info", [tar_member("info", b"", kind=tarfile.DIRTYPE)]),
        ("names with spaces, quotes and brackets", [tar_member("share/a b/'c' \"d\" [e].txt")]),
        ("names with dots", [tar_member("share/...hidden..txt"), tar_member("..share/x")]),
        ("names like workflow commands", [tar_member("::error::pwned"), tar_member("##[error]pwned")]),
        ("a file of no bytes", [tar_member("share/empty", b"")]),
        ("set-user-id, and an owner beyond all bounds", [tar_header(tar_member(), mode=(100, b"0004755\0\x80\xff"))]),
    ):
        warning = _WARNINGS.get(what, "")
        yield Case(f"{what}, .conda", payload(*members), warning=warning)
        yield Case(f"{what}, .tar.bz2", tar_bz2(tar_bz2_bytes(payload_members=members)), warning=warning)
    yield from _tar_members_that_some_clients_cannot_read()
    dotted = tar(tar_member("./info/index.json", index_json()), tar_member("./info/files", b""))
    dot = "starts with './'"
    yield Case("./info/index.json, .conda", conda(conda_bytes(info=zstd(dotted))), warning=dot, is_old=True)
    yield Case("./info/index.json, .tar.bz2", tar_bz2(bz2.compress(dotted)), warning=dot, is_old=True)
    unlisted = bz2.compress(tar(index_member(), tar_member()))
    yield Case("no list of files", tar_bz2(unlisted), warning="neither 'info/paths.json' nor 'info/files'")
    twice = [tar_member("share/a"), tar_member("share/a", b"other")]
    yield Case("a file that is there twice", payload(*twice), warning="more than once: 'share/a'")
    about = [tar_member("info/about.json", b"{}")] * 2
    yield Case("metadata that is there twice", conda(conda_bytes(info_members=about)), warning="with the same contents")


def _tar_members_that_some_clients_cannot_read() -> Iterator[Case]:
    signed = bytearray(tar_member("caf\u00e9"))
    signed[148:156] = b" " * 8
    signed[148:156] = b"%06o\0 " % sum(byte - 256 * (byte > 127) for byte in signed[:512])
    sparse = {"map": (386, b"%011o\0%011o\0" % (0, 6)), "size": (483, b"%011o\0" % 6)}
    for what, members, warning in (
        ("./ before every name", [tar_member("./share/demo.txt")], "starts with './'"),
        ("a member for the root folder", [tar_member("./", b"", kind=tarfile.DIRTYPE)], "starts with './'"),
        ("the root folder as a dot", [tar_member(".", b"", kind=tarfile.DIRTYPE)], "starts with './'"),
        ("a pax path that is not UTF-8", [pax_header(("path", b"caf\xe9")), tar_member()], "a pax record that some"),
        (
            "a time for all members",
            [pax_header(("mtime", b"1.5"), kind=tarfile.XGLTYPE), tar_member()],
            "for all members",
        ),
        (
            "a pax header in the GNU form",
            [_gnu(pax_header(("path", b"a"))), tar_member()],
            "a pax header in the GNU format",
        ),
        ("an empty pax record", [pax_header(("comment", b"")), tar_member()], "an empty pax record"),
        ("an infinite time", [pax_header(("mtime", b"inf")), tar_member()], "a pax record that some"),
        ("an unknown type", [tar_member(kind=b"Z")], "of an unknown type"),
        ("a pax header of an unknown type", [pax_header(("path", b"x"), kind=b"y")], "of an unknown type"),
        ("a GNU sparse file", [tar_header(tar_member(kind=tarfile.GNUTYPE_SPARSE), **sparse)], "a sparse file"),
        ("a link to the outside", [_link("l", b"../../../usr/lib/x")], "outside the package"),
        ("a link to an absolute path", [_link("l", b"/usr/lib/x")], "outside the package"),
        (
            "a folder that is read-only",
            [tar_header(_folder("share/"), mode=(100, b"0000555\0")), tar_member()],
            "rattler can't",
        ),
        (
            "a folder without permissions",
            [tar_header(_folder("share/"), mode=(100, b"0000000\0")), tar_member()],
            "rattler can't",
        ),
        ("a link with a very long target", [_long_target(b"t/" * 3000), _link("l")], "more than 1000 char"),
        ("a hard link to a link", [tar_member("a"), _link("l", b"a"), _hard_link("b", "l")], "to a symbolic link"),
        ("a mode that is empty", [tar_header(tar_member(), mode=(100, bytes(8)))], "an empty number"),
        ("a checksum of signed bytes", [bytes(signed)], "a header checksum of signed bytes"),
    ):
        yield Case(f"{what}, .conda", payload(*members), warning=warning)
        yield Case(f"{what}, .tar.bz2", tar_bz2(tar_bz2_bytes(payload_members=members)), warning=warning)
    plain = bz2.decompress(tar_bz2_bytes())
    no_end = "no end-of-archive marker"
    yield Case("a tar without its end, .tar.bz2", tar_bz2(bz2.compress(plain[:-1024])), warning=no_end)
    yield Case("a payload without its end", conda(conda_bytes(payload=zstd(tar_member()))), warning=no_end)
    yield Case("an info without its end", conda(conda_bytes(info=zstd(index_member()))), warning=no_end)


def _folder(name: str) -> bytes:
    return tar_member(name, b"", kind=tarfile.DIRTYPE)


def _long_target(target: bytes) -> bytes:
    return tar_member("././@LongLink", target + b"\0", kind=b"K")


def _link(name: str, target: bytes = b"target", *, size: int = 0) -> bytes:
    return tar_header(tar_member(name, b"", kind=tarfile.SYMTYPE, size=size), target=(157, target))


def _hard_link(name: str, target: str) -> bytes:
    return tar_member(name, b"", kind=tarfile.LNKTYPE, target=target)


def _gnu(header: bytes) -> bytes:
    return tar_header(header, magic=(257, b"ustar  \0"))


def _indexes() -> Iterator[Case]:
    yield Case("unknown fields", conda(conda_bytes(index=index_of(STEM, surprise={"a": [None, 1.5]}))))
    yield Case("a build number of 19 digits", conda(conda_bytes(index=index_of(STEM, build_number=10**18))))
    yield Case("text beyond ASCII", conda(conda_bytes(index=index_json(summary="caf\u00e9 \U0001f680"))))
    yield Case("an index with white space around", conda(conda_bytes(index=b"\n\t " + index_json() + b"\r\n")))
    old = {key: value for key, value in index_of(STEM, platform="linux", arch="x86_64").items() if key != "subdir"}
    yield Case("no subdir, but platform and arch", conda(conda_bytes(index=old)), warning="has no subdir", is_old=True)
    unknown = conda(conda_bytes(index=index_of(STEM, subdir="plan9-amd64")))
    yield Case("an unknown subdir", unknown, warning="don't know the subdir 'plan9-amd64'")
    listed = tar_member("info/paths.json", b'{"paths": [{"_path": "gone"}]}')
    unlike = tar_bz2(bz2.compress(tar(index_member(), listed, tar_member())))
    yield Case("a list of other paths", unlike, warning="'info/paths.json' are missing")


def _places() -> Iterator[Case]:
    longest = f"{'a' * 64}-{'1.' * 31}12-{'b' * 64}"
    for what, stem in (
        ("the longest name", longest),
        ("one character each", "a-1-0"),
        ("all that CEP 26 allows", "_a.b-c_d-1!2.0+l_o.c-AZaz_09.+"),
    ):
        yield Case(what, lambda folder, stem=stem: written(folder / f"{stem}.conda", conda_bytes(stem)))  # type: ignore[misc]  # binds the loop's value
