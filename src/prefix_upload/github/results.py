"""Publishes the results of a run: outputs, job summary, annotations, and a last line in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.errors import spell_settings
from prefix_upload.github.annotations import annotate
from prefix_upload.github.artifacts_list import append_artifacts
from prefix_upload.github.command_files import CommandFiles
from prefix_upload.reporting import diagnostics, summary
from prefix_upload.reporting.console import Console
from prefix_upload.reporting.outputs import outputs, size_warnings

if TYPE_CHECKING:
    from prefix_upload.errors import Diagnostic
    from prefix_upload.github.log import Log
    from prefix_upload.report import Report


def as_input(name: str, value: str) -> str:
    """A setting as it is written in a workflow: `'force'`, or `'force: true'`."""
    return f"'{name}: {value}'" if value else f"'{name}'"


def publish_results(report: Report, log: Log, *, with_summary: bool) -> Report:
    """Writes the results of a run.

    Args:
        report: the report of the run.
        log: the log of the job, which knows its secrets.
        with_summary: whether to write the job summary.

    Returns:
        The report as it was shown. It has one more error if packages were published or changed whose outputs could not
        be written, since later steps would act as if there were none.
    """

    def presentable(diagnostic: Diagnostic) -> Diagnostic:
        # A server may repeat the token in its response, and the runner does not mask outputs.
        shown = diagnostic.map(lambda text: log.redact(spell_settings(text, as_input)))
        is_section = diagnostic.page.startswith("#")
        return shown._replace(page=report.section_url(diagnostic.page)) if is_section else shown

    log.close_group()
    report = report.map_diagnostics(presentable)
    values, files, console = outputs(report), CommandFiles(), Console(log, as_input)
    warnings = [*map(presentable, size_warnings(report, values))]
    unwritten = files.write_outputs(values)
    if report.has_changed_channel:
        report = report.replace(errors=(*report.errors, *unwritten))
    else:
        warnings += unwritten
    warnings += map(presentable, append_artifacts(report, files))
    if with_summary:
        warnings += files.write_summary(spell_settings(summary.render(report), as_input))
    annotate(log, "error", diagnostics.errors(report))
    annotate(log, "warning", [*warnings, *diagnostics.warnings(report)])
    console.not_attempted(report)
    log.info(summary.verdict(report))
    return report
