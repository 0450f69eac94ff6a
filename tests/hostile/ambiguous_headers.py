"""Tar headers and members that two readers would read differently. Each hides another index where it can."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from hostile.case import long_name, name_header
from support.building import pax_header, tar_header, tar_member

if TYPE_CHECKING:
    from collections.abc import Iterator

_INDEX = "info/index.json"
# What it is, the members, and words of the finding.
Ambiguity = tuple[str, list[bytes], str]


def headers(again: bytes) -> Iterator[Ambiguity]:
    """Headers. `again` is the content of another index."""
    yield from _sizes(again)
    yield from _extended(again)
    yield from _pax(again)
    yield from _forms(again)


def _sizes(again: bytes) -> Iterator[Ambiguity]:
    hidden = tar_member(_INDEX, again)
    skipped = "a size that is not a file"
    for what, kind in (("link", tarfile.SYMTYPE), ("hard link", tarfile.LNKTYPE), ("folder", tarfile.DIRTYPE)):
        empty = tar_member("x", b"", kind=kind, target=_INDEX)
        sized = tar_member("x", b"", kind=kind, target=_INDEX, size=len(hidden))
        yield f"a {what} with a size", [sized, hidden], skipped
        yield f"a {what} with a pax size", [pax_header(("size", b"%d" % len(hidden))), empty, hidden], skipped
    yield "a pax size before a long name", [pax_header(("size", b"512")), long_name(b"x")], "two extended headers"


def _extended(again: bytes) -> Iterator[Ambiguity]:
    hidden = tar_member("x", again)
    two = "two extended headers for one tar member"
    yield "two long names for one member", [name_header(b"a"), long_name(b"b")], two
    yield "a long name and a pax path", [name_header(b"a"), pax_header(("path", b"info/index.json")), hidden], two
    yield "a pax path and a long name", [pax_header(("path", b"info/index.json")), name_header(b"a"), hidden], two
    yield "two pax headers for one member", [pax_header(("path", b"a")), pax_header(("path", b"b")), hidden], two
    yield "a long name for no member", [name_header(b"a")], "without a member after it"
    yield "a pax header for no member", [pax_header(("path", b"b"))], "without a member after it"
    yield "a long name that goes on", [_overlong(long_name(b"a"))], "data in its padding"
    yield "a pax record that goes on", [_overlong(pax_header(("a", b"b"))), hidden], "data in its padding"
    for_all = pax_header(("path", b"x"), kind=tarfile.XGLTYPE)
    yield "a path for all members", [for_all, hidden], "global pax header"
    comment = pax_header(("comment", b"x"), kind=tarfile.XGLTYPE)
    yield "a global header before its member", [pax_header(("path", b"a")), comment, hidden], "global pax header after"
    elsewhere = pax_header(("comment", b"x"), kind=tarfile.XGLTYPE, name="share/x/y")
    yield "a global header in a folder", [elsewhere, hidden], "global pax header in a folder"
    nul = tar_member("././@LongLink", b"info/index.json\0x\0", kind=tarfile.GNUTYPE_LONGNAME)
    yield "a long name with a NUL", [nul, hidden], "NUL"
    target = tar_member("././@LongLink", b"info/index.json\0", kind=tarfile.GNUTYPE_LONGLINK)
    yield "a long target of a file", [target, hidden], "not a link"
    yield "a pax target of a file", [pax_header(("linkpath", b"info/index.json")), hidden], "not a link"


def _overlong(header: bytes) -> bytes:
    """The header with more in the block of its data than its size tells."""
    return header[:1000] + b"more" + header[1004:]


def _pax(again: bytes) -> Iterator[Ambiguity]:
    hidden = tar_member("x", again)
    path = ("path", _INDEX.encode())
    for what, records, expected in (
        ("a pax path twice", [("path", b"a"), path], "more than one record 'path'"),
        ("a pax size twice", [("size", b"%d" % len(again)), ("size", b"0")], "more than one record 'size'"),
        ("a path in the value of another record", [("comment", b"\n24 path=info/index.json\n")], "line feed"),
        ("a path in an attribute", [("SCHILY.xattr.user.x", b"\n24 path=info/index.json\n")], "line feed"),
        ("a size after a line feed", [("comment", b"\n"), ("size", b"0")], "line feed"),
        ("the name of a sparse file", [("GNU.sparse.name", _INDEX.encode())], "sparse file"),
        ("the size of a sparse file", [("GNU.sparse.realsize", b"0")], "sparse file"),
        ("the size of a sparse file for star", [("SCHILY.realsize", b"0")], "sparse file"),
        ("holes for Solaris", [("SUN.holesdata", b" 0 5")], "sparse file"),
        ("a key that is too long", [("k" * 600, b"x"), path], "corrupt pax header"),
        ("another character set", [("hdrcharset", b"EBCDIC"), path], "character set"),
    ):
        yield what, [pax_header(*records), hidden], expected
    yield "a Solaris pax header", [pax_header(path, kind=b"X"), hidden], "interpret differently"


def _forms(again: bytes) -> Iterator[Ambiguity]:
    prefixed = tar_header(tar_member("index.json", again), prefix=(345, b"info"))
    for what, magic, expected in (
        ("GNU", b"ustar  \0", "the rest of a name"),
        ("no", bytes(8), "the rest of a name"),
        ("an unknown", b"ustarX00", "neither POSIX nor GNU"),
        ("an upper-case", b"USTAR\x0000", "neither POSIX nor GNU"),
    ):
        yield f"a prefix with {what} magic number", [tar_header(prefixed, magic=(257, magic))], expected
    for what, version in (("no", b"\0\0"), ("another", b"01"), ("the GNU", b" \0")):
        header = tar_header(prefixed, magic=(257, b"ustar\0" + version))
        yield f"a prefix with {what} version", [header], "neither POSIX nor GNU"
    for what, header in (("long name", name_header(b"x")), ("pax header", pax_header(("path", b"x")))):
        yield (
            f"a {what} without magic number",
            [tar_header(header, magic=(257, bytes(8))), tar_member()],
            "tar member that is" if what == "long name" else "magic number",
        )
    for flag, what in (
        (b"A", "an access list"),
        (b"V", "a volume label"),
        (b"M", "a further part"),
        (b"N", "old names"),
        (b"D", "a list of files"),
    ):
        yield f"{what} in a tar", [tar_member("x", again, kind=flag)], "interpret differently"
    yield "a file called like a folder", [tar_member("x/", again)], "ends in a slash"
    yield (
        "a checksum in binary",
        [tar_header(tar_member(), checksum=(0, b"x"))[:148] + b"\x80" + bytes(7) + tar_member()[156:]],
        "corrupt",
    )


def members(again: bytes) -> Iterator[Ambiguity]:
    """Members that are in the way of others."""
    file, other = tar_member("a"), tar_member("a", b"other")
    below, link = tar_member("a/b"), tar_member("a", b"", kind=tarfile.SYMTYPE, target="b")
    folder = tar_member("d", b"", kind=tarfile.SYMTYPE, target="info")
    to_index = tar_member("info/x", b"", kind=tarfile.SYMTYPE, target="index.json")
    hard = tar_member("info/x", b"", kind=tarfile.LNKTYPE, target=_INDEX)
    yield "a file below a link", [folder, tar_member("d/index.json", again)], "is below 'd'"
    yield "a file below a link, spelled otherwise", [folder, tar_member("./d//index.json", again)], "is below 'd'"
    yield "a folder below a link", [folder, tar_member("d/e", b"", kind=tarfile.DIRTYPE)], "is below 'd'"
    yield "a link below a link", [folder, tar_member("d/e", b"", kind=tarfile.SYMTYPE, target="x")], "is below 'd'"
    yield "a file over a link", [to_index, tar_member("info/x", again)], "replaces an earlier link"
    yield "a file over a hard link", [hard, tar_member("info/x", again)], "a hard link"
    yield "a link over a link", [link, link], "replaces an earlier link"
    yield "a folder over a link", [link, tar_member("a", b"", kind=tarfile.DIRTYPE)], "a folder as well as"
    yield "a file below a file", [file, below], "is below 'a'"
    yield "a file over the folder of another", [below, file], "a folder as well as"
    yield "a link over the folder of another", [below, link], "a folder as well as"
    yield "a folder over a file", [file, tar_member("a", b"", kind=tarfile.DIRTYPE)], "a folder as well as"
    linked = tar_member("b", b"", kind=tarfile.LNKTYPE, target="a")
    yield "a file over the target of a hard link", [file, linked, other], "a hard link"
    yield "a hard link over a file", [file, tar_member("b"), linked], "a hard link"


def spellings(again: bytes) -> Iterator[Ambiguity]:
    """Names of the index on Windows or macOS."""
    for name in (
        "info\\index.json",
        "info\\.\\index.json",
        "info/index.json.",
        "Info /index.json::$DATA",
        "info/index.j\u017fon",
    ):
        yield f"index.json and {name!a}", [tar_member(name, again)], "another spelling"
