"""A whole run: inputs in, an exit code out, and one place where whatever goes wrong ends."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from prefix_upload import discovery, settings
from prefix_upload.concurrency import Pool
from prefix_upload.errors import RERUN_IS_SAFE, ConfigurationError, Diagnostic, ExitCode
from prefix_upload.factory import create_upload
from prefix_upload.github.runner import Runner
from prefix_upload.report import Report
from prefix_upload.settings import IfNoFilesFound, Settings, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from prefix_upload.cancellation import Cancellation

# Said when the job was cancelled or its runner is shut down.
_CANCELLED = Diagnostic(
    "Cancelled",
    "The run was cancelled: no upload was begun after that, and those under way were given up. "
    "What is known of each package stands in its row.",
    RERUN_IS_SAFE,
)


def main(cancellation: Cancellation, environ: Mapping[str, str] = os.environ) -> int:
    """Runs the action and returns its exit code.

    Whatever happens, outputs and summary tell how far it came; of what nobody foresaw the log has the traceback.
    """
    runner = Runner(environ)
    raw = runner.inputs(settings.DEFAULTS)
    runner.add_mask(raw["token"])
    runner.flush_masks()
    report_so_far: Callable[[], Report] = Report
    try:
        parsed_settings = settings.parse(raw, Workspace(runner.workspace, runner.workspace_aliases), runner.job)
        pool = Pool(is_cancelled=lambda: cancellation.is_requested, clock=time.monotonic)
        publication = create_upload(parsed_settings, runner, environ, pool, cancellation)
        report_so_far = publication.report
        # In a worker, as everything that may take long, so that a cancellation does not wait for it.
        found = pool.call(lambda: discovery.find(parsed_settings.patterns, runner.workspace))
        if found is None:
            report = publication.report()
        elif found.files:
            publication.run(found.files)
            report = publication.report()
            report = replace(report, warnings=(*_unmatched(found.unmatched), *report.warnings))
        else:
            report = _nothing_found(parsed_settings, publication.report())
    except ConfigurationError as error:
        report = Report(errors=error.diagnostics, ended_by=ExitCode.CONFIGURATION)
    except Exception as error:  # noqa: BLE001 - whatever it is, the outputs are written
        runner.log_exception(error)
        report = replace(report_so_far(), ended_by=ExitCode.BUG)
    else:
        if cancellation.exit_code is not None:
            problems = (*report.errors, _CANCELLED)
            report = replace(report, errors=problems, ended_by=ExitCode(cancellation.exit_code))
    return runner.publish(report, with_summary=settings.wants_summary(raw))


def _nothing_found(parsed_settings: Settings, report: Report) -> Report:
    """The report where no pattern matches: an error, a warning or nothing, as `if-no-files-found` says."""
    problem = Diagnostic(
        "No files found",
        f"No file matches {_quoted(parsed_settings.patterns.include)}.",
        "Patterns are relative to the workspace. Check that the build wrote its packages there, that an earlier step "
        "of this job downloaded them, that a pattern for a hidden folder spells its dot, and that no '!' line excludes "
        "them. If there may be nothing to publish, set 'if-no-files-found: ignore'.",
    )
    match parsed_settings.if_no_files_found:
        case IfNoFilesFound.ERROR:
            return replace(report, errors=(problem,), ended_by=ExitCode.NOTHING_TO_UPLOAD)
        case IfNoFilesFound.WARN:
            return replace(report, warnings=(problem,))
        case IfNoFilesFound.IGNORE:
            return report


def _unmatched(patterns: Sequence[str]) -> Iterable[Diagnostic]:
    """A warning for patterns without a match beside others that have one."""
    if patterns:
        yield Diagnostic(
            "Pattern without match",
            f"No file matches {_quoted(patterns)}.",
            "Check the spelling, or take the line out.",
        )


def _quoted(patterns: Sequence[str]) -> str:
    return ", ".join(f"'{pattern}'" for pattern in patterns)
