"""What a package holds, as far as validation needs it."""

from __future__ import annotations

from dataclasses import dataclass, field

from prefix_upload.package.archive import limits


@dataclass(frozen=True)
class PayloadFile:
    """A regular file of the payload: its size in bytes and its SHA-256."""

    size: int
    sha256: bytes


@dataclass(slots=True)
class Contents:
    """What a package holds. `findings` make it invalid, `warnings` do not; each is a clause to read alone.

    `payload` has every member outside `info/`: regular files with size and hash, `None` for the others. It is
    `None` itself where not all members were read or there are too many of them. `duplicates` are the names that stand
    in it more than once.
    """

    index: bytes | None = None
    paths: bytes | None = None
    metadata: bytes | None = None
    payload: dict[str, PayloadFile | None] | None = field(default_factory=dict)
    duplicates: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def find(self, finding: str) -> None:
        """Adds a finding, unless there are more already than anybody reads."""
        if len(self.findings) < limits.MAX_FINDINGS:
            self.findings.append(finding)
