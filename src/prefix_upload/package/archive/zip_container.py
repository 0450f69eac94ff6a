"""The ZIP container of a `.conda` package (CEP 35): its members, and whether every reader finds the same ones.

A client that installs from a file reads the central directory at the end. A client that extracts while downloading
reads the members from the start and never sees the directory. Both must find the same bytes. So the members have to
follow one another without gaps, from the first byte to the directory, and each local header has to match the directory.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import BinaryIO

from prefix_upload.package.archive.streams import CorruptArchiveError, truncated_repr
from prefix_upload.package.archive.zip_end import end_findings

# Field layout: APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.9 (data descriptor), 4.5.3 (zip64 extra field).
_LOCAL_HEADER = struct.Struct("<4s3H4x3L2H")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_ENCRYPTED, _SIZES_FOLLOW, _UTF8_NAME = 0x1, 0x8, 0x800
_COMPARED_FLAGS = _ENCRYPTED | _SIZES_FOLLOW
_DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
_DESCRIPTORS = {struct.calcsize(layout): layout for layout in ("<3L", "<L2Q")}
_MAX_DESCRIPTOR = 24
_ZIP64_EXTRA = struct.Struct("<2H2Q")
_SEE_ZIP64_EXTRA = 0xFFFFFFFF
# The most that `zipfile` may read in one call, in bytes. A directory with 100 further members, whose names, extra
# fields and comments are as long as 16 bits allow, has 20 MB; a real one has less than 1 KiB.
_MAX_READ = 2**20


@dataclass(frozen=True)
class Entry:
    """A stored member. `start` and `size` locate its data in the file, in bytes; `crc` is the CRC-32 of the data."""

    name: str
    start: int
    size: int
    crc: int


class ZipContainer:
    """The members of a ZIP file. `entries` are the readable ones; `findings` say what is wrong with the file.

    Raises:
        CorruptArchiveError: the file is not a valid ZIP file at all.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.findings: list[str] = []
        infos, directory_start = self._directory()
        self.entries = [entry for info in infos if (entry := self._entry(info, directory_start))]
        self._check_gaps(infos, directory_start)
        names = Counter(info.orig_filename for info in infos)
        for name in sorted(name for name, count in names.items() if count > 1):
            self.findings.append(f"the ZIP file has more than one member named {truncated_repr(name)}")

    def open(self, entry: Entry) -> MemberReader:
        """Opens a member for reading. Read only one at a time: all of them share the position of the file."""
        return MemberReader(self._file, entry)

    def _directory(self) -> tuple[list[zipfile.ZipInfo], int]:
        try:
            with zipfile.ZipFile(_BoundedReads(self._file)) as reader:
                infos, start, comment = reader.infolist(), reader.start_dir, reader.comment
        # NOTE: `zipfile` does not wrap errors from unpacking, seeking and decoding names (ValueError).
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            cut = "; it starts like one, so it may have been truncated" if self._starts_like_zip() else ""
            raise CorruptArchiveError(f"is not a valid ZIP file ({error}{cut})") from error
        self.findings.extend(end_findings(self._file, len(infos), len(comment)))
        return infos, start

    def _starts_like_zip(self) -> bool:
        self._file.seek(0)
        return self._file.read(4) == b"PK\x03\x04"

    def _entry(self, info: zipfile.ZipInfo, directory_start: int) -> Entry | None:
        name = info.orig_filename
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & _ENCRYPTED:
            self.findings.append(
                f"the ZIP member {truncated_repr(name)} is compressed or encrypted, but has to be stored"
            )
            return None
        # NOTE: the directory may claim any offset, even one outside the file.
        self._file.seek(info.header_offset if 0 <= info.header_offset < directory_start else directory_start)
        header = self._file.read(_LOCAL_HEADER.size)
        if len(header) != _LOCAL_HEADER.size or not header.startswith(_LOCAL_SIGNATURE):
            self.findings.append(f"the ZIP member {truncated_repr(name)} has no header at the offset in the directory")
            return None
        _, _, flags, method, crc, stored, size, name_size, extra_size = _LOCAL_HEADER.unpack(header)
        raw_name = self._file.read(name_size)
        stored, size = _sizes(stored, size, self._file.read(extra_size))
        local = (flags & _COMPARED_FLAGS, raw_name, method, *(() if flags & _SIZES_FOLLOW else (crc, stored, size)))
        expected = (
            info.flag_bits & _COMPARED_FLAGS,
            _raw_name(info),
            info.compress_type,
            info.CRC,
            info.compress_size,
            info.file_size,
        )
        if local != expected[: len(local)] or info.compress_size != info.file_size:
            self.findings.append(
                f"the ZIP member {truncated_repr(name)} is described differently by its own header and the directory"
            )
        start = info.header_offset + _LOCAL_HEADER.size + name_size + extra_size
        return Entry(name, start, info.file_size, info.CRC)

    def _check_gaps(self, infos: list[zipfile.ZipInfo], directory_start: int) -> None:
        ordered = sorted(infos, key=lambda info: info.header_offset)
        starts = [info.header_offset for info in ordered] + [directory_start]
        ends = {entry.name: entry.start + entry.size for entry in self.entries}
        if len(ends) < len(infos):
            return  # one is unreadable or occurs twice, so its end is unknown
        is_complete = starts[0] == 0 and all(
            self._is_valid_gap(info, ends[info.orig_filename], next_start)
            for info, next_start in zip(ordered, starts[1:], strict=True)
        )
        if not is_complete:
            self.findings.append(
                "the ZIP file has bytes outside its members: readers that stream it and readers that start at its "
                "directory could see different packages"
            )

    def _is_valid_gap(self, info: zipfile.ZipInfo, start: int, end: int) -> bool:
        """Whether these bytes may follow the member: none, or the data descriptor that its header announces."""
        if not info.flag_bits & _SIZES_FOLLOW:
            return start == end
        if not 0 <= end - start <= _MAX_DESCRIPTOR:
            return False
        self._file.seek(start)
        descriptor = self._file.read(end - start).removeprefix(_DESCRIPTOR_SIGNATURE)
        layout = _DESCRIPTORS.get(len(descriptor))
        return layout is not None and struct.unpack(layout, descriptor) == (
            info.CRC,
            info.compress_size,
            info.file_size,
        )


