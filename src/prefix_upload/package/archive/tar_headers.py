"""Tar header blocks: a white list of the forms that all conda clients read alike.

The clients read tar archives with `tarfile` (conda), libarchive (mamba) and the Rust crates `tar` and
`astral-tokio-tar` (pixi and rattler). Where these interpret a header differently, a package could have other contents
for each of them. Such a header is an error here, whatever the interpretation would be; one that merely keeps a client
from reading the archive is a warning.
"""

from __future__ import annotations

import re
import zlib
from enum import Enum, IntEnum, auto
from typing import NamedTuple

from prefix_upload.package.archive.streams import CorruptArchiveError

BLOCK = 512
# Sizes and times are signed numbers of 64 bits in all clients.
MAX_NUMBER = 2**63

# Type flags (POSIX.1-2017, pax: "ustar Interchange Format"; GNU tar manual: "Basic Tar Format").
LONG_NAME, LONG_LINK = b"L", b"K"
PAX, PAX_GLOBAL = b"x", b"g"
GNU_SPARSE = b"S"
NAME_FLAGS = frozenset({LONG_NAME, LONG_LINK})
EXTENDED_FLAGS = NAME_FLAGS | {PAX, PAX_GLOBAL}

_FLAG, _NAME, _LINK_NAME, _PREFIX = slice(156, 157), slice(0, 100), slice(157, 257), slice(345, 500)
_MAGIC, _CHECKSUM = slice(257, 265), slice(148, 156)
_MODE, _SIZE, _MTIME = slice(100, 108), slice(124, 136), slice(136, 148)
_OWNERS_AND_DEVICES = (slice(108, 116), slice(116, 124), slice(329, 337), slice(337, 345))
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_OCTAL_BEFORE_GARBAGE = re.compile(rb" *([0-7]*) *\0.*", re.DOTALL)
# The numbers that `_number_remarks` looks at, side by side, as most writers have them: nothing is odd about these.
_PLAIN_NUMBERS = re.compile(rb"(?:[0-7]{7}\0){3}[0-7]{11}\0(?:[0-7]{7}\0|\0{8}){2}")
_BINARY, _NEGATIVE = 0x80, 0xFF
_MODE_BITS = 0o7777

EMPTY_FIELD = "has an empty number in its header, which rattler cannot read"
ODD_NUMBER = "has a number in its header that some clients cannot read"
SIGNED_CHECKSUM = "has a header checksum of signed bytes, which rattler cannot read"


class Form(Enum):
    """The form of a header, which says what stands in its last 255 bytes."""

    POSIX = auto()
    GNU = auto()
    V7 = auto()


# Magic number and version. libarchive takes anything that starts with "ustar" for POSIX, and `tarfile` everything.
_FORMS = {b"ustar\x0000": Form.POSIX, b"ustar  \0": Form.GNU, bytes(8): Form.V7}


class Kind(IntEnum):
    """What a member is extracted as."""

    FILE = auto()
    SPARSE_FILE = auto()
    DIRECTORY = auto()
    SYMLINK = auto()
    HARD_LINK = auto()
    DEVICE = auto()
    FIFO = auto()


_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    GNU_SPARSE: Kind.SPARSE_FILE,
    b"1": Kind.HARD_LINK,
    b"2": Kind.SYMLINK,
    b"3": Kind.DEVICE,
    b"4": Kind.DEVICE,
    b"5": Kind.DIRECTORY,
    b"6": Kind.FIFO,
}
KNOWN_FLAGS = frozenset(_KINDS)
# Extensions that only some readers know: access control lists, folder contents, parts of files, names, volume labels.
_VENDOR_FLAGS = frozenset({b"A", b"D", b"M", b"N", b"V", b"X"})


class Member(NamedTuple):
    """A member of the archive.

    `size` is the size of its data in the archive in bytes, `target` what a link points to, `mode` its permission bits.
    Both texts may have surrogate escapes for bytes that are not UTF-8.
    """

    name: str
    kind: Kind
    size: int
    target: str = ""
    mode: int = 0o644


class Header(NamedTuple):
    """A valid header block.

    `flag` is the type flag, `size` the value of the size field in bytes; `remarks` are reasons why a client cannot
    read it.
    """

    block: bytes
    form: Form
    flag: bytes
    size: int
    remarks: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        """What a member with this header is extracted as.

        Raises:
            CorruptArchiveError: the type flag is one that readers interpret differently.
        """
        if self.flag in _VENDOR_FLAGS:
            raise CorruptArchiveError(
                f"has a tar header of the type {self.flag!r}, which readers interpret differently"
            )
        # Readers treat an unknown type flag as a regular file (POSIX.1-2017, pax, "typeflag").
        return _KINDS.get(self.flag, Kind.FILE)

    @property
    def name(self) -> bytes:
        """The name in the header block itself; an extended header may have another one."""
        if self.form is not Form.POSIX or not self.block[_PREFIX.start]:
            return self.own_name
        return _text(self.block[_PREFIX]) + b"/" + self.own_name

    @property
    def own_name(self) -> bytes:
        """The name without the folders before it that the POSIX form has in another field."""
        return _text(self.block[_NAME])

    @property
    def mode(self) -> int:
        """The permission bits, and those for setuid, setgid and sticky."""
        field = self.block[_MODE]
        number = _number(field)
        if number is None and (match := _OCTAL_BEFORE_GARBAGE.fullmatch(field)):
            number = int(match[1] or b"0", 8)
        return (number or 0) & _MODE_BITS

    @property
    def link_name(self) -> bytes:
        """The target of a link in the header block itself."""
        return _text(self.block[_LINK_NAME])


