"""Conda packages: artifacts, candidate files and validated packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prefix_upload.frozen import Frozen

if TYPE_CHECKING:
    from pathlib import Path


class Artifact(Frozen):
    """A conda package file in a subdir, on disk or on a channel (CEP 26, "Identifying package artifacts").

    `size` is in bytes; `sha256` is the hash of the whole file in lower-case hexadecimal.
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
        """The subdir and file name, as shown to users."""
        return f"{self.subdir}/{self.file_name}"

    @property
    def key(self) -> tuple[str, str]:
        """The subdir and file name: a channel has at most one file for each key."""
        return self.subdir, self.file_name


class Package(Artifact):
    """A local file that passed validation. Only `validate.check` creates packages.

    `path` is the location of the file, with all symlinks resolved. `relative_path` is the path shown to users, with `/`
    as separator: relative to the workspace, or absolute if it is elsewhere. `depends` are the match specs of the
    packages that it needs at run time. `needs_v3` is whether only revision 3 of repodata, or a later one, can have it
    (CEP 48).
    """

    path: Path
    relative_path: str
    depends: tuple[str, ...] = ()
    needs_v3: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The path relative to the workspace, as shown to users."""
        return self.relative_path


class CandidateFile(NamedTuple):
    """A matched file that is not a `Package`.

    `findings` are the reasons why it is invalid, and `hints` what to do about them; there are none if it has not been
    validated.
    """

    relative_path: str
    file_name: str
    findings: tuple[str, ...]
    hints: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The path relative to the workspace, as shown to users."""
        return self.relative_path
