"""Renders the report as outputs of the action."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from prefix_upload.errors import Diagnostic, setting
from prefix_upload.package.model import Artifact, CandidateFile, Package
from prefix_upload.reporting.formats import checksum_lines
from prefix_upload.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prefix_upload.report import Outcome, Report

# In bytes. GitHub limits all outputs of a job to 1 MB; this leaves room for those of other steps.
MAX_PACKAGES_OUTPUT = 100 * 1024
# The fields that are kept if all of them would be too long.
_SHORT_ROW = ("file", "sha256", "status")
# In bytes. An environment variable may have 131,071 with its name (Linux, MAX_ARG_STRLEN); this leaves 71 for the name.
MAX_VARIABLE = 131_000
_TOO_LONG = (
    "The output '{}' is too long for an environment variable, which holds 128 KiB: a step that has it in 'env' fails "
    "with 'Argument list too long'."
)
# The status of what a command has done.
_DONE = {"delete": Status.DELETED, "yank": Status.YANKED, "unyank": Status.UNYANKED}
_LONG_HINTS = {"checksums": f"Set {setting('checksums-file')}, and read the checksums from that file."}


def outputs(report: Report) -> dict[str, str]:
    """The values of the outputs of the report's command, by their names in its `action.yml`."""
    common = {"channel-url": report.channel_page_url, "result": report.result}
    if report.command == "upload":
        return _upload_outputs(report) | common
    if report.command == "reindex":
        return common
    done = _DONE[report.command]
    planned = [outcome.status for outcome in report.outcomes if outcome.status is not Status.UNCHANGED]
    counts = {
        "planned-count": len(planned),
        "planned-bytes": report.total_size(*planned),
        f"{done}-count": report.count(done),
        "failed-count": report.failed_count,
    }
    return {"packages": _packages_output(report)} | {name: str(count) for name, count in counts.items()} | common


def _upload_outputs(report: Report) -> dict[str, str]:
    return {
        "packages": _packages_output(report),
        "checksums": "\n".join(checksum_lines(report)),
        "uploaded-count": str(report.count(Status.UPLOADED, Status.OVERWRITTEN)),
        "present-count": str(report.count(Status.ALREADY_PRESENT, Status.SAME_CONTENT)),
        "skipped-count": str(report.count(Status.SKIPPED)),
        "failed-count": str(report.failed_count),
        "deleted-count": str(report.count(Status.DELETED)),
        "attestations": _json({name: attestation.log_index for name, attestation in report.attestations}),
        "index-seconds": "" if report.index_seconds is None else str(round(report.index_seconds, 2)),
    }


def _packages_output(report: Report) -> str:
    """All fields of all files if they fit; else the fields that identify a file; else those of the first files."""
    rows = package_rows(report)
    text = _json(rows)
    if len(text) > MAX_PACKAGES_OUTPUT:
        rows = [{key: row[key] for key in _SHORT_ROW} for row in rows]
        text = _json(rows)
    while len(text) > MAX_PACKAGES_OUTPUT:
        rows = rows[: len(rows) * MAX_PACKAGES_OUTPUT // len(text)]
        text = _json(rows)
    return text


def package_rows(report: Report) -> list[dict[str, Any]]:
    """A row with all fields for each file, in input order."""
    return [_row(report, outcome) for outcome in report.outcomes]


def size_warnings(report: Report, values: Mapping[str, str]) -> Iterable[Diagnostic]:
    """Yields a warning if the `packages` output lacks files or fields, and for each output that is very long."""
    rows = json.loads(values.get("packages", "[]"))
    kept, total = len(rows), len(report.outcomes)
    fields = f"only the fields {_listed(_SHORT_ROW)} of each file"
    if kept < total:
        message = (
            f"The output 'packages' has {fields}, and only the first {kept} of {total} files, to stay below 100 KiB."
        )
        hint = "The output 'checksums' lists all packages on the channel." if "checksums" in values else ""
        yield Diagnostic("Output truncated", message, hint)
    elif rows and set(rows[0]) == set(_SHORT_ROW):
        message = f"The output 'packages' has {fields}, to stay below 100 KiB."
        yield Diagnostic("Output truncated", message, "To get all fields, select fewer packages for a run.")
    for name, value in values.items():
        is_in_file = name == "checksums" and report.checksums_file
        if len(value.encode()) > MAX_VARIABLE and not is_in_file:
            yield Diagnostic("Long output", _TOO_LONG.format(name), _LONG_HINTS.get(name, ""), page="#outputs")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:-1]) + f" and '{names[-1]}'"


def _row(report: Report, outcome: Outcome) -> dict[str, Any]:
    file = outcome.file
    package = file if isinstance(file, Artifact) else None
    path = {"path": file.relative_path} if isinstance(file, Package | CandidateFile) else {}
    row = path | {
        "file": file.file_name,
        "name": package and package.name,
        "version": package and package.version,
        "build": package and package.build,
        "build_number": package and package.build_number,
        "subdir": package and package.subdir,
        "size": package and package.size,
        "md5": outcome.md5,
        "sha256": package and package.sha256,
        "status": str(outcome.status),
        "url": package and report.channel and report.package_url(package),
    }
    if outcome.channel_sha256:
        row["channel_sha256"] = outcome.channel_sha256
    if outcome.reason:
        row["reason"] = outcome.reason
    return row | ({"error": str(outcome.error)} if outcome.error else {})


def _json(rows: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> str:
    """Compact JSON in ASCII, which can be written whatever a file name contains."""
    return json.dumps(rows, separators=(",", ":"))