class MemberReader:
    """Reads one member of a ZIP file from its start and checks its CRC-32."""

    def __init__(self, file: BinaryIO, entry: Entry) -> None:
        self._file = file
        self._entry = entry
        self._crc = 0
        self._left = entry.size
        file.seek(entry.start)

    def read(self, size: int, /) -> bytes:
        """Reads at most `size` bytes of the member; fewer only at its end.

        Raises:
            CorruptArchiveError: at the end, if the bytes read do not match the CRC-32 in the directory.
        """
        wanted = min(size, self._left)
        data = self._file.read(wanted)
        self._left -= len(data)
        self._crc = zlib.crc32(data, self._crc)
        is_at_end = not self._left or len(data) < wanted
        if is_at_end and self._crc != self._entry.crc:
            raise CorruptArchiveError("does not match the CRC-32 in the ZIP file")
        return data


class _BoundedReads:
    """Limits the reads of `zipfile`, which reads as many bytes in one call as a header claims."""

    def __init__(self, file: BinaryIO) -> None:
        self.seek = file.seek
        self.tell = file.tell
        self._read = file.read

    def read(self, size: int = -1, /) -> bytes:
        data = self._read(min(size, _MAX_READ + 1) if size >= 0 else _MAX_READ + 1)
        if len(data) > _MAX_READ:
            raise zipfile.BadZipFile(f"its directory has more than {_MAX_READ} bytes")
        return data


def _sizes(stored: int, size: int, extra: bytes) -> tuple[int, int]:
    """Compressed and uncompressed size in a local header, or in its zip64 extra field, which always has both."""
    if _SEE_ZIP64_EXTRA in (stored, size):
        while len(extra) >= _ZIP64_EXTRA.size:
            identifier, length, long_size, long_stored = _ZIP64_EXTRA.unpack_from(extra)
            if identifier == 1:
                return long_stored, long_size
            extra = extra[4 + length :]
    return stored, size


def _raw_name(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8_NAME else "cp437")
