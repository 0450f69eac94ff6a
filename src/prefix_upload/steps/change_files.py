"""Changes the files of a plan one by one, each after a look at its record, and makes sure of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.errors import ChannelError, ChannelWideError
from prefix_upload.report import Outcome
from prefix_upload.status import Status
from prefix_upload.steps import change_messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.errors import Diagnostic
    from prefix_upload.package.retention import Choice
    from prefix_upload.steps.operations import Operation
    from prefix_upload.steps.run import Run

# So many files in a row that fail are a sign that the others would, too.
_MAX_FAILURES = 3


def change_files(run: Run, choices: Sequence[Choice], operation: Operation) -> None:
    """Does something to all files, and records the outcome of each. An error says which files are left.

    A failure that would be the same for all files, and three failures in a row, end it.
    """
    if not choices:
        return
    _FileChanges(run, operation).process(choices)
    files = {choice.file for choice in choices}
    left = [each.file.label for each in run.ledger.outcomes() if each.file in files and each.status.is_failure]
    if left:
        run.ledger.errors.append(change_messages.incomplete(operation, left, len(choices)))


class _FileChanges:
    """Changes files until a failure ends it."""

    def __init__(self, run: Run, operation: Operation) -> None:
        self._run = run
        self._operation = operation
        self._failures = 0
        self._stopped_by: ChannelError | None = None

    def process(self, choices: Sequence[Choice]) -> None:
        """Changes the files in their order, until the run is cancelled."""
        self._authenticate()
        for choice in choices:
            if self._run.is_cancelled:
                return
            if self._stopped_by is None:
                self._process_one(choice)
                if self._failures == _MAX_FAILURES and self._stopped_by is None:
                    self._stopped_by = change_messages.server_down(self._failures)
            else:
                error = change_messages.not_attempted(self._operation, self._stopped_by)
                self._finish(choice, Status.NOT_ATTEMPTED, error)

    def _authenticate(self) -> None:
        try:
            self._run.call(self._run.channel.authenticate)
        except ChannelWideError as error:
            self._stopped_by = error
            self._run.ledger.errors.append(error.diagnostic)

    def _process_one(self, choice: Choice) -> None:
        # In the ledger at once, because the change is abandoned if the run ends.
        ended = change_messages.ended_during(self._operation)
        self._run.ledger.record(self._outcome(choice, Status.FAILED, ended))
        try:
            outcome = self._run.call(lambda: self._change(choice))
        except ChannelError as error:
            self._fail(choice, error)
            return
        if outcome is not None:
            self._failures = self._failures + 1 if outcome.status.is_failure else 0
            self._run.finish(outcome)

    def _change(self, choice: Choice) -> Outcome:
        """Changes a file if it is still the one that was planned. Called in a worker thread.

        Raises:
            ChannelError: it was not changed, or may not have been.
        """
        operation, file = self._operation, choice.file
        record = operation.record(file)
        if record is None:
            return self._outcome(choice, Status.FAILED, change_messages.unknown_record(operation))
        if record.sha256 is None:
            if operation.done is Status.DELETED:
                return self._outcome(choice, Status.ALREADY_GONE)
            return self._outcome(choice, Status.FAILED, change_messages.gone(operation))
        if not file.sha256:
            return self._outcome(choice, Status.FAILED, change_messages.unknown_hash(operation))
        if record.sha256 != file.sha256:
            return self._outcome(choice, Status.FAILED, change_messages.other_bytes(operation))
        status = operation.done
        if operation.is_done(record):
            status = Status.UNCHANGED
        else:
            operation.apply(file)
        return self._outcome(choice, status)._replace(warning=operation.warning(record))

    def _fail(self, choice: Choice, error: ChannelError) -> None:
        self._failures += 1
        self._finish(choice, Status.FAILED, change_messages.failed(self._operation, error))
        if isinstance(error, ChannelWideError):
            self._stopped_by = error

    def _finish(self, choice: Choice, status: Status, error: Diagnostic) -> None:
        self._run.finish(self._outcome(choice, status, error))

    @staticmethod
    def _outcome(choice: Choice, status: Status, error: Diagnostic | None = None) -> Outcome:
        return Outcome(file=choice.file, status=status, error=error, reason=choice.reason)
