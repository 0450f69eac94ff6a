"""The ZIP container of a `.conda` package (CEP 35): its members, and whether every reader finds the same ones.

A client that installs from a file reads the central directory at the end. A client that extracts while downloading
reads the members from the start and never sees the directory. Both must find the same bytes. So the members have to
follow one another without gaps, from the first byte to the directory, and each local header has to match the directory.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from typing import BinaryIO, NamedTuple

from prefix_upload.package.archive.streams import CorruptArchiveError
from prefix_upload.package.archive.zip_directory import SIZES_FOLLOW, UTF8_NAME, Described, read_directory
from prefix_upload.package.archive.zip_end import find_directory
from prefix_upload.package.archive.zip_extra import UNKNOWN_SIZE, ExtraError, actual_values, extra_fields
from prefix_upload.package.listing import truncated_repr

# Field layout: APPNOTE.TXT 6.3.10, sections 4.3.7 (local header) and 4.3.9 (data descriptor).
_LOCAL_HEADER = struct.Struct("<4s3H4x3L2H")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
_DESCRIPTORS = {struct.calcsize(layout): layout for layout in ("<3L", "<L2Q")}
_MAX_DESCRIPTOR = 24
_PIECE = 2**18

_SIZES_FOLLOW = "has its size after its content (a data descriptor), which rattler cannot read from a file"
_REPEATED_SIZES = "has a zip64 field that it does not need, which some clients cannot read"
_OTHER_NAME = "has a name that is neither ASCII nor marked as UTF-8, which some clients cannot read"
_OUTSIDE = (
    "the ZIP file has bytes outside its members: readers that stream it and readers that start at its directory could "
    "see different packages"
)


class Entry(NamedTuple):
    """A stored member. `start` and `size` locate its data in the file, in bytes; `crc` is the CRC-32 of the data.

    `header_start` is where its own header begins, and `is_streamed` says whether the size only follows after the data,
    so that readers from the front have to search for its end.
    """

    name: str
    header_start: int
    start: int
    size: int
    crc: int
    is_streamed: bool


class ZipContainer:
    """The members of a ZIP file. `entries` are the readable ones.

    `findings` say what is wrong with the file, and `remarks` what keeps some clients from reading a member: its name,
    and a clause.

    Raises:
        CorruptArchiveError: the file is not a valid ZIP file at all.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.findings: list[str] = []
        self.remarks: list[tuple[str, str]] = []
        described = self._directory()
        self.entries = [entry for member in described if (entry := self._entry(member))]
        self._check_gaps(described)
        names = Counter(member.name for member in described)
        for name in sorted(name for name, count in names.items() if count > 1):
            self.findings.append(f"the ZIP file has more than one member named {truncated_repr(name)}")

    def open(self, entry: Entry) -> MemberReader:
        """Opens a member for reading. Read only one at a time: all of them share the position of the file."""
        return MemberReader(self._file, entry)

    def _directory(self) -> list[Described]:
        try:
            directory = find_directory(self._file)
            self._directory_start = directory.start
            return read_directory(self._file, directory)
        except CorruptArchiveError as error:
            self._file.seek(0)
            if "not a valid" in str(error) and self._file.read(4) == _LOCAL_SIGNATURE:
                raise CorruptArchiveError(f"{error}; it starts like one, so it may have been truncated") from error
            raise

    def _entry(self, member: Described) -> Entry | None:
        if member.problem:
            self._add_finding(member, member.problem)
            return None
        # NOTE: the directory may claim any offset, even one outside the file.
        self._file.seek(min(member.offset, self._directory_start))
        header = self._file.read(_LOCAL_HEADER.size)
        if len(header) != _LOCAL_HEADER.size or not header.startswith(_LOCAL_SIGNATURE):
            self._add_finding(member, "has no header at the offset in the directory")
            return None
        _, _, flags, method, crc, stored_size, size, name_size, extra_size = _LOCAL_HEADER.unpack(header)
        raw_name, extra = self._file.read(name_size), self._file.read(extra_size)
        is_streamed = bool(member.flags & SIZES_FOLLOW)
        try:
            fields = extra_fields(extra, raw_name)
            sizes, is_repeated = _local_sizes((size, stored_size), fields, is_streamed=is_streamed)
        except ExtraError as error:
            self._add_finding(member, f"has {error}")
            return None
        local = (flags, raw_name, method, crc, *sizes)
        expected = (member.flags, member.raw_name, member.method, member.crc, member.size, member.stored_size)
        if is_streamed:  # Info-ZIP and libarchive still write the sizes, others zeros
            local = (flags, raw_name, method, crc or member.crc, *(sizes if any(sizes) else expected[4:]))
        if local != expected or member.size != member.stored_size:
            self._add_finding(member, "is described differently by its own header and the directory")
        self._add_remarks(member, is_streamed=is_streamed, repeats_sizes=is_repeated or member.repeats_sizes)
        start = member.offset + _LOCAL_HEADER.size + name_size + extra_size
        return Entry(member.name, member.offset, start, member.size, member.crc, is_streamed)

    def _add_finding(self, member: Described, finding: str) -> None:
        self.findings.append(f"the ZIP member {truncated_repr(member.name)} {finding}")

    def _add_remarks(self, member: Described, *, is_streamed: bool, repeats_sizes: bool) -> None:
        if is_streamed:
            self.remarks.append((member.name, _SIZES_FOLLOW))
        if repeats_sizes:
            self.remarks.append((member.name, _REPEATED_SIZES))
        if not member.flags & UTF8_NAME and not member.raw_name.isascii():
            self.remarks.append((member.name, _OTHER_NAME))

    def _check_gaps(self, described: list[Described]) -> None:
        if len(self.entries) < len(described):
            return  # one is unreadable, so its end is unknown
        ordered = sorted(self.entries, key=lambda entry: entry.header_start)
        starts = [*(entry.header_start for entry in ordered), self._directory_start]
        is_complete = starts[0] == 0 and all(
            self._is_valid_gap(entry, entry.start + entry.size, next_start)
            for entry, next_start in zip(ordered, starts[1:], strict=True)
        )
        if not is_complete:
            self.findings.append(_OUTSIDE)

    def _is_valid_gap(self, entry: Entry, start: int, end: int) -> bool:
        """Whether these bytes may follow the member: none, or the data descriptor that its header announces."""
        if not entry.is_streamed:
            return start == end
        if not 0 <= end - start <= _MAX_DESCRIPTOR:
            return False
        self._file.seek(start)
        descriptor = self._file.read(end - start).removeprefix(_DESCRIPTOR_SIGNATURE)
        layout = _DESCRIPTORS.get(len(descriptor))
        return layout is not None and struct.unpack(layout, descriptor) == (entry.crc, entry.size, entry.size)


