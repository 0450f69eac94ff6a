"""The whole job summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.reporting.summary.problems import problems, warnings
from prefix_upload.reporting.summary.tables import tables
from prefix_upload.reporting.summary.usage import checksums, how_to_change, how_to_install, how_to_publish
from prefix_upload.reporting.summary.verdict import heading

if TYPE_CHECKING:
    from prefix_upload.report import Report

# GitHub drops a summary of more than 1 MiB entirely. Each section has its share of a smaller size, in bytes.
MAX_SIZE = 900 * 1024
_PROBLEMS_SHARE = 150 * 1024
_WARNINGS_SHARE = 100 * 1024
_TABLES_SHARE = 350 * 1024
_INDEX_SHARE = 50 * 1024
_CHECKSUMS_SHARE = 200 * 1024


def render(report: Report) -> str:
    """The job summary as Markdown, of at most `MAX_SIZE` bytes. Each section counts the lines that it leaves out.

    Settings are placeholders, which the front end spells (see `errors.spell_settings`).
    """
    parts = [
        heading(report),
        problems(report, _PROBLEMS_SHARE),
        how_to_publish(report),
        how_to_change(report),
        warnings(report, _WARNINGS_SHARE),
        tables(report, _TABLES_SHARE),
        _index(report),
        checksums(report, _CHECKSUMS_SHARE),
        how_to_install(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _index(report: Report) -> str:
    """The section about the index; "" if the run did not wait for it."""
    if not report.index:
        return ""
    from prefix_upload.reporting.summary.index import index_table  # noqa: PLC0415 - start-up time counts

    return index_table(report.index, _INDEX_SHARE)
