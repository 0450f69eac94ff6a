"""Conda packages: as files that may be some, as validated packages, and as records of a channel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# The two formats of a conda package (CEP 35).
PACKAGE_EXTENSIONS = (".conda", ".tar.bz2")


class ValidationLevel(StrEnum):
    """How much of a package is decoded: all of it, or nothing after `info/`."""

    FULL = "full"
    METADATA = "metadata"


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A conda package as a file of some subdir, on a disk or on a channel (CEP 26, "Identifying package artifacts").

    `size` is in bytes; `sha256` is lower-case hexadecimal, of the whole file.
    """

    file_name: str
    name: str
    version: str
    build: str
    build_number: int
    subdir: str
    size: int
    sha256: str

    @property
    def label(self) -> str:
        """What users know it by."""
        return f"{self.subdir}/{self.file_name}"

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it on a channel, which holds one file of a name per subdir."""
        return self.subdir, self.file_name


@dataclass(frozen=True, kw_only=True)
class Package(Artifact):
    """A local file that passed validation. Only `validate.check` makes one.

    `path` is where its bytes are, with all links resolved; `relative_path` is the path that users know, relative to the
    workspace and with `/`.
    """

    path: Path
    relative_path: str
    warnings: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Its path in the workspace."""
        return self.relative_path


@dataclass(frozen=True, kw_only=True)
class CandidateFile:
    """A matched file that is not a `Package`: `findings` are the reasons why it is invalid.

    There are none if the run ended before the file was validated.
    """

    relative_path: str
    file_name: str
    findings: tuple[str, ...]

    @property
    def label(self) -> str:
        """Its path in the workspace."""
        return self.relative_path
