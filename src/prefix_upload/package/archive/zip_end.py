"""Checks the end records of a ZIP file, which locate its directory and count its members."""

from __future__ import annotations

import struct
from os import SEEK_END
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# Field layout: APPNOTE.TXT 6.3.10, sections 4.3.14 to 4.3.16.
_END_SIGNATURE = b"PK\x05\x06"
_END = struct.Struct("<4s4H8xH")
_ZIP64_LOCATOR_SIGNATURE = b"PK\x06\x07"
_ZIP64_LOCATOR = struct.Struct("<4s4xQ4x")
_ZIP64_END_SIGNATURE = b"PK\x06\x06"
_ZIP64_END = struct.Struct("<4s12x2L2Q16x")
_IN_ZIP64_END = 0xFFFF


class _EndRecord(NamedTuple):
    """The part numbers and member counts of an end record. A package has a single part (a "disk" in APPNOTE.TXT)."""

    part: int
    directory_part: int
    members_in_part: int
    members: int


# Stands for a broken zip64 end record: it never equals the expected record.
_INVALID = _EndRecord(1, 1, 0, 0)


def end_findings(file: BinaryIO, count: int, comment_size: int) -> Iterator[str]:
    """Yields what is wrong with the end records of a ZIP file.

    Args:
        file: the ZIP file.
        count: the number of members in its directory.
        comment_size: the size of its comment in bytes.
    """
    start = file.seek(0, SEEK_END) - _END.size - comment_size
    end = _read_at(file, start, _END)
    if end is None or end[0] != _END_SIGNATURE or end[-1] != comment_size:
        yield "the ZIP file has bytes after its end, or its end is missing"
        return
    record, zip64_record = _EndRecord(*end[1:5]), _zip64_end(file, start)
    expected = _EndRecord(0, 0, count, count)
    is_as_expected = zip64_record in (None, expected) and all(
        field == expected_field or (zip64_record and field == _IN_ZIP64_END)
        for field, expected_field in zip(record, expected, strict=True)
    )
    if not is_as_expected:
        yield f"the ZIP file has {count} members, but its end record gives another number, or says that it is split"


def _zip64_end(file: BinaryIO, end_start: int) -> _EndRecord | None:
    """The zip64 end record, if there is one. It comes before the regular end record, with a locator in between."""
    record_start = end_start - _ZIP64_LOCATOR.size - _ZIP64_END.size
    locator = _read_at(file, end_start - _ZIP64_LOCATOR.size, _ZIP64_LOCATOR)
    if locator is None or locator[0] != _ZIP64_LOCATOR_SIGNATURE:
        return None
    record = _read_at(file, record_start, _ZIP64_END)
    if record is None or record[0] != _ZIP64_END_SIGNATURE or locator[1] != record_start:
        return _INVALID
    return _EndRecord(*record[1:])


def _read_at(file: BinaryIO, start: int, layout: struct.Struct) -> tuple[Any, ...] | None:
    """The fields of the record at this offset; `None` if the file does not have that many bytes there."""
    if start < 0:
        return None
    file.seek(start)
    data = file.read(layout.size)
    return layout.unpack(data) if len(data) == layout.size else None
