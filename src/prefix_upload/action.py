"""The GitHub Actions front end: inputs in; annotations, outputs, job summary and exit code out."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from prefix_upload.commands.table import ACTIONS, execute, settings_of
from prefix_upload.concurrency import Pool
from prefix_upload.execution import Execution
from prefix_upload.factory import create_run
from prefix_upload.github.environment import Environment
from prefix_upload.github.log import Log
from prefix_upload.github.preflight import credential_errors
from prefix_upload.github.results import as_input, publish_results
from prefix_upload.http import proxy_secrets
from prefix_upload.preconditions import connection_errors
from prefix_upload.reporting.console import Console
from prefix_upload.reporting.exit_codes import ExitCode, exit_code
from prefix_upload.settings import inputs_of
from prefix_upload.settings.parsing import parse, wants_summary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefix_upload.cancellation import Cancellation
    from prefix_upload.errors import Diagnostic
    from prefix_upload.settings.settings import Settings
    from prefix_upload.steps.run import Run


def main(cancellation: Cancellation, command: str = ACTIONS[0]) -> int:
    """Runs the action of a command, and returns its exit code.

    Outputs and, unless it is disabled, the job summary are written in every case. An unexpected error is logged with
    its traceback.
    """
    log = Log()
    if command not in ACTIONS:
        log.annotate("error", "Unknown command", f"{command!r} is not one of {', '.join(ACTIONS)}.")
        return ExitCode.CONFIGURATION
    return _Action(command, log, cancellation).main()


class _Action:
    """One run of the action.

    Args:
        command: the name of the command.
        log: the log of the job.
        cancellation: whether the job was cancelled.
    """

    def __init__(self, command: str, log: Log, cancellation: Cancellation) -> None:
        self._command = command
        self._log = log
        self._environment = Environment()
        self._cancellation = cancellation
        self._console = Console(log, as_input)
        self._execution = Execution(command, cancellation, self._console.log_exception)
        self._inputs = self._environment.inputs(entry.name for entry in inputs_of(command))
        for secret in proxy_secrets(os.environ):
            log.hide(secret)
        log.add_mask(self._inputs["token"])
        log.flush_masks()

    def main(self) -> int:
        """Runs the command, publishes its results, and returns the exit code."""
        report, early_exit = self._execution.execute(self._create_run, execute)
        report = report.replace(readme_url=self._environment.readme_url)
        report = publish_results(report, self._log, with_summary=wants_summary(self._inputs))
        return exit_code(report) if early_exit is None else early_exit

    def _create_run(self) -> Run:
        workspace = self._environment.workspace
        return create_run(
            parse(settings_of(self._command), self._inputs, workspace, self._preflight_errors),
            workspace.path,
            identity_request=self._environment.identity_request,
            pool=Pool(is_cancelled=lambda: self._cancellation.is_requested, clock=time.monotonic),
            cancellation=self._cancellation,
            reporter=self._console,
            on_secret=self._log.add_mask,
            redact=self._log.redact_message,
        )

    def _preflight_errors(self, settings: Settings) -> Iterable[Diagnostic]:
        """Yields what would fail as soon as the run sends a request."""
        has_token = bool(self._inputs["token"].strip())
        yield from credential_errors(settings, self._environment.job, has_token=has_token)
        yield from connection_errors(
            settings,
            os.environ,
            self._environment.identity_request,
            has_token=has_token,
            missing_file_hint=self._environment.missing_file_hint,
        )
