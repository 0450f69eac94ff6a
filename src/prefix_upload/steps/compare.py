"""Step 4: compares the packages with what the channel already has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prefix_upload.prefix_dev import BATCH_SIZE, conflict_error
from prefix_upload.report import Outcome, Status
from prefix_upload.steps import messages
from prefix_upload.steps.batches import batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.errors import ConflictError
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev import Record
    from prefix_upload.steps.run import Run


@dataclass(frozen=True)
class Upload:
    """A package to send. `overwrites` is whether it replaces different bytes under the same name."""

    package: Package
    overwrites: bool = False


def compare(run: Run, packages: Sequence[Package]) -> list[Upload]:
    """The uploads that are needed. Records the outcome of every other package."""
    run.reporter.phase(f"Compare {messages.pluralize(len(packages), 'package')} with the channel")
    records: dict[tuple[str, str], Record] = {}
    errors: list[str] = []
    for lookup in run.each(run.channel.lookup, batches(packages, BATCH_SIZE), run.settings.concurrency):
        records |= lookup.records
        errors += lookup.errors
    if errors:
        run.ledger.warnings.append(messages.cannot_compare(errors, is_dry_run=run.settings.dry_run))
    uploads = []
    for package in packages:
        compared = _compared(run, package, records.get(package.key))
        if isinstance(compared, Upload):
            uploads.append(compared)
        else:
            run.finish(compared)
    return uploads


def plan(run: Run, uploads: Sequence[Upload]) -> None:
    """Records what a dry run would upload."""
    for upload in uploads:
        warning = messages.WOULD_OVERWRITE if upload.overwrites else None
        run.finish(Outcome(file=upload.package, status=Status.WOULD_UPLOAD, warning=warning))


def conflict_outcome(run: Run, package: Package, error: ConflictError) -> Outcome:
    """The outcome of a package if the channel has different bytes under its file name."""
    if run.settings.skip_existing:
        return Outcome(file=package, status=Status.SKIPPED, warning=messages.left_alone(error))
    return Outcome(file=package, status=Status.FAILED, error=error.diagnostic)


def _compared(run: Run, package: Package, record: Record | None) -> Outcome | Upload:
    if record is None or record.sha256 is None:
        return Upload(package)
    if record.sha256 == package.sha256:
        return Outcome(file=package, status=Status.ALREADY_PRESENT, md5=record.md5)
    if run.settings.force:
        return Upload(package, overwrites=True)
    return conflict_outcome(run, package, conflict_error(package, record.sha256))
