"""Executes a command for a front end: whatever happens, there are a report, errors and an exit code."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prefix_upload.errors import (
    CHANGES_RERUN_IS_SAFE,
    RERUN_IS_SAFE,
    ConfigurationError,
    Diagnostic,
    NothingToPublishError,
)
from prefix_upload.report import Report
from prefix_upload.reporting.exit_codes import ExitCode
from prefix_upload.settings.settings import UploadSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefix_upload.cancellation import Cancellation
    from prefix_upload.steps.run import Run


def _cancelled(hint: str) -> Diagnostic:
    """Shown when the run was cancelled, or its machine is shutting down."""
    return Diagnostic(
        "Cancelled",
        "The run was cancelled, and nothing further was started. The status of each package says what is known about "
        "it.",
        hint,
        page="#when-something-fails",
    )


def _bug(hint: str) -> Diagnostic:
    return Diagnostic(
        "Internal error",
        "The run ended with an unexpected error. The traceback is in the log.",
        f"Please report it. {hint}",
    )


class Execution:
    """One execution of a command.

    Args:
        command: the name of the command.
        cancellation: whether the run is cancelled.
        on_bug: called with an unexpected error.
    """

    def __init__(self, command: str, cancellation: Cancellation, on_bug: Callable[[BaseException], None]) -> None:
        self._command = command
        self._cancellation = cancellation
        self._on_bug = on_bug
        self._run: Run | None = None
        self._started = time.monotonic()

    def execute(self, create_run: Callable[[], Run], command: Callable[[Run], None]) -> tuple[Report, ExitCode | None]:
        """Creates a run and executes a command with it.

        Returns:
            The report, and the exit code of a command that ended early; `None` for one that completed, whose report
            determines the exit code.
        """
        early_exit, errors = self._execute(create_run, command)
        report = self._run.report() if self._run else Report(command=self._command)
        settings = self._run.settings if self._run else None
        path = settings.checksums_file if isinstance(settings, UploadSettings) else None
        if path is not None:
            from prefix_upload.reporting import checksums_file  # noqa: PLC0415 - slow to load, and seldom needed

            errors = (*errors, *checksums_file.write(report, path))
        seconds = time.monotonic() - self._started
        return report.replace(errors=(*report.errors, *errors), seconds=seconds), early_exit

    def _execute(
        self, create_run: Callable[[], Run], command: Callable[[Run], None]
    ) -> tuple[ExitCode | None, tuple[Diagnostic, ...]]:
        hint = RERUN_IS_SAFE if self._command == "upload" else CHANGES_RERUN_IS_SAFE
        try:
            self._run = create_run()
            command(self._run)
        except ConfigurationError as error:
            return ExitCode.CONFIGURATION, error.diagnostics
        except NothingToPublishError as error:
            return ExitCode.NOTHING_TO_UPLOAD, (error.diagnostic,)
        except Exception as error:  # noqa: BLE001 - results are shown after any error
            self._on_bug(error)
            return ExitCode.BUG, (_bug(hint),)
        if self._cancellation.exit_code is not None:
            return ExitCode(self._cancellation.exit_code), (_cancelled(hint),)
        return None, ()
