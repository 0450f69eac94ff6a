"""The result of a run in a line, and its totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.model import Artifact
from prefix_upload.reporting.formats import format_duration, format_size
from prefix_upload.reporting.sanitize import for_markdown
from prefix_upload.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefix_upload.report import Outcome, Report

# In the order in which they are counted. Statuses with the same text are counted together.
_COUNTED = (
    ((Status.UPLOADED, Status.OVERWRITTEN), "uploaded"),
    ((Status.ALREADY_PRESENT,), "already present"),
    ((Status.SAME_CONTENT,), "present from another build"),
    ((Status.SKIPPED,), "skipped"),
    ((Status.WOULD_UPLOAD,), "would be uploaded"),
    ((Status.VALID,), "valid"),
    ((Status.INVALID,), "invalid"),
    ((Status.FAILED,), "failed"),
    ((Status.NOT_ATTEMPTED,), "not attempted"),
    ((Status.ROLLED_BACK,), "rolled back"),
    ((Status.DELETED,), "deleted"),
    ((Status.WOULD_DELETE,), "would be deleted"),
    ((Status.ALREADY_GONE,), "already gone"),
    ((Status.YANKED,), "yanked"),
    ((Status.WOULD_YANK,), "would be yanked"),
    ((Status.UNYANKED,), "unyanked"),
    ((Status.WOULD_UNYANK,), "would be unyanked"),
    ((Status.UNCHANGED,), "unchanged"),
)
# What a run says that has no files: that nothing was done, because of an error, or that nothing had to be.
_NOTHING = {
    "upload": ("nothing was published", "nothing to publish"),
    "check": ("nothing was checked", "nothing to check"),
    "delete": ("nothing was deleted", "nothing to delete"),
    "yank": ("nothing was yanked", "nothing to yank"),
    "unyank": ("nothing was unyanked", "nothing to unyank"),
    "reindex": ("not everything was reindexed", "reindex requested"),
}


def verdict(report: Report) -> str:
    """The result of the run in one line, without markup."""
    nothing = _NOTHING[report.command][0 if report.errors else 1]
    dry_run = " (dry run)" if report.dry_run else ""
    is_refused = report.command == "upload" and report.count(Status.INVALID) > 0 and not report.dry_run
    counted = counts(report.outcomes) + ("; nothing was uploaded" if is_refused else "")
    counted += "; the index does not show all packages" if report.is_index_behind else ""
    return f"{report.channel or 'prefix-upload'}: {counted or nothing}{dry_run}"


def counts(outcomes: Iterable[Outcome]) -> str:
    """How many files have which status, such as `2 uploaded, 1 failed`."""
    statuses = [outcome.status for outcome in outcomes]
    numbers = ((sum(status in counted for status in statuses), text) for counted, text in _COUNTED)
    return ", ".join(f"{number} {text}" for number, text in numbers if number)


def heading(report: Report) -> str:
    """The verdict as a heading, and a line with the totals and a link to the channel."""
    icon = "✅" if report.result == "success" else "🔎" if report.result == "dry-run" else "❌"
    title = f"## {icon} {for_markdown(verdict(report))}"
    if not report.channel:
        return title
    channel = f"[{for_markdown(report.channel)}]({report.channel_page_url})"
    duration = f" in {format_duration(report.seconds)}" if report.seconds else ""
    total = f"{totals(report.outcomes)}{duration} · " if report.outcomes else ""
    done = "uploaded" if report.command == "upload" else "changed"
    dry_run = f"**Dry run: nothing was {done}.** " if report.dry_run else ""
    return f"{title}\n\n{dry_run}{total}Channel {channel}"


def totals(outcomes: Sequence[Outcome]) -> str:
    """The number of files, and the size of those that are packages."""
    packages = [outcome.file for outcome in outcomes if isinstance(outcome.file, Artifact)]
    noun = "package" if len(packages) == len(outcomes) else "file"
    size = f", {format_size(sum(package.size for package in packages))}" if packages else ""
    return f"{len(outcomes)} {noun}{'' if len(outcomes) == 1 else 's'}{size}"
