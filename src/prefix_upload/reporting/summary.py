"""Renders the report as Markdown for the job summary: what is on the channel now, what is not, and what to do."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

from prefix_upload.package.model import Artifact, Package
from prefix_upload.report import Report, Status
from prefix_upload.reporting.diagnostics import grouped
from prefix_upload.reporting.formats import checksum_lines, format_size
from prefix_upload.reporting.sanitize import as_code, for_markdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefix_upload.errors import Diagnostic
    from prefix_upload.report import Outcome

# GitHub drops a summary of more than 1 MiB entirely. Each section has its share of a smaller size, in bytes.
MAX_SIZE = 900 * 1024
_TABLE_SHARE = 350 * 1024
_PROBLEMS_SHARE = 150 * 1024
_WARNINGS_SHARE = 100 * 1024
_ATTESTATIONS_SHARE = 100 * 1024
_CHECKSUMS_SHARE = 150 * 1024
# The number of names in an install command, and of files in the line of a diagnostic.
_MAX_LISTED = 5

_ICONS = {
    Status.UPLOADED: "✅",
    Status.OVERWRITTEN: "♻️",
    Status.ALREADY_PRESENT: "☑️",
    Status.SKIPPED: "⏭️",
    Status.WOULD_UPLOAD: "🔎",
    Status.INVALID: "❌",
    Status.FAILED: "❌",
    Status.NOT_ATTEMPTED: "⏸️",
}


def render(report: Report) -> str:
    """The job summary, of at most `MAX_SIZE` bytes. Each section counts the lines that it leaves out."""
    parts = [
        _verdict(report),
        _problems(report),
        _table(report),
        _warnings(report),
        _attestations(report),
        _checksums(report),
        _usage(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def verdict(report: Report) -> str:
    """The result of the run in one line, without markup."""
    done = report.count(Status.UPLOADED, Status.OVERWRITTEN)
    there = report.count(Status.ALREADY_PRESENT)
    skipped = report.count(Status.SKIPPED)
    counts = [
        f"{done} uploaded" if done else "",
        f"{there} already present" if there else "",
        f"{skipped} skipped" if skipped else "",
        f"{report.count(Status.WOULD_UPLOAD)} would be uploaded" if report.count(Status.WOULD_UPLOAD) else "",
        f"{report.count(Status.INVALID)} invalid" if report.count(Status.INVALID) else "",
        f"{report.count(Status.FAILED)} failed" if report.count(Status.FAILED) else "",
        f"{report.count(Status.NOT_ATTEMPTED)} not attempted" if report.count(Status.NOT_ATTEMPTED) else "",
    ]
    counts_text = ", ".join(count for count in counts if count) or (
        "nothing was published" if report.errors else "nothing to publish"
    )
    return f"{report.channel or 'prefix-upload'}: {counts_text}"


def _verdict(report: Report) -> str:
    icon = "✅" if report.result == "success" else "🔎" if report.result == "dry-run" else "❌"
    title = f"## {icon} {for_markdown(verdict(report))}"
    if not report.channel:
        return title
    dry_run = "Dry run: nothing was uploaded. " if report.dry_run else ""
    return f"{title}\n\n{dry_run}Channel: <{report.channel_page_url}>"


def _table(report: Report) -> str:
    if not report.outcomes:
        return ""
    head = (
        "| Status | Package | Version | Build | Subdir | Size | SHA-256 |\n| --- | --- | --- | --- | --- | ---: | --- |"
    )
    return head + "\n" + _fitted((_row(outcome) for outcome in report.outcomes), _TABLE_SHARE, "| … | {} more |||||| ")


def _row(outcome: Outcome) -> str:
    source = outcome.file
    status = f"{_ICONS[outcome.status]} {outcome.status}"
    if not isinstance(source, Artifact):
        return f"| {status} | {as_code(source.label)} | | | | | |"
    cells = (
        status,
        for_markdown(source.name),
        for_markdown(source.version),
        for_markdown(source.build),
        source.subdir,
        format_size(source.size),
        f"`{source.sha256}`",
    )
    return f"| {' | '.join(cells)} |"


def _problems(report: Report) -> str:
    of_files = ((outcome.file.label, outcome.error) for outcome in report.outcomes if outcome.error)
    lines = [_bullet(problem) for problem in report.errors]
    lines += [f"{_bullet(problem, files)}" for problem, files in grouped(of_files)]
    return _section("### What went wrong", lines, _PROBLEMS_SHARE)


def _warnings(report: Report) -> str:
    of_files = ((outcome.file.label, outcome.warning) for outcome in report.outcomes if outcome.warning)
    lines = [_bullet(warning) for warning in report.warnings]
    lines += [_bullet(note, files) for note, files in grouped(of_files)]
    for outcome in report.outcomes:
        if isinstance(outcome.file, Package):
            lines += [f"- {as_code(outcome.file.label)}: {for_markdown(text)}" for text in outcome.file.warnings]
    return _section("### Warnings", lines, _WARNINGS_SHARE)


def _bullet(problem: Diagnostic, files: Sequence[str] = ()) -> str:
    names = "".join(f"{as_code(file)}, " for file in files[:_MAX_LISTED]).removesuffix(", ")
    more = f" and {len(files) - _MAX_LISTED} more" if len(files) > _MAX_LISTED else ""
    subject = f" {names}{more}:" if names else ""
    hint = f"<br>**What to do:** {for_markdown(problem.hint)}" if problem.hint else ""
    hint += f" See <{problem.page}>" if problem.page else ""
    example = indent(f"\n\n```yaml\n{problem.example}\n```\n", "  ") if problem.example else ""
    return f"- **{for_markdown(problem.title).strip()}**{subject} {for_markdown(problem.message)}{hint}{example}"


def _section(title: str, lines: Sequence[str], share: int) -> str:
    return f"{title}\n\n{_fitted(lines, share, '- … and {} more')}" if lines else ""


def _attestations(report: Report) -> str:
    """The entry of each attestation in the transparency log."""
    lines = []
    for name, attestation in report.attestations:
        entry = f"log entry {attestation.log_index}"
        lines.append(f"- {as_code(name)}: " + (f"[{entry}]({attestation.url})" if attestation.url else entry))
    return _section("### Attestations", lines, _ATTESTATIONS_SHARE)


def _checksums(report: Report) -> str:
    lines = _fitted(checksum_lines(report), _CHECKSUMS_SHARE, "# … and {} more")
    if not lines:
        return ""
    return f"<details><summary>Checksums (sha256sum -c)</summary>\n\n```text\n{lines}\n```\n\n</details>"


def _usage(report: Report) -> str:
    """How to install the packages. Names of validated packages contain nothing that a shell would interpret."""
    names = list(dict.fromkeys(package.name for package in report.packages_on_channel))
    if not names:
        return ""
    channel = f"{report.server_url}/{report.channel}"
    listed = " ".join(names[:_MAX_LISTED])
    return (
        "### Install\n\n```sh\n"
        f"pixi workspace channel add {channel}\npixi add {listed}\n\n"
        f"# or\nconda install --channel {channel} {listed} # or mamba, micromamba\n```"
    )


def _fitted(lines: Iterable[str], share: int, more: str) -> str:
    """As many lines as fit into `share` bytes, and a line with the number of the others."""
    fitted: list[str] = []
    left_out = 0
    for line in lines:
        share -= len(line.encode()) + 1
        if share < 0:
            left_out += 1
        else:
            fitted.append(line)
    if left_out:
        fitted.append(more.format(left_out))
    return "\n".join(fitted)
