"""Reads the directory of a ZIP file: what its entries say about the members."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from prefix_upload.package.archive.streams import CorruptArchiveError
from prefix_upload.package.archive.zip_extra import ExtraError, actual_values, extra_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefix_upload.package.archive.zip_end import Directory

# APPNOTE.TXT 6.3.10, section 4.3.12.
_ENTRY = struct.Struct("<4s6H3L5H2L")
_SIGNATURE = b"PK\x01\x02"
STORED = 0
ENCRYPTED, SIZES_FOLLOW, UTF8_NAME = 0x1, 0x8, 0x800
# Bits that have no meaning for a stored member: options of compression methods.
_IGNORED_FLAGS = 0x6
_KNOWN_FLAGS = SIZES_FOLLOW | UTF8_NAME | _IGNORED_FLAGS
# `zipfile` refuses members that need a later version of the format.
_MAX_VERSION = 63
_MADE_ON_DOS, _MADE_ON_UNIX = 0, 3
_DOS_FOLDER = 0x10
_UNIX_TYPE, _UNIX_REGULAR = 0o170000, 0o100000
# The largest directory that is read, in bytes. One with 100 further members, whose names, extra fields and comments
# are as long as 16 bits allow, has 20 MB; a real one has less than 1 KiB.
MAX_DIRECTORY = 2**20


class Described(NamedTuple):
    """A member as the directory describes it. Sizes and the offset of its own header are in bytes.

    `problem` is a clause about why it cannot be read, if there is one; `repeats_sizes` says whether it has a zip64
    field that repeats its sizes.
    """

    raw_name: bytes
    flags: int
    method: int
    crc: int
    size: int
    stored_size: int
    offset: int
    problem: str
    repeats_sizes: bool

    @property
    def name(self) -> str:
        """The decoded name, with surrogate escapes if it is not valid UTF-8."""
        if self.flags & UTF8_NAME:
            return self.raw_name.decode("utf-8", "surrogateescape")
        return self.raw_name.decode("cp437")


def read_directory(file: BinaryIO, directory: Directory) -> list[Described]:
    """Reads all entries of a directory.

    Raises:
        CorruptArchiveError: it is too large, damaged, or has another number of entries than the end record says.
    """
    if directory.size > MAX_DIRECTORY:
        raise CorruptArchiveError(f"is not a valid ZIP file (its directory has more than {MAX_DIRECTORY} bytes)")
    file.seek(directory.start)
    data = file.read(directory.size)
    entries = list(_entries(data))
    if len(entries) != directory.members:
        raise CorruptArchiveError(
            f"is a ZIP file with {len(entries)} members whose end record gives another number ({directory.members})"
        )
    return entries


def _entries(data: bytes) -> Iterator[Described]:
    at = 0
    while at < len(data):
        if len(data) - at < _ENTRY.size or not data.startswith(_SIGNATURE, at):
            raise CorruptArchiveError("is not a valid ZIP file (its directory is damaged)")
        fields = _ENTRY.unpack_from(data, at)
        name_size, extra_size, comment_size = fields[10:13]
        start = at + _ENTRY.size
        at = start + name_size + extra_size + comment_size
        if at > len(data):
            raise CorruptArchiveError("is not a valid ZIP file (its directory is damaged)")
        name, extra = data[start : start + name_size], data[start + name_size : start + name_size + extra_size]
        yield _described(fields, name, extra)


def _described(fields: tuple[int, ...], name: bytes, extra: bytes) -> Described:
    _, made_by, version, flags, method, _, _, crc, stored_size, size, _, _, _, part, _, attributes, offset = fields
    problem = ""
    if method != STORED or flags & ~_KNOWN_FLAGS:
        problem = "is compressed or encrypted, but has to be stored"
    elif version & 0xFF > _MAX_VERSION:
        problem = "needs a later version of the ZIP format than some clients can read"
    elif flags & UTF8_NAME and not _is_utf8(name):
        problem = "has a name that is marked as UTF-8 but is not"
    elif part:
        problem = "is in another part of a split ZIP file"
    elif not _is_regular(made_by >> 8, attributes):
        problem = "is not a regular file according to its attributes, which only some readers use"
    repeats_sizes = False
    try:
        values, repeats_sizes = actual_values((size, stored_size, offset), extra_fields(extra, name))
        size, stored_size, offset = values
    except ExtraError as error:
        problem = problem or f"has {error}"
    return Described(name, flags, method, crc, size, stored_size, offset, problem, repeats_sizes)


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_regular(system: int, attributes: int) -> bool:
    if system == _MADE_ON_DOS:
        return not attributes & _DOS_FOLDER
    return system != _MADE_ON_UNIX or attributes >> 16 & _UNIX_TYPE in {0, _UNIX_REGULAR}
