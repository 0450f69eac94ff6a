"""The contents of a package that validation needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from prefix_upload.package.archive import limits


@dataclass(frozen=True)
class PayloadFile:
    """A regular file in the payload: its size in bytes and its SHA-256 digest."""

    size: int
    sha256: bytes


@dataclass(slots=True)
class Contents:
    """The contents of a package that validation needs.

    `findings` make the package invalid, `warnings` do not. Each is a clause that can be read on its own.

    `index`, `paths`, `files` and `metadata` are the raw `info/index.json`, `info/paths.json`, `info/files` and
    `metadata.json`; `links` are `info/link.json` and its predecessor, by name. `is_info_complete` is whether all of
    `info/` was read. `tarballs` are the names of the ZIP members with `info/` and with the payload, if there is one
    of each.

    `payload` maps the name of each member outside `info/`, except folders, to a `PayloadFile`, or to `None` if it is
    not a regular file. `payload` itself is `None` if it was not read or has too many members to compare; it may be
    incomplete if there are findings. `symlinks` are the links in it, and `duplicates` the names that occur in it more
    than once.
    """

    index: bytes | None = None
    paths: bytes | None = None
    files: bytes | None = None
    links: dict[str, bytes] = field(default_factory=dict)
    is_info_complete: bool = True
    metadata: bytes | None = None
    tarballs: dict[str, str] = field(default_factory=dict)
    payload: dict[str, PayloadFile | None] | None = field(default_factory=dict)
    symlinks: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add_finding(self, finding: str) -> None:
        """Adds a finding, unless there are `limits.MAX_FINDINGS` already."""
        if len(self.findings) < limits.MAX_FINDINGS:
            self.findings.append(finding)
