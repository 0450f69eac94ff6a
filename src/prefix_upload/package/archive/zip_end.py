"""Finds the directory of a ZIP file by its end records, which also count the members."""

from __future__ import annotations

import struct
from os import SEEK_END
from typing import TYPE_CHECKING, NamedTuple

from prefix_upload.package.archive.streams import CorruptArchiveError

if TYPE_CHECKING:
    from typing import BinaryIO

# Field layout: APPNOTE.TXT 6.3.10, sections 4.3.14 to 4.3.16.
_END_SIGNATURE = b"PK\x05\x06"
_END = struct.Struct("<4s4H2LH")
_MAX_COMMENT = 0xFFFF
_LOCATOR_SIGNATURE = b"PK\x06\x07"
_LOCATOR = struct.Struct("<4sLQL")
_END64_SIGNATURE = b"PK\x06\x06"
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_SIZE = _END64.size - 12  # it doesn't count the signature and itself
_UNKNOWN_16, _UNKNOWN_32 = 0xFFFF, 0xFFFFFFFF
_OTHER_COUNT = "says in one end record something else than in the other, or that it is split into parts"


class Directory(NamedTuple):
    """Where the directory of a ZIP file is, in bytes, and how many members the end records count."""

    start: int
    size: int
    members: int


def find_directory(file: BinaryIO) -> Directory:
    """Finds the directory. It has to end where the end records begin, and they where the file ends.

    Raises:
        CorruptArchiveError: there is no end record, or readers could take other bytes for the directory.
    """
    file_size = file.seek(0, SEEK_END)
    tail_size = min(file_size, _END.size + _MAX_COMMENT)
    file.seek(file_size - tail_size)
    tail = file.read(tail_size)
    at = tail.rfind(_END_SIGNATURE)
    if at < 0:
        raise CorruptArchiveError("is not a valid ZIP file (it has no end record)")
    if at + _END.size > len(tail):
        raise CorruptArchiveError("is not a valid ZIP file (its end record is truncated)")
    _, part, directory_part, part_count, count, size, start, comment_size = _END.unpack_from(tail, at)
    rest = len(tail) - at - _END.size - comment_size
    if rest < 0:
        raise CorruptArchiveError("is not a valid ZIP file (its comment is truncated)")
    # NOTE: some readers take the last signature in the file, even within the comment of the actual end record.
    if rest > 0:
        raise CorruptArchiveError("is a ZIP file with bytes after its end, or with an end record in its comment")
    end_start = file_size - tail_size + at
    record: tuple[int, ...] = (part, directory_part, part_count, count, size, start)
    record64 = _end64(file, end_start)
    if record64 is not None:
        record = _merged(record, record64)
        end_start -= _LOCATOR.size + _END64.size
    part, directory_part, part_count, count, size, start = record
    if (part, directory_part) != (0, 0) or part_count != count:
        raise CorruptArchiveError(f"is a ZIP file that {_OTHER_COUNT}")
    if start + size != end_start:
        raise CorruptArchiveError(
            "is a ZIP file with bytes outside its members, or offsets that are shifted: readers that stream it and "
            "readers that start at its directory could see different packages"
        )
    return Directory(start, size, count)


def _end64(file: BinaryIO, end_start: int) -> tuple[int, ...] | None:
    """The zip64 end record, if there is one. It comes before the regular end record, with a locator in between."""
    locator_start = end_start - _LOCATOR.size
    if locator_start < 0:
        return None
    file.seek(locator_start)
    signature, part, start, parts = _LOCATOR.unpack(file.read(_LOCATOR.size))
    if signature != _LOCATOR_SIGNATURE:
        return None
    if start != locator_start - _END64.size or (part, parts) != (0, 1):
        raise CorruptArchiveError("is a ZIP file with a zip64 end record that is not before the other one")
    file.seek(start)
    signature, size, _, _, *record = _END64.unpack(file.read(_END64.size))
    if signature != _END64_SIGNATURE or size != _END64_SIZE:
        raise CorruptArchiveError("is a ZIP file with a corrupt zip64 end record")
    return tuple(record)


def _merged(record: tuple[int, ...], record64: tuple[int, ...]) -> tuple[int, ...]:
    """The zip64 end record. Each field of the regular one has to be the same, or refer to it."""
    unknown = (_UNKNOWN_16, _UNKNOWN_16, _UNKNOWN_16, _UNKNOWN_16, _UNKNOWN_32, _UNKNOWN_32)
    if any(field not in {field64, marker} for field, field64, marker in zip(record, record64, unknown, strict=True)):
        raise CorruptArchiveError(f"is a ZIP file that {_OTHER_COUNT}")
    return record64