class HeaderReader:
    """Reads header blocks. Fields that are the same as those of the block before are not checked again."""

    def __init__(self) -> None:
        self._last: Header | None = None
        self._numbers = b""
        self._remarks: tuple[str, ...] = ()

    def read(self, block: bytes) -> Header:
        """Parses a header block.

        Raises:
            CorruptArchiveError: the checksum is wrong, a numeric field is invalid, or the form is not one of the three.
        """
        if self._last is not None and self._last.block == block:
            return self._last
        size = _number(block[_SIZE])
        checksum_remarks = _check_sum(block)
        if size is None or not 0 <= size < MAX_NUMBER:
            raise CorruptArchiveError("is not a tar archive, or has a corrupt tar header")
        numbers = block[100:124] + block[136:148] + block[329:345]
        if numbers != self._numbers:
            self._remarks = () if _PLAIN_NUMBERS.fullmatch(numbers) else tuple(_number_remarks(block))
            self._numbers = numbers
        form = _FORMS.get(block[_MAGIC])
        flag = block[_FLAG]
        if form is None:
            raise CorruptArchiveError("has a tar header that is neither POSIX nor GNU nor without a magic number")
        if form is not Form.POSIX and flag != GNU_SPARSE and block[_PREFIX].strip(b"\0"):
            raise CorruptArchiveError("has a tar header with data where only the POSIX format has the rest of a name")
        remarks = self._remarks + checksum_remarks
        if not block[_SIZE.start]:
            remarks += (EMPTY_FIELD,)
        self._last = Header(block, form, flag, size, remarks)
        return self._last


def _check_sum(block: bytes) -> tuple[str, ...]:
    """Compares the checksum: the sum of all bytes, with spaces in the place of the checksum itself."""
    stored = _number(block[_CHECKSUM])
    if stored is None or block[_CHECKSUM.start] in {_BINARY, _NEGATIVE}:
        raise CorruptArchiveError("is not a tar archive, or has a corrupt tar header")
    blank = block[: _CHECKSUM.start] + b"        " + block[_CHECKSUM.stop :]
    # A cheap check first. The sum of 512 ASCII characters is below the modulus.
    # The lower half of an Adler-32 checksum is the sum of the bytes plus one, modulo 65521.
    if (stored + 1) == zlib.adler32(blank) & 0xFFFF and blank.isascii():
        return () if block[_CHECKSUM.start] else (EMPTY_FIELD,)
    if stored == sum(blank):
        return ()
    if stored == sum(byte - 256 * (byte >> 7) for byte in blank):
        return (SIGNED_CHECKSUM,)  # as some old writers computed it
    raise CorruptArchiveError("is not a tar archive, or has a corrupt tar header")


def _number_remarks(block: bytes) -> list[str]:
    """What is odd about the other numeric fields: mode, time, owner, group, and the two device numbers."""
    remarks = []
    for field in (_MODE, _MTIME, *_OWNERS_AND_DEVICES):
        number, is_odd = _number(block[field]), False
        if number is None:
            match = _OCTAL_BEFORE_GARBAGE.fullmatch(block[field])
            # NOTE: `tarfile` takes an invalid number for the end of the archive.
            if match is None:
                raise CorruptArchiveError("is not a tar archive, or has a corrupt tar header")
            is_odd = True
        elif abs(number) >= MAX_NUMBER or (field is _MODE and block[field.start] in {_BINARY, _NEGATIVE}):
            is_odd = True
        if is_odd:
            remarks.append(ODD_NUMBER)
    if not block[_MODE].strip(b"\0 "):
        remarks.append(EMPTY_FIELD)
    return remarks


def _number(field: bytes) -> int | None:
    """The value of a numeric field: octal digits, or a sign byte and a big-endian integer. `None` if it is neither."""
    digits = field.rstrip(b" \0")
    if digits.isdigit():  # a cheap check first
        try:
            return int(digits, 8)
        except ValueError:
            return None
    match = _OCTAL.fullmatch(field)
    if match is not None:
        return int(match[1] or b"0", 8)
    if field[0] in {_BINARY, _NEGATIVE}:
        value = int.from_bytes(field[1:], "big")
        return value if field[0] == _BINARY else value - 256 ** (len(field) - 1)
    return None


def _text(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]
