"""Step 6: confirms each upload with the server's own record."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from prefix_upload.errors import CancelledError
from prefix_upload.package.model import Package
from prefix_upload.prefix_dev import BATCH_SIZE
from prefix_upload.report import Status
from prefix_upload.steps import messages
from prefix_upload.steps.batches import batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.prefix_dev import Record
    from prefix_upload.report import Outcome
    from prefix_upload.steps.run import Run

# Seconds to wait between look-ups of records that the channel does not have yet.
_PAUSES = (1.0, 2.0, 4.0, 8.0)

_Sent = tuple[Package, "Outcome"]


@dataclass(frozen=True)
class Confirmation:
    """What the server reports about an upload; `None` if that is not known."""

    record: Record | None = None
    is_attested: bool | None = None

    def is_sufficient_for(self, outcome: Outcome) -> bool:
        """Whether no further look-up is needed."""
        is_listed = self.record is not None and self.record.sha256 is not None
        return is_listed and (outcome.attestation is None or self.is_attested is True)


def confirm(run: Run) -> None:
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


def _confirm_batch(run: Run, sent: Sequence[_Sent]) -> list[Outcome]:
    """Looks up a batch a few times, since records may take a moment to appear. Called from worker threads."""
    confirmations = {package.key: Confirmation() for package, _ in sent}
    pending = sent
    with contextlib.suppress(CancelledError):
        for pause in (*_PAUSES, 0.0):
            _look_up(run, pending, confirmations)
            pending = [
                (package, outcome)
                for package, outcome in pending
                if not confirmations[package.key].is_sufficient_for(outcome)
            ]
            if not pending or not pause:
                break
            run.sleep(pause)
    return [_confirmed(outcome, confirmations[package.key]) for package, outcome in sent]


def _look_up(run: Run, pending: Sequence[_Sent], confirmations: dict[tuple[str, str], Confirmation]) -> None:
    records = run.channel.lookup([package for package, _ in pending]).records
    for package, outcome in pending:
        before = confirmations[package.key]
        is_attested = before.is_attested
        if outcome.attestation is not None and not is_attested:
            is_attested = run.channel.has_attestation(package, outcome.attestation.bundle)
        confirmations[package.key] = Confirmation(records.get(package.key, before.record), is_attested)


def _confirmed(outcome: Outcome, confirmation: Confirmation) -> Outcome:
    """The outcome of an upload, updated from the server's own record."""
    package, record = outcome.file, confirmation.record
    if not isinstance(package, Package):
        return outcome
    if record is None:
        return replace(outcome, warning=messages.NOT_COMPARED)
    if record.sha256 != package.sha256:
        error = messages.not_confirmed(package, record)
        return replace(outcome, status=Status.FAILED, error=error, warning=None)
    if outcome.attestation is None or confirmation.is_attested:
        return replace(outcome, warning=None, md5=record.md5)
    if confirmation.is_attested is None:
        return replace(outcome, warning=messages.ATTESTATION_NOT_CONFIRMED, md5=record.md5)
    return replace(outcome, status=Status.FAILED, error=messages.ATTESTATION_DROPPED, warning=None)
