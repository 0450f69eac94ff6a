"""The members of a tar archive: each consists of a header and of the extended headers before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.archive.pax import PaxRecords
from prefix_upload.package.archive.streams import CorruptArchiveError
from prefix_upload.package.archive.tar_headers import (
    KNOWN_FLAGS,
    LONG_LINK,
    LONG_NAME,
    NAME_FLAGS,
    PAX,
    PAX_GLOBAL,
    Form,
    Header,
    Kind,
    Member,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

# In bytes: PATH_MAX of Linux, where a member with a longer name cannot be extracted.
MAX_NAME = 4096

GNU_PAX = "has a pax header in the GNU format, which rattler cannot read"
UNKNOWN_TYPE = "is of an unknown type, which clients take for a regular file"
SPARSE = "is a sparse file, and some clients only see its stored parts"

_WITH_DATA = frozenset({Kind.FILE, Kind.SPARSE_FILE})
_LINKS = frozenset({Kind.SYMLINK, Kind.HARD_LINK})
_OLD_FILE_FLAG = b"\0"


class ExtendedHeaders:
    """The extended headers before a member: long names as GNU tar writes them, or one pax header.

    A member with both is refused: readers disagree on which one counts, and on where the data begins.
    """

    def __init__(self) -> None:
        self._names: dict[bytes, bytes] = {}
        self._pax: PaxRecords | None = None
        self._has_global = False
        self.remarks: list[str] = []

    def __bool__(self) -> bool:
        """Whether there is a header that needs a member after it."""
        return bool(self._names) or self._pax is not None

    def take(self, header: Header, data: bytes) -> int:
        """Takes an extended header. Returns the number of pax records in it.

        Raises:
            CorruptArchiveError: readers would interpret the header, or the combination of headers, differently.
        """
        self.remarks.extend(header.remarks)
        if header.flag in NAME_FLAGS:
            self._take_name(header, data)
            return 0
        if header.form is Form.V7:
            raise CorruptArchiveError("has a pax header without the magic number of POSIX, which some readers ignore")
        if header.form is Form.GNU and header.flag == PAX:
            self.remarks.append(GNU_PAX)
        records = PaxRecords(data)
        if header.flag == PAX_GLOBAL:
            self._check_global(header, records)
        else:
            self._refuse_mixture(self._pax is not None or bool(self._names))
            self._pax = records
        self.remarks.extend(records.remarks)
        return len(records.values)

    def _take_name(self, header: Header, data: bytes) -> None:
        self._refuse_mixture(header.flag in self._names or self._pax is not None)
        if header.form is Form.V7:
            raise CorruptArchiveError("has a long name for a tar member that is not in the GNU format")
        name = data.removesuffix(b"\0")
        if b"\0" in name:
            raise CorruptArchiveError("has a long name for a tar member with a NUL character, where some readers stop")
        self._names[header.flag] = name

    def _check_global(self, header: Header, records: PaxRecords) -> None:
        if self or self._has_global:  # some readers apply the headers before it to this one
            raise CorruptArchiveError("has a global pax header after another extended header of a tar member")
        self._has_global = True
        records.check_global()
        if b"/" in header.name.removeprefix(b"././"):
            raise CorruptArchiveError("has a global pax header in a folder, which rattler creates")

    def _refuse_mixture(self, is_mixture: bool) -> None:
        if is_mixture:
            raise CorruptArchiveError("has two extended headers for one tar member, and readers use different ones")

    def member(self, header: Header) -> Member:
        """The member with this header block.

        Raises:
            CorruptArchiveError: readers would see another name, size or kind, or the name is too long.
        """
        kind = header.kind
        name, target = self._name(header), self._target(header, kind)
        if len(name) > MAX_NAME:
            raise CorruptArchiveError(f"has a tar member whose name has {len(name)} bytes, more than {MAX_NAME}")
        looks_like_folder = name.endswith(b"/") or (header.flag == _OLD_FILE_FLAG and header.own_name.endswith(b"/"))
        if looks_like_folder and kind is not Kind.DIRECTORY:
            kind = self._old_folder(header)
        size = header.size
        if self._pax is not None and (pax_size := self._pax.size()) is not None:
            size = pax_size
        if size and kind not in _WITH_DATA:
            raise CorruptArchiveError(
                "has a tar member with a size that is not a file, after which some readers skip data"
            )
        return Member(_decoded(name), kind, size, _decoded(target))

    def _old_folder(self, header: Header) -> Kind:
        """A file whose name ends in a slash was a folder before POSIX; some readers still apply that rule."""
        if header.flag != _OLD_FILE_FLAG or header.form is Form.POSIX or self:
            raise CorruptArchiveError("has a member whose name ends in a slash, which is a folder for some readers")
        return Kind.DIRECTORY

    def _name(self, header: Header) -> bytes:
        if LONG_NAME in self._names:
            return self._names[LONG_NAME]
        path = self._pax.values.get(b"path") if self._pax else None
        return header.name if path is None else path

    def _target(self, header: Header, kind: Kind) -> bytes:
        target = self._names.get(LONG_LINK)
        if self._pax:
            target = self._pax.values.get(b"linkpath", target)
        if kind in _LINKS:
            return header.link_name if target is None else target
        if target is not None:
            raise CorruptArchiveError("has a link target for a tar member that is not a link except for some readers")
        return b""


NO_EXTENDED_HEADERS = ExtendedHeaders()


def member_remarks(header: Header, member: Member) -> Iterator[str]:
    """Yields reasons why a client cannot read the member, or reads less of it than others."""
    yield from header.remarks
    if header.flag not in KNOWN_FLAGS:
        yield UNKNOWN_TYPE
    if member.kind is Kind.SPARSE_FILE:
        yield SPARSE


def check_sparse_map(header: Header, parts: list[bytes]) -> None:
    """Checks the map of an old GNU sparse file. Readers interpret a damaged one differently.

    Args:
        header: the header of the member.
        parts: the tables of offsets and sizes, each entry 24 bytes.

    Raises:
        CorruptArchiveError: the parts overlap, or do not add up to the size of the data and of the file.
    """
    end = stored = 0
    for table in parts:
        for at in range(0, len(table) - 23, 24):
            if not table[at]:
                break
            offset, size = _sparse_number(table[at : at + 12]), _sparse_number(table[at + 12 : at + 24])
            if offset < end or (size and stored % 512):
                raise CorruptArchiveError("has a sparse tar member whose parts overlap")
            end, stored = offset + size, stored + size
    if header.form is not Form.GNU or stored != header.size or end != _sparse_number(header.block[483:495]):
        raise CorruptArchiveError("has a sparse tar member whose parts do not add up to its size")


def _sparse_number(field: bytes) -> int:
    digits = field.rstrip(b"\0 ")
    if not digits.isdigit() or digits.strip(b"01234567"):
        raise CorruptArchiveError("has a sparse tar member with a corrupt map")
    return int(digits, 8)


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")
