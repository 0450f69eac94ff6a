"""Confirms each upload with the server's own record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prefix_upload.errors import CancelledError
from prefix_upload.package.model import Package
from prefix_upload.prefix_dev import BATCH_SIZE, Reason, is_settled, poll
from prefix_upload.prefix_dev.batches import batches
from prefix_upload.status import Status
from prefix_upload.steps import messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.errors import Diagnostic
    from prefix_upload.prefix_dev import Record
    from prefix_upload.report import Outcome
    from prefix_upload.steps.run import UploadRun

_Sent = tuple[Package, "Outcome"]


class Confirmation(NamedTuple):
    """What the server reports about an upload; `None` if that is not known.

    `malformed_reason` is why its response is not one of prefix.dev's API.
    """

    record: Record | None = None
    is_attested: bool | None = None
    malformed_reason: str = ""


def confirm(run: UploadRun) -> None:
    """Checks that the channel lists each uploaded package with its hash, and serves the attestation sent with it."""
    sent = [
        (outcome.file, outcome)
        for outcome in run.ledger.recorded({Status.UPLOADED, Status.OVERWRITTEN})
        if isinstance(outcome.file, Package)
    ]
    if not sent:
        return
    run.reporter.phase(f"Confirm {messages.pluralize(len(sent), 'upload')}")
    # Marked as unconfirmed until the server responds, because a cancelled run may not wait for that.
    for _, outcome in sent:
        run.ledger.record(_confirmed(outcome, Confirmation()))
    # Records are looked up a hundred at a time, but attestations one by one: these are spread over all workers.
    size = BATCH_SIZE if run.signer is None else min(BATCH_SIZE, -(-len(sent) // run.settings.concurrency))
    for outcomes in run.each(lambda batch: _confirm_batch(run, batch), batches(sent, size), run.settings.concurrency):
        for outcome in outcomes:
            if outcome.status is Status.FAILED:
                run.finish(outcome)
            else:
                run.ledger.record(outcome)


def _confirm_batch(run: UploadRun, sent: Sequence[_Sent]) -> list[Outcome]:
    """Looks up a batch a few times, since records may take a moment to appear. Called from worker threads."""
    confirmations = {package.key: Confirmation() for package, _ in sent}
    pending = sent

    def look(is_last: bool) -> bool:
        nonlocal pending
        is_worth_repeating = _look_up(run, pending, confirmations, is_last=is_last)
        pending = [item for item in pending if not _is_final(run, item, confirmations[item[0].key])]
        return not pending or not is_worth_repeating

    try:
        poll(look, run.sleep)
    except CancelledError:
        # What is missing so far may still appear.
        for package, _ in pending:
            confirmations[package.key] = confirmations[package.key]._replace(record=None, malformed_reason="")
    return [_confirmed(outcome, confirmations[package.key]) for package, outcome in sent]


def _look_up(
    run: UploadRun, pending: Sequence[_Sent], confirmations: dict[tuple[str, str], Confirmation], *, is_last: bool
) -> bool:
    """Updates the confirmations. Returns whether another look-up may find more."""
    queries = run.channel.queries
    lookup = queries.lookup([package for package, _ in pending], is_thorough=is_last)
    malformed_reason = next((str(failure) for failure in lookup.failures if failure.reason is Reason.MALFORMED), "")
    for package, outcome in pending:
        before = confirmations[package.key]
        is_attested = before.is_attested
        if outcome.attestation is not None and not is_attested:
            is_attested = queries.has_attestation(package, outcome.attestation.bundle)
        confirmations[package.key] = Confirmation(
            lookup.records.get(package.key, before.record), is_attested, malformed_reason
        )
    return lookup.is_worth_repeating


def _is_final(run: UploadRun, sent: _Sent, confirmation: Confirmation) -> bool:
    """Whether no further look-up is needed."""
    package, outcome = sent
    if not is_settled(confirmation.record, package, force=run.settings.force):
        return False
    return outcome.attestation is None or confirmation.is_attested is True


def _confirmed(outcome: Outcome, confirmation: Confirmation) -> Outcome:
    """The outcome of an upload, updated from the server's own record."""
    package, record = outcome.file, confirmation.record
    if not isinstance(package, Package):
        return outcome
    if record is not None and record.may_be_outdated and record.sha256 != package.sha256:
        record = None  # that of an earlier file
    if record is None and not confirmation.malformed_reason:
        return outcome._replace(warning=messages.NOT_COMPARED)
    if record is None:
        return _failed(outcome, messages.not_answered(confirmation.malformed_reason))
    if record.sha256 != package.sha256:
        return _failed(outcome, messages.not_confirmed(package, record))
    if outcome.attestation is not None and confirmation.is_attested is False:
        return _failed(outcome, messages.ATTESTATION_DROPPED)
    warnings = []
    if record.withheld:
        warnings.append(messages.withheld(record))
    if outcome.attestation is not None and confirmation.is_attested is None:
        warnings.append(messages.ATTESTATION_NOT_CONFIRMED)
    warning = messages.combined(warnings) if warnings else None
    return outcome._replace(warning=warning, md5=record.md5, is_offered=not record.withheld)


def _failed(outcome: Outcome, error: Diagnostic) -> Outcome:
    return outcome._replace(status=Status.FAILED, error=error, warning=None)
