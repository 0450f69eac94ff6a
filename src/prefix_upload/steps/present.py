"""The outcomes of packages whose file name the channel already has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.report import Outcome
from prefix_upload.status import Status
from prefix_upload.steps import messages

if TYPE_CHECKING:
    from prefix_upload.errors import ConflictError
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev import Record
    from prefix_upload.steps.run import UploadRun


def conflict_outcome(run: UploadRun, package: Package, error: ConflictError) -> Outcome:
    """The outcome of a package if the channel has different contents under its file name."""
    if run.settings.skip_existing:
        return Outcome(file=package, status=Status.SKIPPED, warning=messages.left_alone(error))
    return Outcome(file=package, status=Status.FAILED, error=error.diagnostic)


def present_outcome(package: Package, record: Record, seconds: float = 0.0) -> Outcome:
    """The outcome of a package that was on the channel with the same bytes, with a warning if that is of no use."""
    warning = messages.ONLY_INDEXED if record.may_be_outdated else None
    if record.withheld:
        warning = messages.withheld(record)
    return Outcome(
        file=package,
        status=Status.ALREADY_PRESENT,
        warning=warning,
        seconds=seconds,
        md5=record.md5,
        is_offered=not record.withheld,
    )


def same_content_outcome(package: Package, record: Record, seconds: float = 0.0) -> Outcome:
    """The outcome of a package that was on the channel in other bytes of the same contents."""
    warnings = [messages.same_content(package, record)]
    if record.withheld:
        warnings.append(messages.withheld(record))
    return Outcome(
        file=package,
        status=Status.SAME_CONTENT,
        warning=messages.combined(warnings),
        seconds=seconds,
        channel_sha256=record.sha256,
        is_offered=not record.withheld,
    )
