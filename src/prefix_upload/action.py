"""The GitHub Actions front end: inputs in; annotations, outputs, job summary and exit code out."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from prefix_upload.commands.table import COMMANDS, execute, settings_of
from prefix_upload.concurrency import Pool
from prefix_upload.errors import (
    CHANGES_RERUN_IS_SAFE,
    RERUN_IS_SAFE,
    ConfigurationError,
    Diagnostic,
    NothingToPublishError,
)
from prefix_upload.factory import create_run
from prefix_upload.github.console import Console
from prefix_upload.github.environment import Environment
from prefix_upload.github.log import Log
from prefix_upload.github.preflight import credential_errors
from prefix_upload.github.results import publish_results
from prefix_upload.http import environment_errors, proxy_secrets
from prefix_upload.report import Report
from prefix_upload.reporting import checksums_file
from prefix_upload.reporting.exit_codes import ExitCode, exit_code
from prefix_upload.settings import UploadSettings, inputs_of, parse, wants_summary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefix_upload.cancellation import Cancellation
    from prefix_upload.settings import Settings
    from prefix_upload.steps.run import Run


def _cancelled(hint: str) -> Diagnostic:
    """Shown when the job was cancelled, or its runner is shutting down."""
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
        "The action failed with an unexpected error. The traceback is in the log.",
        f"Please report it. {hint}",
    )


def main(cancellation: Cancellation, command: str = COMMANDS[0]) -> int:
    """Runs the action of a command, and returns its exit code.

    Outputs and, unless it is disabled, the job summary are written in every case. An unexpected error is logged with
    its traceback.
    """
    log = Log()
    if command not in COMMANDS:
        log.annotate("error", "Unknown command", f"{command!r} is not one of {', '.join(COMMANDS)}.")
        return ExitCode.CONFIGURATION
    action = _Action(command, log, cancellation)
    early_exit, errors = action.run()
    report = action.report()
    errors = (*errors, *action.write_checksums(report))
    report = replace(report, errors=(*report.errors, *errors))
    report = publish_results(report, log, with_summary=action.wants_summary)
    return exit_code(report) if early_exit is None else early_exit


class _Action:
    """One run of the action.

    Args:
        command: the command to run.
        log: the log of the job.
        cancellation: whether the job was cancelled.
    """

    def __init__(self, command: str, log: Log, cancellation: Cancellation) -> None:
        self._command = command
        self._log = log
        self._environment = Environment()
        self._cancellation = cancellation
        self._console = Console(log)
        self._inputs = self._environment.inputs(entry.name for entry in inputs_of(command))
        self._run: Run | None = None
        for secret in proxy_secrets(os.environ):
            log.hide(secret)
        self._started = time.monotonic()
        log.add_mask(self._inputs["token"])
        log.flush_masks()

    @property
    def wants_summary(self) -> bool:
        """Whether to write the job summary."""
        return wants_summary(self._inputs)

    def run(self) -> tuple[ExitCode | None, tuple[Diagnostic, ...]]:
        """Runs the command.

        Returns:
            The exit code and the errors of a command that ended early; `None` and no errors for one that completed,
            whose report determines the exit code.
        """
        try:
            self._run = self._create_run()
            execute(self._run)
        except ConfigurationError as error:
            return ExitCode.CONFIGURATION, error.diagnostics
        except NothingToPublishError as error:
            return ExitCode.NOTHING_TO_UPLOAD, (error.diagnostic,)
        except Exception as error:  # noqa: BLE001 - outputs are written after any error
            self._console.log_exception(error)
            return ExitCode.BUG, (_bug(self._rerun_hint),)
        if self._cancellation.exit_code is not None:
            return ExitCode(self._cancellation.exit_code), (_cancelled(self._rerun_hint),)
        return None, ()

    @property
    def _rerun_hint(self) -> str:
        return RERUN_IS_SAFE if self._command == COMMANDS[0] else CHANGES_RERUN_IS_SAFE

    def report(self) -> Report:
        """The report of the command so far; empty if it did not start."""
        report = self._run.report() if self._run else Report(command=self._command)
        seconds = time.monotonic() - self._started
        return replace(report, seconds=seconds, readme_url=self._environment.readme_url)

    def write_checksums(self, report: Report) -> Iterable[Diagnostic]:
        """Writes the file that the settings ask for, if any. Returns an error if that fails."""
        settings = self._run.settings if self._run else None
        path = settings.checksums_file if isinstance(settings, UploadSettings) else None
        return checksums_file.write(report, path) if path else ()

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
        if isinstance(settings, UploadSettings) and settings.attestations:
            from prefix_upload.attestation.trust import trust_config_errors  # noqa: PLC0415 - slow to load

            yield from trust_config_errors(settings.sigstore_instance)
        provider = self._environment.identity_request if settings.needs_attestations or not has_token else None
        urls = [settings.server_url, *([provider.url] if provider else [])]
        yield from environment_errors(os.environ, urls)
