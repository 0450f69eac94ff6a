"""Compares the packages with what the channel already has."""

from __future__ import annotations

from graphlib import TopologicalSorter
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from prefix_upload.errors import ConflictError
from prefix_upload.prefix_dev import BATCH_SIZE, Lookup
from prefix_upload.prefix_dev.batches import batches
from prefix_upload.report import Outcome
from prefix_upload.status import Status
from prefix_upload.steps import messages
from prefix_upload.steps.order import failed_packages
from prefix_upload.steps.present import conflict_outcome, present_outcome, same_content_outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prefix_upload.package.dependencies import Key
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev import Record
    from prefix_upload.steps.run import UploadRun


class Upload(NamedTuple):
    """A package to send.

    Attributes:
        package: the package.
        overwrites: whether it replaces different bytes under the same name.
        is_addition: whether it can't replace anything, as far as the comparison shows.
    """

    package: Package
    overwrites: bool = False
    is_addition: bool = True


def compare(run: UploadRun, packages: Sequence[Package]) -> list[Upload]:
    """The uploads that are needed. Records the outcome of every other package.

    There are none if the channel cannot be published to, or the run was cancelled before all packages were compared.
    """
    run.reporter.phase(f"Compare {messages.pluralize(len(packages), 'package')} with the channel")
    found = _look_up(run, packages)
    if run.is_cancelled:
        return []
    if error := run.call(lambda: run.channel.access.blocking_error(found, is_dry_run=run.settings.dry_run)):
        run.stop(error, packages)
        return []
    if found.failures and found.unknown(packages):
        run.ledger.warnings.append(messages.cannot_compare(found.failures, is_dry_run=run.settings.dry_run))
    served = _served(run, packages, found)
    if served is None:
        return []
    uploads = []
    others: list[tuple[Package, Record]] = []
    for package in packages:
        record = found.records.get(package.key)
        if record is None or not _is_there(record, is_served=package.key in served):
            is_absent = record is not None and record.sha256 is None
            uploads.append(Upload(package, is_addition=is_absent or not run.settings.force))
        elif record.sha256 == package.sha256:
            run.finish(present_outcome(package, record))
        elif run.settings.force:
            uploads.append(Upload(package, overwrites=True, is_addition=False))
        else:
            others.append((package, record))
    if not uploads and (error := run.channel.access.token_error(found)):
        run.ledger.warnings.append(messages.token_rejected(error))
    return uploads if _compare_contents(run, others) else []


def plan(run: UploadRun, uploads: Sequence[Upload], needs: Mapping[Key, Sequence[Key]]) -> None:
    """Records what a dry run would upload; as in `transfer`, nothing that depends on a package which failed."""
    missing = failed_packages(run)
    uploaded = {upload.package.key for upload in uploads}
    for key in TopologicalSorter(needs).static_order():
        if key in uploaded and (cause := next((missing[needed] for needed in needs[key] if needed in missing), None)):
            missing[key] = cause
    for upload in uploads:
        warning = messages.WOULD_OVERWRITE if upload.overwrites else None
        outcome = Outcome(file=upload.package, status=Status.WOULD_UPLOAD, warning=warning)
        if (cause := missing.get(upload.package.key)) is not None:
            error = messages.dependency_missing(cause)
            outcome = Outcome(file=upload.package, status=Status.NOT_ATTEMPTED, error=error)
        run.finish(outcome)


def _look_up(run: UploadRun, packages: Sequence[Package]) -> Lookup:
    """What the channel has: from GraphQL in batches, then from the repodata of each subdir, read once."""
    queries, workers = run.channel.queries, run.settings.concurrency
    found = Lookup.combined(run.each(queries.graphql, batches(packages, BATCH_SIZE), workers))
    unknown = sorted(found.unknown(packages), key=lambda package: package.subdir)
    by_subdir = [list(group) for _, group in groupby(unknown, key=lambda package: package.subdir)]
    return Lookup.combined([found, *run.each(queries.repodata, by_subdir, workers)])


def _served(run: UploadRun, packages: Sequence[Package], found: Lookup) -> set[tuple[str, str]] | None:
    """Those packages that only repodata lists with their hash, and that the channel really serves.

    `None` if the run was cancelled before that was known.
    """
    listed = [package for package in packages if _is_perhaps_outdated(package, found.records.get(package.key))]

    def check(package: Package) -> tuple[Package, bool]:
        return package, run.channel.queries.serves(package)

    served = {package.key for package, is_served in run.each(check, listed, run.settings.concurrency) if is_served}
    return None if run.is_cancelled else served


def _is_perhaps_outdated(package: Package, record: Record | None) -> bool:
    return record is not None and record.may_be_outdated and record.sha256 == package.sha256


def _is_there(record: Record, *, is_served: bool) -> bool:
    """Whether the channel has the file of a record."""
    # The index may be out of date; if it is not, the server reports a conflict.
    return record.sha256 is not None and (not record.may_be_outdated or is_served)


def _compare_contents(run: UploadRun, others: Sequence[tuple[Package, Record]]) -> bool:
    """Records the outcomes of packages that the channel has with different bytes. Returns whether that is complete."""
    count = 0
    for outcome in run.each(lambda other: _with_other_bytes(run, *other), others, run.settings.concurrency):
        run.finish(outcome)
        count += 1
    return count == len(others)


def _with_other_bytes(run: UploadRun, package: Package, record: Record) -> Outcome:
    """The outcome of a package if the channel has different bytes under its file name. Called from worker threads."""
    try:
        run.channel.check_contents(package, record)
    except ConflictError as error:
        return conflict_outcome(run, package, error)
    return same_content_outcome(package, record)
