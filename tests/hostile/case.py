"""What a case is, and what most of them are made with."""

from __future__ import annotations

import json
import struct
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.building import STEM, conda_bytes, index_of, tar_member, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIB = 2**20
CONDA, BZ2 = f"{STEM}.conda", f"{STEM}.tar.bz2"


@dataclass(frozen=True)
class Case:
    """One file.

    Attributes:
        name: What it is.
        make: Puts it into an empty folder and returns its path.
        finding: Words of a finding; none where the file is a package.
        warning: Words of a warning, where it is a package with one.
        is_old: Whether it is of a form that only older clients read.
    """

    name: str
    make: Callable[[Path], Path]
    finding: str = ""
    warning: str = ""
    is_old: bool = False


def conda(data: bytes | Callable[[], bytes]) -> Callable[[Path], Path]:
    """A file that calls itself a `.conda` package; what takes long to build is built when it is needed."""
    return lambda folder: written(folder / CONDA, data if isinstance(data, bytes) else data())


def tar_bz2(data: bytes | Callable[[], bytes]) -> Callable[[Path], Path]:
    """A file that calls itself a `.tar.bz2` package."""
    return lambda folder: written(folder / BZ2, data if isinstance(data, bytes) else data())


def payload(*members: bytes) -> Callable[[Path], Path]:
    """A `.conda` package with these members in its payload."""
    return conda(conda_bytes(payload_members=members))


def index_json(**changes: object) -> bytes:
    """The index that fits the file name, but for these changes."""
    return json.dumps(index_of(STEM, **changes)).encode()


def index_member(**changes: object) -> bytes:
    """The same as a member."""
    return tar_member("info/index.json", index_json(**changes))


def long_name(name: bytes, *, kind: bytes = tarfile.REGTYPE) -> bytes:
    """An empty member whose name stands in a header of its own, as GNU tar writes it."""
    return name_header(name) + tar_member("x", b"", kind=kind)


def name_header(name: bytes) -> bytes:
    """The header alone."""
    return tar_member("././@LongLink", name + b"\0", kind=tarfile.GNUTYPE_LONGNAME)


def block(content: bytes, *, kind: int = 0, last: bool = False) -> bytes:
    """A block of a zstd frame (RFC 8878, section 3.1.1.2)."""
    return (len(content) << 3 | kind << 1 | last).to_bytes(3, "little") + content


def frame(*blocks: bytes, window: bytes = b"\x00") -> bytes:
    """A zstd frame by hand (RFC 8878, section 3.1.1)."""
    return b"\x28\xb5\x2f\xfd\x00" + window + b"".join(blocks)


def skippable(content: bytes, size: int | None = None) -> bytes:
    """A frame that decoders pass over, and the size that it claims (RFC 8878, section 3.1.2)."""
    return struct.pack("<2L", 0x184D2A50, len(content) if size is None else size) + content
