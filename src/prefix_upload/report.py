"""What became of each file, and of the run. All values are frozen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from prefix_upload.package.model import Artifact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prefix_upload.errors import Diagnostic
    from prefix_upload.package.model import CandidateFile


class Status(StrEnum):
    """What became of a file. The values are part of the `packages` output."""

    UPLOADED = "uploaded"
    OVERWRITTEN = "overwritten"
    ALREADY_PRESENT = "already-present"
    SKIPPED = "skipped"
    WOULD_UPLOAD = "would-upload"
    INVALID = "invalid"
    FAILED = "failed"
    NOT_ATTEMPTED = "not-attempted"

    @property
    def is_on_channel(self) -> bool:
        """Whether the channel now has the file with exactly these bytes."""
        return self in {Status.UPLOADED, Status.OVERWRITTEN, Status.ALREADY_PRESENT}

    @property
    def is_failure(self) -> bool:
        """Whether the run did not do with this file what it was asked to do."""
        return self in {Status.INVALID, Status.FAILED, Status.NOT_ATTEMPTED}


@dataclass(frozen=True, kw_only=True)
class Attestation:
    """A publish attestation: a Sigstore bundle as JSON, and the index of its entry in the transparency log.

    `url` is where people can look at that entry, if there is such a place.
    """

    bundle: str
    log_index: int
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one file: a local one, or one of a channel.

    Attributes:
        file: which one.
        status: what became of it.
        error: why it failed.
        warning: what else users should know of it.
        seconds: how long its upload took, retries included; 0 if nothing was sent.
        attestation: the one that was sent along.
        md5: what the server's record says, if it is about these bytes.
    """

    file: Artifact | CandidateFile
    status: Status
    error: Diagnostic | None = None
    warning: Diagnostic | None = None
    seconds: float = 0.0
    attestation: Attestation | None = None
    md5: str | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole run.

    Attributes:
        channel: the channel's path; "" if the run ended before it was known.
        server_url: the server's origin.
        dry_run: whether nothing was to be sent.
        outcomes: what became of each file, in input order.
        errors: what went wrong with the run as a whole.
        warnings: what users should know of the run as a whole.
    """

    channel: str = ""
    server_url: str = ""
    dry_run: bool = False
    outcomes: tuple[Outcome, ...] = ()
    errors: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()

    def count(self, *statuses: Status) -> int:
        """How many files ended in one of these statuses."""
        return sum(outcome.status in statuses for outcome in self.outcomes)

    @property
    def failed_count(self) -> int:
        """How many files the run did not do with what it was asked to do."""
        return sum(outcome.status.is_failure for outcome in self.outcomes)

    @property
    def channel_url(self) -> str:
        """The channel's page, for people."""
        return f"{self.server_url}/channels/{self.channel}" if self.channel else ""

    @property
    def packages_on_channel(self) -> Iterable[Artifact]:
        """The packages that the channel now has with exactly these bytes, in input order."""
        for outcome in self.outcomes:
            if outcome.status.is_on_channel and isinstance(outcome.file, Artifact):
                yield outcome.file

    @property
    def attestations(self) -> Iterable[tuple[str, Attestation]]:
        """What was published with packages, by file name; by subdir as well where two have the same name."""
        attested = [
            (outcome.file, outcome.attestation)
            for outcome in self.outcomes
            if outcome.attestation and outcome.status.is_on_channel and isinstance(outcome.file, Artifact)
        ]
        names = Counter(package.file_name for package, _ in attested)
        for package, attestation in attested:
            is_unique = names[package.file_name] == 1
            yield package.file_name if is_unique else f"{package.subdir}/{package.file_name}", attestation

    def package_url(self, package: Artifact) -> str:
        """Where conda clients read the package."""
        return f"{self.server_url}/{self.channel}/{package.subdir}/{package.file_name}"

    @property
    def result(self) -> str:
        """The `result` output: `success`, `failure` or `dry-run`."""
        if self.errors or self.failed_count:
            return "failure"
        return "dry-run" if self.dry_run else "success"

    def map_diagnostics(self, change: Callable[[Diagnostic], Diagnostic]) -> Report:
        """The report with every diagnostic changed."""
        outcomes = (
            replace(
                outcome,
                error=change(outcome.error) if outcome.error else None,
                warning=change(outcome.warning) if outcome.warning else None,
            )
            for outcome in self.outcomes
        )
        return replace(
            self,
            outcomes=tuple(outcomes),
            errors=tuple(map(change, self.errors)),
            warnings=tuple(map(change, self.warnings)),
        )
