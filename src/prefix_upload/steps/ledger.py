"""The outcomes of a run so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.channel_file import ChannelFile
from prefix_upload.package.model import CandidateFile, Package
from prefix_upload.report import Outcome
from prefix_upload.status import Status
from prefix_upload.steps.messages import ENDED_BEFORE, ENDED_DURING, OTHERS_INVALID

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefix_upload.errors import Diagnostic
    from prefix_upload.package.model import Artifact
    from prefix_upload.report import IndexOutcome
    from prefix_upload.steps.progress import Transfer


class Ledger:
    """The files of a run and their outcomes, complete at any moment.

    Steps record outcomes in the main thread. `outcomes` provides those that are not recorded yet.

    Attributes:
        files: the files in input order, as packages once they are validated.
        transfers: the uploads in progress, by the label of their file.
        arrivals: the packages that the server may have stored, by label, each with whether it has said so itself.
        errors: errors of the run as a whole.
        warnings: warnings about the run as a whole.
        index: what the index of each subdir showed, if it was waited for.
        index_seconds: how long the run waited for the index; `None` if it did not.
        ended_before: the error of a file that the run has not come to.
        reasons: why files were selected, by label.
    """

    def __init__(self) -> None:
        self.files: Sequence[Artifact | CandidateFile] = ()
        self.transfers: dict[str, Transfer] = {}
        self.arrivals: dict[str, bool] = {}
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.index: Sequence[IndexOutcome] = ()
        self.index_seconds: float | None = None
        self.ended_before = ENDED_BEFORE
        self.reasons: dict[str, str] = {}
        self._recorded: dict[tuple[bool, str], Outcome] = {}

    def begin(self, transfer: Transfer) -> None:
        """Notes that an upload is in progress. Called by workers; each has a package of its own."""
        self.transfers[transfer.package.label] = transfer

    def record(self, outcome: Outcome) -> None:
        """Sets the outcome of a file, replacing an earlier one."""
        self._recorded[_key(outcome.file)] = outcome
        self.transfers.pop(outcome.file.label, None)

    def recorded(self, statuses: Iterable[Status]) -> list[Outcome]:
        """The recorded outcomes with one of these statuses."""
        wanted = set(statuses)
        return [outcome for outcome in self._recorded.values() if outcome.status in wanted]

    def outcomes(self) -> tuple[Outcome, ...]:
        """An outcome for every file, in input order."""
        return tuple(self._recorded.get(_key(file)) or self._unfinished(file) for file in self.files)

    def _unfinished(self, file: Artifact | CandidateFile) -> Outcome:
        """The outcome of a file that the run has not finished."""
        transfer = self.transfers.get(file.label)
        if transfer is not None and transfer.has_begun:
            return Outcome(file=file, status=Status.FAILED, error=ENDED_DURING)
        error = OTHERS_INVALID if self.recorded({Status.INVALID}) else self.ended_before
        reason = self.reasons.get(file.label, "") if isinstance(file, ChannelFile) else ""
        return Outcome(file=file, status=Status.NOT_ATTEMPTED, error=error, reason=reason)


def _key(file: Artifact | CandidateFile) -> tuple[bool, str]:
    """What identifies a file: a local one can have the label of one on the channel."""
    return isinstance(file, Package | CandidateFile), file.label
