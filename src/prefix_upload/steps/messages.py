"""The messages of a run, as diagnostics and outcomes. All functions are pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from prefix_upload.errors import RERUN_IS_SAFE, CancelledError, ChannelWideError, Diagnostic, setting
from prefix_upload.package.model import Package
from prefix_upload.report import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefix_upload.errors import ConflictError
    from prefix_upload.prefix_dev import Record

ENDED_BEFORE = Diagnostic("Not attempted", "Not sent, because the run ended before.")
WOULD_OVERWRITE = Diagnostic(
    "Would overwrite", "The channel has other bytes under this name, which would be overwritten."
)
OTHERS_INVALID = Diagnostic("Not attempted", "Not sent, because other files are invalid.")


_INVALID_HINT = f"Nothing was sent. Build the package again, or leave it out with a '!' line in {setting('glob')}."


def unmatched(patterns: Iterable[str]) -> Diagnostic:
    """The warning about patterns that match nothing while others match."""
    return Diagnostic(
        "Pattern without match", f"No file matches {quoted(patterns)}.", "Check the spelling, or take the line out."
    )


def invalid(findings: Iterable[str]) -> Diagnostic:
    """The error of an invalid file, with all its findings."""
    return Diagnostic("Invalid package", f"{'; '.join(findings)}.", _INVALID_HINT)


def left_alone(error: ConflictError) -> Diagnostic:
    """The warning about a package that was skipped because the channel has different bytes under its file name."""
    return Diagnostic("Left alone", f"{error.message} What is there is not what this run built.")


def cancelled() -> CancelledError:
    """The error of an upload that was abandoned because the run was cancelled."""
    return CancelledError(
        "The run was cancelled while this package was being sent: the channel may have it or not.", RERUN_IS_SAFE
    )


def not_attempted(error: ChannelWideError) -> Diagnostic:
    """The error of a package that was not sent because of a channel-wide failure."""
    return Diagnostic("Not attempted", f"Not sent, because of what came before: {error.message}", error.hint)


def cannot_compare(errors: Iterable[str], *, is_dry_run: bool) -> Diagnostic:
    """The warning that queries about the channel failed, with the consequences."""
    reasons = "; ".join(dict.fromkeys(errors))
    return Diagnostic(
        "Channel not compared",
        f"The channel could not be asked for all of its files ({reasons}).",
        f"Before you publish: check {setting('channel')} and {setting('server-url')}, since nobody knows which of them "
        "it has."
        if is_dry_run
        else "Packages that it may have are sent, and then compared if the server says that it has them.",
    )


@dataclass(frozen=True)
class Confirmation:
    """What the server reports about an upload; `None` if that is not known."""

    record: Record | None = None
    is_attested: bool | None = None

    def is_sufficient_for(self, outcome: Outcome) -> bool:
        """Whether no further look-up is needed."""
        is_listed = self.record is not None and self.record.sha256 is not None
        return is_listed and (outcome.attestation is None or self.is_attested is True)


def confirmed(outcome: Outcome, confirmation: Confirmation) -> Outcome:
    """The outcome of an upload, updated from the server's own record."""
    package, record = outcome.file, confirmation.record
    if not isinstance(package, Package):
        return outcome
    if record is None:
        return replace(outcome, warning=_NOT_COMPARED)
    if record.sha256 != package.sha256:
        what = "does not list it" if record.sha256 is None else f"lists other bytes, with SHA-256 {record.sha256}"
        problem = Diagnostic(
            "Not confirmed",
            f"The server took the package (SHA-256 {package.sha256}), but {what}.",
            "Look at the channel: somebody may have deleted or overwritten it. Then run the step again.",
        )
        return replace(outcome, status=Status.FAILED, error=problem, warning=None)
    if outcome.attestation is None or confirmation.is_attested:
        return replace(outcome, warning=None, md5=record.md5)
    if confirmation.is_attested is None:
        return replace(outcome, warning=_ATTESTATION_NOT_SEEN, md5=record.md5)
    return replace(outcome, status=Status.FAILED, error=_ATTESTATION_DROPPED, warning=None)


# The upload was accepted, but its record could not be read.
_NOT_COMPARED = Diagnostic(
    "Not confirmed", "The server took it, but its record could not be read, so nobody compared the hashes."
)
_ATTESTATION_NOT_SEEN = Diagnostic(
    "Attestation not confirmed",
    "The server took the attestation with the package, but does not show it yet.",
    "Look for it beside the package on the channel, as '<file>.v0.sigs'.",
)
# The server shows the package's attestations, and this one is not among them.
_ATTESTATION_DROPPED = Diagnostic(
    "Attestation dropped",
    "The server has the package, but not the attestation that was sent with it.",
    "Nobody can verify the package without it. Look into the channel's settings; then delete the package there and run "
    f"the step again, or set {setting('attestations', 'false')}.",
)


def pluralize(count: int, noun: str) -> str:
    """The number and the noun, in the plural unless the number is 1."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def quoted(patterns: Iterable[str]) -> str:
    """The quoted patterns, separated by commas."""
    return ", ".join(f"'{pattern}'" for pattern in patterns)
