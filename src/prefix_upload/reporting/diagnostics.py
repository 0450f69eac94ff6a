"""The diagnostics of a report, grouped by cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.errors import Diagnostic
from prefix_upload.package.model import Package

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prefix_upload.report import Report


def errors(report: Report) -> list[Diagnostic]:
    """The errors of the run and its files, without those that are consequences of others."""
    of_files = (
        (outcome.file.label, outcome.error)
        for outcome in report.outcomes
        if outcome.error and not outcome.status.is_consequence
    )
    return [*report.errors, *_with_files(of_files), *index_errors(report)]


def index_errors(report: Report) -> list[Diagnostic]:
    """The errors of subdirs whose index does not show packages as it should."""
    return [subdir.error for subdir in report.index if subdir.error]


def warnings(report: Report) -> list[Diagnostic]:
    """The warnings of the run and its files."""
    return [*report.warnings, *_with_files(file_warnings(report))]


def grouped(pairs: Iterable[tuple[str, Diagnostic]]) -> Iterator[tuple[Diagnostic, list[str]]]:
    """Yields each distinct diagnostic with the labels of its files."""
    groups: dict[Diagnostic, list[str]] = {}
    for label, diagnostic in pairs:
        groups.setdefault(diagnostic, []).append(label)
    yield from groups.items()


def file_warnings(report: Report) -> Iterator[tuple[str, Diagnostic]]:
    """Yields the warnings about files, each with the label of its file."""
    for outcome in report.outcomes:
        if outcome.warning:
            yield outcome.file.label, outcome.warning
        for text in outcome.file.warnings if isinstance(outcome.file, Package) else ():
            yield outcome.file.label, Diagnostic("Package warning", f"{text[0].upper()}{text[1:]}.")


def _with_files(pairs: Iterable[tuple[str, Diagnostic]]) -> Iterator[Diagnostic]:
    for diagnostic, files in grouped(pairs):
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        yield diagnostic._replace(message=f"{files[0]}{more}: {diagnostic.message}")
