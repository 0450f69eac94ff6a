"""Pax records: the metadata of a member in an extended header (POSIX.1-2017, pax: "pax Extended Header").

Only records that all conda clients read alike are accepted. Reasons why a client cannot read one are remarks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prefix_upload.package.archive.streams import CorruptArchiveError
from prefix_upload.package.archive.tar_headers import MAX_NUMBER
from prefix_upload.package.listing import truncated_repr

if TYPE_CHECKING:
    from collections.abc import Iterator

# libarchive ignores a header with a key of more than 500 bytes. The Rust crate `tar` splits records at line feeds.
_RECORD = re.compile(rb"([1-9]\d{0,6}) ([^=\n]{1,400})=")
# Readers agree on these three only; of a sparse member, they even see different names.
_LOCATING = frozenset({b"path", b"linkpath", b"size"})
_SPARSE = re.compile(rb"GNU\.sparse(\..*)?|SCHILY\.realsize|SUN\.holesdata", re.DOTALL)
_LOOKS_LIKE_RECORD = re.compile(rb"\n\d+ (path|linkpath|size)=")
_CHARSET = b"hdrcharset"
_CHARSETS = frozenset({b"BINARY", b"ISO-IR 10646 2000 UTF-8"})

_NUMBER, _TIME = re.compile(rb"\d{1,18}"), re.compile(rb"-?\d{1,18}(\.\d*)?")
_EXPECTED = {
    b"uid": _NUMBER,
    b"gid": _NUMBER,
    b"SCHILY.dev": _NUMBER,
    b"SCHILY.devmajor": _NUMBER,
    b"SCHILY.devminor": _NUMBER,
    b"SCHILY.ino": _NUMBER,
    b"SCHILY.nlink": _NUMBER,
    b"mtime": _TIME,
    b"atime": _TIME,
    b"ctime": _TIME,
    b"LIBARCHIVE.creationtime": _TIME,
    b"LIBARCHIVE.symlinktype": re.compile(rb"file|dir"),
}
_OWNERS = frozenset({b"uname", b"gname"})
_TEXTS = _OWNERS | {b"path", b"linkpath"}
_MAX_OWNER_NAME = 65_536
# Access control lists have a syntax of their own. libarchive fails on a list that it cannot read.
_ACCESS_LISTS = b"SCHILY.acl."

EMPTY_VALUE = "has an empty pax record, which some clients cannot read"
GLOBAL_VALUES = "has metadata for all members that follow, which libarchive refuses"
ODD_VALUE = "has a pax record that some clients cannot read"


class PaxRecords:
    """The records of one extended header: `values` by key, and `remarks` about what a client cannot read.

    Raises:
        CorruptArchiveError: a record is malformed, or readers would interpret the records differently.
    """

    def __init__(self, data: bytes) -> None:
        self.values: dict[bytes, bytes] = {}
        self.remarks: list[str] = []
        for key, value in _records(data):
            if key in self.values:  # some readers use the first, others the last
                raise CorruptArchiveError(f"has a pax header with more than one record {truncated_repr(_decoded(key))}")
            self.values[key] = value
        if not self.values:
            raise CorruptArchiveError("has an empty pax header, which some readers refuse")
        for key, value in self.values.items():
            self._check(key, value)
        self._check_line_feeds(data)

    def size(self) -> int | None:
        """The value of the record `size`, in bytes; `None` if there is none.

        Raises:
            CorruptArchiveError: it is not a decimal number of 63 bits.
        """
        value = self.values.get(b"size")
        if value is None:
            return None
        if not value.isdigit() or len(value) > 19 or int(value) >= MAX_NUMBER:  # noqa: PLR2004 - digits of 2**63
            raise CorruptArchiveError("has a pax header with an invalid size")
        return int(value)

    def check_global(self) -> None:
        """Checks a global header, which applies to all members that follow; readers disagree on whether it does.

        Raises:
            CorruptArchiveError: it has a record that decides where a member is extracted, or what it contains.
        """
        if not self.values.keys().isdisjoint(_LOCATING):
            raise CorruptArchiveError("has a global pax header with the path or size of a single member")
        if self.values.keys() != {b"comment"}:  # which `git archive` writes
            # NOTE: of several records, libarchive reports some as an error, and loses the next member for others.
            if len(self.values) > 1:
                raise CorruptArchiveError("has a global pax header with several records, after which readers disagree")
            self.remarks.append(GLOBAL_VALUES)

    def _check(self, key: bytes, value: bytes) -> None:
        if _SPARSE.fullmatch(key):
            raise CorruptArchiveError("has a pax header of a sparse file, which readers expand differently")
        if key == _CHARSET and value not in _CHARSETS:
            raise CorruptArchiveError(f"has a pax header in the character set {truncated_repr(_decoded(value))}")
        if not value:
            self._add_remark(EMPTY_VALUE)
            return
        expected = _EXPECTED.get(key)
        is_odd = (
            (expected is not None and not expected.fullmatch(value))
            or (key in _TEXTS and not _is_utf8(value))
            or (key in _OWNERS and len(value) > _MAX_OWNER_NAME)
            or key.startswith(_ACCESS_LISTS)
            or (key != _CHARSET and b"hdrcharset=" in value)  # `tarfile` searches all bytes for this key
        )
        if is_odd:
            self._add_remark(ODD_VALUE)

    def _add_remark(self, remark: str) -> None:
        if remark not in self.remarks:
            self.remarks.append(remark)

    def _check_line_feeds(self, data: bytes) -> None:
        """Refuses a value in which a reader that splits records at line feeds could find another path or size."""
        if data.count(b"\n") == len(self.values):
            return
        if not self.values.keys().isdisjoint(_LOCATING) or _LOOKS_LIKE_RECORD.search(data):
            raise CorruptArchiveError("has a pax header with a line feed in a record, where some readers split it")


def _records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields keys and values: "<length> <key>=<value>" and a line feed each."""
    at = 0
    while at < len(data):
        match = _RECORD.match(data, at)
        end = at + int(match[1]) if match else 0
        if match is None or end <= match.end() or data[end - 1 : end] != b"\n":
            raise CorruptArchiveError("has a corrupt pax header")
        yield match[2], data[match.end() : end - 1]
        at = end


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
