"""Step 5: sends the missing packages, several at a time. A failure stops the others only if it is channel-wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.errors import CancelledError, ChannelError, ChannelWideError, ConflictError
from prefix_upload.prefix_dev import Record
from prefix_upload.report import Outcome, Status
from prefix_upload.steps import messages
from prefix_upload.steps.compare import conflict_outcome, present_outcome
from prefix_upload.steps.progress import Transfer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.package.model import Package
    from prefix_upload.report import Attestation
    from prefix_upload.steps.compare import Upload
    from prefix_upload.steps.run import Run


def transfer(run: Run, uploads: Sequence[Upload]) -> None:
    """Sends the packages and records the outcome of each."""
    run.reporter.phase(f"Upload {messages.pluralize(len(uploads), 'package')} to {run.settings.channel}")
    for outcome in run.each(_Sender(run).upload, uploads, run.settings.concurrency):
        run.finish(outcome)


class _Sender:
    """Uploads packages until there is a channel-wide failure. Called from worker threads."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._stopped_by: ChannelWideError | None = None

    def upload(self, upload: Upload) -> Outcome:
        """Signs and sends one package, unless the run was cancelled or stopped by a channel-wide failure."""
        package = upload.package
        if self._run.is_cancelled:
            return _not_attempted(package)
        if self._stopped_by is not None:
            error = messages.not_attempted(self._stopped_by)
            return Outcome(file=package, status=Status.NOT_ATTEMPTED, error=error)
        try:
            return self._sign_and_send(upload)
        except ConflictError as error:
            return conflict_outcome(self._run, package, error)
        except ChannelError as error:
            if (
                isinstance(error, ChannelWideError) and self._stopped_by is None
            ):  # the first, so that there is one reason
                self._stopped_by = error
            return Outcome(file=package, status=Status.FAILED, error=error.diagnostic)

    def _sign_and_send(self, upload: Upload) -> Outcome:
        attestation = self._run.signer.sign(upload.package) if self._run.signer else None
        if self._run.is_cancelled:
            return _not_attempted(upload.package)
        return self._send(upload, attestation)

    def _send(self, upload: Upload, attestation: Attestation | None) -> Outcome:
        run, package = self._run, upload.package
        progress = Transfer(package, run.pool.clock())
        run.ledger.begin(progress)

        def on_progress(sent: int) -> None:
            if run.is_cancelled:
                raise CancelledError
            progress.has_begun = True
            progress.sent = sent

        def on_retry(reason: str) -> None:
            progress.last_error = reason

        receipt = run.channel.upload(
            package,
            force=run.settings.force,
            on_progress=on_progress,
            on_retry=on_retry,
            attestation=attestation.bundle if attestation else None,
        )
        seconds = run.pool.clock() - progress.started
        if receipt.status is Status.ALREADY_PRESENT:
            # NOTE: our attestation was not stored, because another upload came first.
            return present_outcome(package, receipt.record or Record(package.sha256), seconds)
        return Outcome(
            file=package,
            status=Status.OVERWRITTEN if upload.overwrites else Status.UPLOADED,
            seconds=seconds,
            attestation=attestation,
            md5=receipt.record.md5 if receipt.record else None,
        )


def _not_attempted(package: Package) -> Outcome:
    return Outcome(file=package, status=Status.NOT_ATTEMPTED, error=messages.ENDED_BEFORE)
