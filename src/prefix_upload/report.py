"""The outcome of each file and of the run. All classes are immutable."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from prefix_upload.frozen import Frozen
from prefix_upload.package.model import Artifact
from prefix_upload.urls import channel_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from prefix_upload.errors import Diagnostic
    from prefix_upload.package.model import CandidateFile
    from prefix_upload.status import Status


class Attestation(NamedTuple):
    """A publish attestation: a Sigstore bundle as JSON, and the index of its entry in the transparency log.

    `url` is a web page that shows the entry; "" if there is none.
    """

    bundle: str
    log_index: int
    url: str = ""


class Outcome(NamedTuple):
    """The outcome of one file, which is local or on a channel.

    Attributes:
        file: the file.
        status: how it ended.
        error: why it failed.
        warning: what else users should know about it.
        seconds: the duration of its upload including retries; 0 if nothing was sent, or the upload failed.
        attestation: the attestation that was sent with it.
        md5: the MD5 in the server's record of the same bytes, in lower-case hexadecimal; `None` if not known.
        channel_sha256: the SHA-256 of the file that the channel has instead, with the same contents, in lower-case
            hexadecimal; `None` if it has these bytes, or other contents.
        is_offered: whether solvers choose the package, as far as the channel's record shows.
        reason: why a file of a channel was selected; "" for a local file.
    """

    file: Artifact | CandidateFile
    status: Status
    error: Diagnostic | None = None
    warning: Diagnostic | None = None
    seconds: float = 0.0
    attestation: Attestation | None = None
    md5: str | None = None
    channel_sha256: str | None = None
    is_offered: bool = True
    reason: str = ""


class IndexStatus(StrEnum):
    """Whether clients can install the packages of a subdir that a run waited for."""

    INSTALLABLE = "installable"
    LATE = "late"
    WRONG = "wrong"
    UNFINISHED = "unfinished"


class IndexOutcome(NamedTuple):
    """What the index of a subdir showed in the end.

    Attributes:
        subdir: the subdir.
        status: whether clients can install its packages.
        packages: the number of packages that were waited for.
        seconds: how long that took, or how long it was waited for in vain.
        missing: why clients can't install a package, by its file name; empty if they can install all of them.
        error: the failure; none if the wait ended before it was known whether it is one.
    """

    subdir: str
    status: IndexStatus
    packages: int
    seconds: float
    missing: Mapping[str, str]
    error: Diagnostic | None = None


def distinct_names(packages: Sequence[Artifact]) -> list[str]:
    """The file name of each package, with the subdir before it where several of them have the same file name."""
    counts = Counter(package.file_name for package in packages)
    return [
        package.file_name if counts[package.file_name] == 1 else f"{package.subdir}/{package.file_name}"
        for package in packages
    ]


class Report(Frozen):
    """The result of a whole run.

    Attributes:
        command: the command that was run.
        channel: the path of the channel; "" if the run ended before it was known.
        server_url: the origin of the server.
        dry_run: whether the run was not supposed to send anything.
        outcomes: the outcome of each file, in input order.
        errors: what went wrong with the run as a whole.
        warnings: what users should know about the run as a whole.
        index: what the index of each subdir showed, if it was waited for.
        index_seconds: how long the run waited for the index; `None` if it did not.
        checksums_file: where the checksums are written, relative to the workspace; "" for nowhere.
        seconds: the duration of the run.
        readme_url: the URL of the action's documentation; "" if it is not known.
    """

    command: str = "upload"
    channel: str = ""
    server_url: str = ""
    dry_run: bool = False
    outcomes: tuple[Outcome, ...] = ()
    errors: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    index: tuple[IndexOutcome, ...] = ()
    index_seconds: float | None = None
    checksums_file: str = ""
    seconds: float = 0.0
    readme_url: str = ""

    def count(self, *statuses: Status) -> int:
        """The number of files with one of these statuses."""
        return sum(outcome.status in statuses for outcome in self.outcomes)

    @property
    def failed_count(self) -> int:
        """The number of files whose status is a failure."""
        return sum(outcome.status.is_failure for outcome in self.outcomes)

    def total_size(self, *statuses: Status) -> int:
        """The bytes of the packages with one of these statuses."""
        return sum(
            outcome.file.size
            for outcome in self.outcomes
            if outcome.status in statuses and isinstance(outcome.file, Artifact)
        )

    @property
    def has_changed_channel(self) -> bool:
        """Whether there is something on the channel that later steps may want to know of."""
        is_relevant = (outcome.status.is_on_channel or outcome.status.is_change for outcome in self.outcomes)
        return not self.dry_run and any(is_relevant)

    @property
    def channel_page_url(self) -> str:
        """The URL of the channel's web page; "" if the channel is not known."""
        return channel_page(self.server_url, self.channel) if self.channel else ""

    def package_page_url(self, package: Artifact) -> str:
        """The URL of a package's web page, which lists its versions and files."""
        return f"{self.channel_page_url}/packages/{package.name}"

    @property
    def packages_on_channel(self) -> Iterable[Artifact]:
        """The packages that the channel now has with exactly these bytes, in input order."""
        for outcome in self.outcomes:
            if outcome.status.is_on_channel and isinstance(outcome.file, Artifact):
                yield outcome.file

    @property
    def installable_packages(self) -> Iterable[Artifact]:
        """The packages on the channel that solvers choose, in input order.

        Those that are yanked, for example, are not among them, nor those that the index does not show.
        """
        missing = {(subdir.subdir, file_name) for subdir in self.index for file_name in subdir.missing}
        for outcome in self.outcomes:
            is_offered = outcome.status.is_available and outcome.is_offered
            if is_offered and isinstance(outcome.file, Artifact) and outcome.file.key not in missing:
                yield outcome.file

    @property
    def is_index_behind(self) -> bool:
        """Whether the index of a subdir does not show all packages as it should."""
        return any(subdir.error for subdir in self.index)

    @property
    def attestations(self) -> Iterable[tuple[str, Attestation]]:
        """Yields the name of each package that was published with an attestation, and the attestation.

        The name is the file name, with the subdir before it where two packages have the same file name.
        """
        attested = [
            (outcome.file, outcome.attestation)
            for outcome in self.outcomes
            if outcome.attestation and outcome.status.is_on_channel and isinstance(outcome.file, Artifact)
        ]
        names = distinct_names([package for package, _ in attested])
        yield from zip(names, (attestation for _, attestation in attested), strict=True)

    def package_url(self, package: Artifact) -> str:
        """The URL at which conda clients download a package."""
        return f"{self.server_url}/{self.channel}/{package.subdir}/{package.file_name}"

    def section_url(self, anchor: str) -> str:
        """The URL of a section of the action's documentation, such as `#patterns`; "" if it is not known."""
        return f"{self.readme_url}{anchor}" if self.readme_url else ""

    @property
    def result(self) -> str:
        """The `result` output: `success`, `failure` or `dry-run`."""
        if self.errors or self.failed_count or self.is_index_behind:
            return "failure"
        return "dry-run" if self.dry_run else "success"

    def map_diagnostics(self, change: Callable[[Diagnostic], Diagnostic]) -> Report:
        """The report with every diagnostic changed."""
        outcomes = (
            outcome._replace(
                error=change(outcome.error) if outcome.error else None,
                warning=change(outcome.warning) if outcome.warning else None,
            )
            for outcome in self.outcomes
        )
        return self.replace(
            outcomes=tuple(outcomes),
            errors=tuple(map(change, self.errors)),
            warnings=tuple(map(change, self.warnings)),
            index=tuple(
                subdir._replace(error=change(subdir.error)) if subdir.error else subdir for subdir in self.index
            ),
        )
