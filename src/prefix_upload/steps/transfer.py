"""Sends the missing packages, several at a time, each after those of the batch that it depends on.

A failure stops those not started only if they depend on the failed package, if the failure is channel-wide, or if the
server seems to be down.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from prefix_upload.errors import (
    AttestationError,
    CancelledError,
    ChannelError,
    ChannelWideError,
    ConflictError,
    FileChangedError,
    ServerDownError,
)
from prefix_upload.prefix_dev import Record
from prefix_upload.report import Outcome
from prefix_upload.status import Status
from prefix_upload.steps import messages
from prefix_upload.steps.order import failed_packages
from prefix_upload.steps.present import conflict_outcome, present_outcome, same_content_outcome
from prefix_upload.steps.progress import Transfer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prefix_upload.package.dependencies import Key
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev.attempts import Receipt
    from prefix_upload.report import Attestation
    from prefix_upload.steps.compare import Upload
    from prefix_upload.steps.run import UploadRun

# The server seems to be down after this many packages in a row without a response, or with an error of its own.
_MAX_GIVEN_UP = 3
# Errors that do not show whether the server is up.
_WITHOUT_RESPONSE = (AttestationError, CancelledError, FileChangedError)


def transfer(run: UploadRun, uploads: Sequence[Upload], needs: Mapping[Key, Sequence[Key]]) -> None:
    """Sends the packages and records the outcome of each.

    Args:
        run: the run.
        uploads: the packages to send.
        needs: for each package of the batch, those that it depends on.
    """
    run.reporter.phase(f"Upload {messages.pluralize(len(uploads), 'package')} to {run.settings.channel}")
    for outcome in run.each_in_order(_Sender(run, uploads, needs).process, needs, run.settings.concurrency):
        if outcome is not None:
            run.finish(outcome)


class _Sender:
    """Uploads packages until there is a channel-wide failure, or the server is down. Called from worker threads."""

    def __init__(self, run: UploadRun, uploads: Sequence[Upload], needs: Mapping[Key, Sequence[Key]]) -> None:
        self._run = run
        self._uploads = {upload.package.key: upload for upload in uploads}
        self._needs = needs
        # The packages that did not get onto the channel, each with the one whose failure is the reason.
        self._missing = failed_packages(run)
        self._lock = threading.Lock()
        self._given_up = 0
        self._stopped_by: ChannelWideError | None = None

    def process(self, key: Key) -> Outcome | None:
        """Uploads a package if it has to be. Called after the packages that it needs have been processed."""
        upload = self._uploads.get(key)
        if upload is None:
            return None
        missing = next((self._missing[needed] for needed in self._needs[key] if needed in self._missing), None)
        outcome = self._upload(upload, missing)
        if outcome.status.is_failure:
            self._missing[key] = missing or upload.package
        return outcome

    def _upload(self, upload: Upload, missing: Package | None) -> Outcome:
        """Signs and sends one package, unless the run was cancelled or stopped, or one that it needs is missing."""
        package = upload.package
        if self._run.is_cancelled:
            return _not_attempted(package)
        if self._stopped_by is not None:
            error = messages.not_attempted(self._stopped_by)
            return Outcome(file=package, status=Status.NOT_ATTEMPTED, error=error)
        if missing is not None:
            return Outcome(file=package, status=Status.NOT_ATTEMPTED, error=messages.dependency_missing(missing))
        try:
            outcome = self._sign_and_send(upload)
        except ChannelError as error:
            self._note(error)
            if isinstance(error, ConflictError):
                return conflict_outcome(self._run, package, error)
            return Outcome(file=package, status=Status.FAILED, error=error.diagnostic)
        self._note(None)
        return outcome

    def _note(self, error: ChannelError | None) -> None:
        """Stops the uploads that have not started, if they would fail in the same way."""
        if isinstance(error, _WITHOUT_RESPONSE):
            return
        with self._lock:
            self._given_up = self._given_up + 1 if isinstance(error, ServerDownError) else 0
            if self._stopped_by is not None:  # the first one counts, so that there is one reason
                return
            if isinstance(error, ChannelWideError):
                self._stopped_by = error
            elif self._given_up >= _MAX_GIVEN_UP:
                self._stopped_by = messages.server_down(self._given_up)

    def _sign_and_send(self, upload: Upload) -> Outcome:
        attestation = self._run.signer.sign(upload.package) if self._run.signer else None
        if self._run.is_cancelled:
            return _not_attempted(upload.package)
        return self._send(upload, attestation)

    def _send(self, upload: Upload, attestation: Attestation | None) -> Outcome:
        run, package = self._run, upload.package
        progress = Transfer(package, run.pool.clock())
        run.ledger.begin(progress)
        receipt = self._post(upload, attestation, progress)
        if receipt is None:
            return self._send(upload._replace(overwrites=True, is_addition=False), attestation)
        if receipt.status is Status.UPLOADED:
            run.ledger.arrivals[package.label] = receipt.record is None and upload.is_addition
        seconds = run.pool.clock() - progress.started
        if receipt.status is Status.ALREADY_PRESENT:
            # NOTE: our attestation was not stored, because another upload came first.
            return present_outcome(package, receipt.record or Record(package.sha256), seconds)
        if receipt.status is Status.SAME_CONTENT and receipt.record is not None:
            return same_content_outcome(package, receipt.record, seconds)
        return Outcome(
            file=package,
            status=Status.OVERWRITTEN if upload.overwrites else Status.UPLOADED,
            seconds=seconds,
            attestation=attestation,
            md5=receipt.record.md5 if receipt.record else None,
        )

    def _post(self, upload: Upload, attestation: Attestation | None, progress: Transfer) -> Receipt | None:
        """Sends a package. `None` if it is to be overwritten, although the channel did not have it before.

        With a rollback, what was not there is sent without `force` at first: it must not replace another job's file
        unnoticed, and be deleted again.
        """
        run, package = self._run, upload.package
        is_careful = run.settings.force and upload.is_addition and run.roll_back is not None

        def on_progress(sent: int) -> None:
            if run.is_cancelled:
                raise CancelledError
            progress.has_begun = True
            progress.sent = sent

        def on_retry(reason: str, may_be_stored: bool) -> None:
            progress.last_error = reason
            if may_be_stored:
                run.ledger.arrivals[package.label] = False

        try:
            receipt = run.channel.upload(
                package,
                force=run.settings.force and not is_careful,
                on_progress=on_progress,
                on_retry=on_retry,
                attestation=attestation.bundle if attestation else None,
            )
        except ConflictError:
            if is_careful:
                return None
            raise
        return None if is_careful and receipt.status is Status.SAME_CONTENT else receipt


def _not_attempted(package: Package) -> Outcome:
    return Outcome(file=package, status=Status.NOT_ATTEMPTED, error=messages.ENDED_BEFORE)