class MemberReader:
    """Reads one member of a ZIP file from its start and checks its CRC-32."""

    def __init__(self, file: BinaryIO, entry: Entry) -> None:
        self._file = file
        self._entry = entry
        self._crc = 0
        self._left = entry.size
        self._last = b""
        file.seek(entry.start)

    def read(self, size: int, /) -> bytes:
        """Reads at most `size` bytes of the member; fewer only at its end.

        Raises:
            CorruptArchiveError: at the end, if the bytes read do not match the CRC-32 in the directory; or readers
                that search for the end of the member could find it in these bytes.
        """
        wanted = min(size, self._left)
        data = self._file.read(wanted)
        self._left -= len(data)
        self._crc = zlib.crc32(data, self._crc)
        is_at_end = not self._left or len(data) < wanted
        if is_at_end and self._crc != self._entry.crc:
            raise CorruptArchiveError("does not match the CRC-32 in the ZIP file")
        if self._entry.is_streamed:
            self._refuse_descriptor(data)
        return data

    def _refuse_descriptor(self, data: bytes) -> None:
        """Refuses a data descriptor within the content, with the size of what is before it."""
        joined = self._last + data
        start = self._entry.size - self._left - len(joined)
        at = joined.find(_DESCRIPTOR_SIGNATURE)
        while at >= 0:
            if struct.pack("<L", start + at & 0xFFFFFFFF) == joined[at + 8 : at + 12]:
                raise CorruptArchiveError("has a data descriptor in its content, where some readers would end it")
            at = joined.find(_DESCRIPTOR_SIGNATURE, at + 1)
        self._last = joined[-11:]


def _local_sizes(
    stored: tuple[int, int], fields: dict[int, bytes], *, is_streamed: bool
) -> tuple[tuple[int, ...], bool]:
    """The sizes in a local header, or in its zip64 extra field, which always has both. See `actual_values`."""
    if (stored[0] == UNKNOWN_SIZE) != (stored[1] == UNKNOWN_SIZE):
        raise ExtraError("a zip64 extra field for one of its sizes only")
    if is_streamed and not any(stored):
        return stored, False
    return actual_values(stored, fields)
