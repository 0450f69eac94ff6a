"""What is known about a file while it is being validated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package import hints
from prefix_upload.package.metadata import Index
from prefix_upload.package.model import CandidateFile, Package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


class ValidationState:
    """What is known about a file so far.

    Attributes:
        shown: returns a path as it is shown to users.
        paths: all paths that lead to the file. The first one is the one that is shown.
        target: the file itself, with all symlinks resolved; `None` if it cannot be used.
    """

    def __init__(self, shown: Callable[[Path], str], paths: tuple[Path, ...], target: Path | None = None) -> None:
        self.shown = shown
        self.paths = paths
        self.target = target
        self.index = Index()
        self.size = 0
        self.sha256 = ""
        self.findings: dict[str, str] = {}
        self.warnings: list[str] = []

    @property
    def path(self) -> Path:
        """The path that the file is published as."""
        return self.paths[0]

    def add(self, finding: str, hint: str = hints.REBUILD) -> None:
        """Adds a finding, and what to do about it."""
        self.findings.setdefault(finding, hint)

    def add_all(self, findings: Iterable[str], hint: str = hints.REBUILD) -> None:
        """Adds findings, and what to do about them."""
        for finding in findings:
            self.add(finding, hint)

    def finish(self) -> Package | CandidateFile:
        """The package, or a candidate with the findings."""
        if self.findings:
            return CandidateFile(
                relative_path=self.shown(self.path),
                file_name=self.path.name,
                findings=tuple(self.findings),
                hints=tuple(dict.fromkeys(self.findings.values())),
            )
        return Package(
            path=self.target or self.path,
            relative_path=self.shown(self.path),
            file_name=self.path.name,
            name=self.index.fields["name"],
            version=self.index.fields["version"],
            build=self.index.fields["build"],
            build_number=self.index.fields["build_number"],
            subdir=self.index.subdir,
            size=self.size,
            sha256=self.sha256,
            depends=self.index.depends,
            needs_v3=self.index.needs_v3,
            warnings=tuple(self.warnings),
        )
