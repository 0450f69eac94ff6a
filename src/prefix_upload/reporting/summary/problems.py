"""What went wrong in a run, and what to know about it: each cause once, with its files."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

from prefix_upload.package.listing import listed
from prefix_upload.reporting.diagnostics import file_warnings, grouped, index_errors
from prefix_upload.reporting.sanitize import as_code, for_markdown
from prefix_upload.reporting.summary.markup import MAX_OPEN, details, truncate_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.errors import Diagnostic
    from prefix_upload.report import Report

# The number of files in the line of a diagnostic.
_MAX_LISTED = 5


def problems(report: Report, share: int) -> str:
    """What went wrong, in at most about `share` bytes. The consequences come last."""
    failed = [outcome for outcome in report.outcomes if not outcome.status.is_consequence]
    others = [outcome for outcome in report.outcomes if outcome.status.is_consequence]
    lines = [_bullet(problem) for problem in report.errors]
    of_files = ((outcome.file.label, outcome.error) for outcome in failed if outcome.error)
    lines += [_bullet(problem, files) for problem, files in grouped(of_files)]
    lines += [_bullet(problem) for problem in index_errors(report)]
    reasons = ((outcome.file.label, outcome.error) for outcome in others if outcome.error)
    consequences = [_consequence(reason, files) for reason, files in grouped(reasons)]
    if not lines and not consequences:
        return ""
    # Reserve space for the last lines first.
    last = truncate_lines(consequences, share // 3, "- … and {} more reasons")
    text = truncate_lines(lines, share - len(last.encode()), "- … and {} more")
    return "### What went wrong\n\n" + "\n".join(part for part in (text, last) if part)


def warnings(report: Report, share: int) -> str:
    """The warnings, in at most about `share` bytes; folded if there are many."""
    lines = [_bullet(warning) for warning in report.warnings]
    lines += [_bullet(warning, files) for warning, files in grouped(file_warnings(report))]
    if not lines:
        return ""
    text = truncate_lines(lines, share, "- … and {} more")
    return f"### Warnings\n\n{text}" if len(lines) <= MAX_OPEN else details(f"<b>{len(lines)} warnings</b>", text)


def _consequence(reason: Diagnostic, files: Sequence[str]) -> str:
    """A line about files that another failure concerns, too. What to do is shown with that one."""
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    return f"- **{count} {reason.title.lower()}**: {for_markdown(reason.message)}"


def _bullet(problem: Diagnostic, files: Sequence[str] = ()) -> str:
    subject = f" {listed(files, as_code, _MAX_LISTED)}:" if files else ":"
    hint = f"<br>**What to do:** {for_markdown(problem.hint)}" if problem.hint else ""
    example = indent(f"\n\n```{problem.language}\n{problem.example}\n```\n", "  ") if problem.example else ""
    separator = "\n  " if example else " "
    page = f"{separator}See <{problem.page}>" if problem.page else ""
    title, message = for_markdown(problem.title).strip(), for_markdown(problem.message)
    return f"- **{title}**{subject} {message}{hint}{example}{page}"
