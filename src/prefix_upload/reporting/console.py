"""The progress of a run, line by line."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Protocol

from prefix_upload.errors import spell_settings
from prefix_upload.package.model import Artifact, Package
from prefix_upload.reporting.diagnostics import grouped
from prefix_upload.reporting.formats import format_size
from prefix_upload.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefix_upload.package.model import CandidateFile
    from prefix_upload.report import Outcome, Report
    from prefix_upload.steps.progress import Transfer

_SIGNS = {
    Status.UPLOADED: "+",
    Status.OVERWRITTEN: "+",
    Status.ALREADY_PRESENT: "=",
    Status.SAME_CONTENT: "=",
    Status.SKIPPED: "-",
    Status.WOULD_UPLOAD: "?",
    Status.VALID: "=",
    Status.ROLLED_BACK: "-",
    Status.DELETED: "-",
    Status.ALREADY_GONE: "=",
    Status.YANKED: "-",
    Status.UNYANKED: "+",
    Status.UNCHANGED: "=",
}


class Log(Protocol):
    """Where lines are shown."""

    def info(self, line: str) -> None:
        """Shows a line."""

    def open_group(self, title: str) -> None:
        """Begins a group of lines, and ends the one before."""

    def close_group(self) -> None:
        """Ends the group, if there is one."""


class Console:
    """Logs the progress of a run. Implements `ProgressReporter`.

    Args:
        log: where the lines are shown.
        spell: spells a setting and its value, as in `errors.spell_settings`.
    """

    interval = 10.0
    # Whether the reason of a failure is shown with it, and not only at the end.
    shows_reasons = True

    def __init__(self, log: Log, spell: Callable[[str, str], str]) -> None:
        self._log = log
        self._spell = spell

    def phase(self, title: str) -> None:
        """Opens a collapsible group of lines."""
        self._log.open_group(title)

    def note(self, text: str) -> None:
        """Logs a line."""
        self._log.info(f"  {text}")

    def checked(self, file: Package | CandidateFile) -> None:
        """Logs whether a file is valid."""
        if isinstance(file, Package):
            self._log.info(f"  ok       {file.relative_path}  ({format_size(file.size)}, {file.subdir})")
        else:
            self._log.info(f"  INVALID  {file.relative_path}")

    def finished(self, outcome: Outcome) -> None:
        """Logs the outcome of a file, with its size if it was sent, and with the rate if that took a while.

        Files that were not attempted are left to `not_attempted`, so that they don't stand between the failures.
        """
        if outcome.status is Status.NOT_ATTEMPTED:
            return
        source = outcome.file
        rate = ""
        if outcome.seconds and isinstance(source, Artifact) and outcome.status.is_on_channel:
            rate = f"  {format_size(source.size)}"
            if outcome.seconds >= 1:  # sooner, it says more about the latency
                per_second = format_size(int(source.size / outcome.seconds))
                rate += f" in {outcome.seconds:.1f} s ({per_second}/s)"
        self._log.info(f"  {_SIGNS.get(outcome.status, '!')} {outcome.status:<15}  {source.label}{rate}")
        shows_reasons = self.shows_reasons and not outcome.status.is_consequence
        for diagnostic in (outcome.error, outcome.warning) if shows_reasons else ():
            if diagnostic is not None:
                self._log.info(f"      {spell_settings(str(diagnostic), self._spell)}")

    def waiting(self, transfers: Sequence[Transfer]) -> None:
        """Logs the uploads in progress, as a sign of life."""
        if not transfers:
            self._log.info("  … still working")
        for transfer in transfers:
            total = transfer.package.size
            share = f"{100 * transfer.sent // total}% of {format_size(total)}"
            again = f", retrying after: {transfer.last_error}" if transfer.last_error else ""
            self._log.info(f"  … {share} sent: {transfer.package.relative_path}{again}")

    def close(self) -> None:
        """Ends the display of progress."""

    def log_exception(self, error: BaseException) -> None:
        """Logs the traceback of a bug, line by line, because its message may contain untrusted text."""
        for part in traceback.format_exception(error):
            for line in part.splitlines():
                self._log.info(line)

    def not_attempted(self, report: Report) -> None:
        """Logs the files that were not attempted, each reason once."""
        outcomes = [outcome for outcome in report.outcomes if outcome.status is Status.NOT_ATTEMPTED]
        for reason, files in grouped((outcome.file.label, outcome.error) for outcome in outcomes if outcome.error):
            self._log.open_group(f"{len(files)} not attempted")
            self._log.info(f"  {reason.message}")
            for file in files:
                self._log.info(f"  ! {file}")
            self._log.close_group()
