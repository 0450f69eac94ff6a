"""A conda package, before and after its validation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# The two formats of a conda package (CEP 35).
PACKAGE_EXTENSIONS = (".conda", ".tar.bz2")


class ValidationLevel(StrEnum):
    """How much of a package validation decodes: all of it, or no more than `info/`."""

    FULL = "full"
    METADATA = "metadata"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A conda package that passed validation. Only `validate.check` makes one.

    `path` is where its bytes are, with no link in its way; `relative_path` is what users know it by (relative to
    the workspace, with `/`). `size` is in bytes; `sha256` is lower-case hexadecimal, of the whole file.
    """

    path: Path
    relative_path: str
    file_name: str
    name: str
    version: str
    build: str
    build_number: int
    subdir: str
    size: int
    sha256: str
    warnings: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one package on a channel: a channel holds one file of a name per subdir."""
        return self.subdir, self.file_name


@dataclass(frozen=True, kw_only=True)
class CandidateFile:
    """A matched file that is not a `Package`: `findings` are all the reasons why it is invalid.

    There are none where the run ended before the file was looked at.
    """

    relative_path: str
    file_name: str
    findings: tuple[str, ...]
