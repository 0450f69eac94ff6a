"""The contents of a package that validation needs."""

from __future__ import annotations

from typing import NamedTuple

from prefix_upload.package.archive import limits


class PayloadFile(NamedTuple):
    """A regular file in the payload: its size in bytes and its SHA-256 digest."""

    size: int
    sha256: bytes


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

    def __init__(self) -> None:
        self.index: bytes | None = None
        self.paths: bytes | None = None
        self.files: bytes | None = None
        self.links: dict[str, bytes] = {}
        self.is_info_complete = True
        self.metadata: bytes | None = None
        self.tarballs: dict[str, str] = {}
        self.payload: dict[str, PayloadFile | None] | None = {}
        self.symlinks: list[str] = []
        self.duplicates: list[str] = []
        self.findings: list[str] = []
        self.warnings: list[str] = []
        self._remarks: dict[str, tuple[str, int]] = {}

    def add_finding(self, finding: str) -> None:
        """Adds a finding, unless there are `limits.MAX_FINDINGS` already."""
        if len(self.findings) < limits.MAX_FINDINGS:
            self.findings.append(finding)

    def add_remark(self, subject: str, remark: str) -> None:
        """Adds something that does not make the package invalid: what it is about, and a clause.

        Of several with the same clause, `summarize_remarks` only names the first subject.
        """
        first, count = self._remarks.get(remark, (subject, 0))
        self._remarks[remark] = (first, count + 1)

    def summarize_remarks(self) -> None:
        """Turns the remarks into warnings."""
        for remark, (subject, count) in self._remarks.items():
            others = f" (and {count - 1} more)" if count > 1 else ""
            self.warnings.append(f"{subject} {remark}{others}")
        self._remarks.clear()
