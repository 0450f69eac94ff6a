"""The files of a run in tables: those that failed first, then a table for each subdir, then the consequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.model import Artifact, Package
from prefix_upload.reporting.formats import format_size
from prefix_upload.reporting.sanitize import as_code, for_markdown
from prefix_upload.reporting.summary.markup import MAX_OPEN, details, table, with_nbsp
from prefix_upload.reporting.summary.verdict import counts, totals
from prefix_upload.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prefix_upload.report import Outcome, Report

_FAILED = "Failed"
# The digits of a hash in a row. All of them are in the checksums below the tables.
_HASH_DIGITS = 12

_ICONS = {
    Status.UPLOADED: "✅",
    Status.OVERWRITTEN: "♻️",
    Status.ALREADY_PRESENT: "☑️",
    Status.SAME_CONTENT: "🟰",
    Status.SKIPPED: "⏭️",
    Status.WOULD_UPLOAD: "🔎",
    Status.VALID: "✔️",
    Status.INVALID: "🚫",
    Status.FAILED: "❌",
    Status.NOT_ATTEMPTED: "⏸️",
    Status.ROLLED_BACK: "↩️",
    Status.DELETED: "🗑️",
    Status.WOULD_DELETE: "🔎",
    Status.ALREADY_GONE: "☑️",
    Status.YANKED: "🪝",
    Status.WOULD_YANK: "🔎",
    Status.UNYANKED: "✅",
    Status.WOULD_UNYANK: "🔎",
    Status.UNCHANGED: "☑️",
}
# Statuses of packages whose name is on the channel, so that it has a page.
_WITH_PAGE = frozenset(status for status in Status if status.is_available) | {
    Status.SKIPPED,
    Status.WOULD_DELETE,
    Status.YANKED,
    Status.WOULD_YANK,
    Status.UNYANKED,
    Status.WOULD_UNYANK,
    Status.UNCHANGED,
}

# GitHub shows a summary 900 pixels wide. So that a row is a line, its status is an icon, which a legend explains.
_WARNING_ICON = "⚠️"
_FILE_COLUMNS = ("", "File", " Size", "SHA-256", "Why")
_PACKAGE_COLUMNS = ("", "Package", "Version", "Build", " Size", "SHA-256", "Signed", "Why")


def tables(report: Report, share: int) -> str:
    """The tables, in at most about `share` bytes. They are folded if there are many files."""
    is_open = len(report.outcomes) <= MAX_OPEN
    parts = [_legend(report)] if report.outcomes else []
    left_out = 0
    for title, outcomes in _groups(report):
        if share <= 0:
            left_out += len(outcomes)
            continue
        part = _table(report, title, outcomes, share, is_open=is_open)
        share -= len(part.encode())
        parts.append(part)
    return "\n\n".join([*parts, *([f"… and {left_out} more files"] if left_out else [])])


def _legend(report: Report) -> str:
    """What the icons of the tables mean."""
    used = {outcome.status for outcome in report.outcomes}
    entries = [with_nbsp(f"{_ICONS[status]} {status.replace('-', ' ')}") for status in Status if status in used]
    if any(map(_has_warning, report.outcomes)):
        entries.append(with_nbsp(f"{_WARNING_ICON} has a warning"))
    return " · ".join(entries)


def _groups(report: Report) -> Iterator[tuple[str, Sequence[Outcome]]]:
    """Yields the title of each table, which is "" for one without, and its files."""
    failed, not_attempted, rolled_back = [], [], []
    subdirs: dict[str, list[Outcome]] = {}
    for outcome in report.outcomes:
        if outcome.status is Status.NOT_ATTEMPTED:
            not_attempted.append(outcome)
        elif outcome.status is Status.ROLLED_BACK:
            rolled_back.append(outcome)
        elif outcome.status.is_failure or not isinstance(outcome.file, Artifact):
            failed.append(outcome)
        else:
            subdirs.setdefault(outcome.file.subdir, []).append(outcome)
    consequences = [("Rolled back", rolled_back), ("Not attempted", not_attempted)]
    groups = [(_FAILED, failed), *sorted(subdirs.items()), *consequences]
    return ((title, outcomes) for title, outcomes in groups if outcomes)


def _table(report: Report, title: str, outcomes: Sequence[Outcome], share: int, *, is_open: bool) -> str:
    is_of_subdir = not outcomes[0].status.is_failure
    if is_of_subdir:
        text = table(_PACKAGE_COLUMNS, (_package_row(report, outcome) for outcome in outcomes), share)
    else:
        text = table(_FILE_COLUMNS, (_file_row(outcome) for outcome in outcomes), share)
    if is_open or (title == _FAILED and len(outcomes) <= MAX_OPEN):
        return f"### {title}\n\n{text}"
    statuses = f", {counts(outcomes)}" if is_of_subdir else ""
    return details(f"<b>{title}</b>: {totals(outcomes)}{statuses}", text)


def _package_row(report: Report, outcome: Outcome) -> Sequence[str]:
    package = outcome.file
    assert isinstance(package, Artifact)  # noqa: S101 - see `_groups`
    name = for_markdown(package.name)
    return (
        _status(outcome),
        f"[{name}]({report.package_page_url(package)})" if outcome.status in _WITH_PAGE else name,
        for_markdown(package.version),
        for_markdown(package.build),
        with_nbsp(format_size(package.size)),
        f"`{(outcome.channel_sha256 or package.sha256)[:_HASH_DIGITS]}`",
        _log_entry(outcome),
        for_markdown(outcome.reason),
    )


def _file_row(outcome: Outcome) -> Sequence[str]:
    file = outcome.file
    if not isinstance(file, Artifact):
        return (_status(outcome), as_code(file.label), "", "", "")
    label = f"{file.subdir}/{file.file_name}"
    size, sha256 = with_nbsp(format_size(file.size)), f"`{file.sha256[:_HASH_DIGITS]}`"
    return (_status(outcome), as_code(label), size, sha256, for_markdown(outcome.reason))


def _status(outcome: Outcome) -> str:
    return f"{_ICONS[outcome.status]}{f'&nbsp;{_WARNING_ICON}' if _has_warning(outcome) else ''}"


def _has_warning(outcome: Outcome) -> bool:
    return outcome.warning is not None or (isinstance(outcome.file, Package) and bool(outcome.file.warnings))


def _log_entry(outcome: Outcome) -> str:
    attestation = outcome.attestation
    if attestation is None or not outcome.status.is_on_channel:
        return ""
    index = attestation.log_index
    return f'[log&nbsp;entry]({attestation.url} "{index}")' if attestation.url else f"log&nbsp;entry&nbsp;{index}"
