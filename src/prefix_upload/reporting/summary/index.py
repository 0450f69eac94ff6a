"""What the index of each subdir shows, in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.listing import listed
from prefix_upload.report import IndexStatus
from prefix_upload.reporting.formats import format_duration
from prefix_upload.reporting.sanitize import as_code, for_markdown
from prefix_upload.reporting.summary.markup import table, with_nbsp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.report import IndexOutcome

_COLUMNS = ("Subdir", "Index", " Packages", " Time", "Not installable")
_STATUSES = {
    IndexStatus.INSTALLABLE: "✅ installable",
    IndexStatus.LATE: "⌛ late",
    IndexStatus.WRONG: "❌ wrong hash",
    IndexStatus.UNFINISHED: "⏸️ not finished",
}
# The number of files in a row.
_MAX_LISTED = 5


def index_table(subdirs: Sequence[IndexOutcome], share: int) -> str:
    """A row for each subdir, in at most about `share` bytes."""
    return f"### Index\n\n{table(_COLUMNS, map(_row, subdirs), share)}"


def _row(subdir: IndexOutcome) -> Sequence[str]:
    return (
        for_markdown(subdir.subdir),
        with_nbsp(_STATUSES[subdir.status]),
        str(subdir.packages),
        with_nbsp(format_duration(subdir.seconds)),
        listed(list(subdir.missing), as_code, _MAX_LISTED),
    )
