"""The artifacts list of a job: the files that it published, which `actions/attest` attests if it gets no subjects.

The rules are those of actions/runner 2.336 (CreateArtifactsFileCommand.cs). It fails the step for a line that breaks
one of them, so a package that it would not take is left out, with a warning.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from prefix_upload.errors import Diagnostic, setting
from prefix_upload.package.listing import listed
from prefix_upload.package.model import Package

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prefix_upload.github.command_files import CommandFiles
    from prefix_upload.report import Report

# The number of files that all steps of a job may list together.
MAX_ARTIFACTS = 500
# In bytes, so that this many lines stay below the 1 MiB that the runner reads.
_MAX_PATH = 1024 * 1024 // MAX_ARTIFACTS - 1

_ODD_PATH = "The runner can't read a path with '=', with control characters, or with '#' or a space at its start."
_SAME_NAME = "The list already has another file of the same name, and can have only one."
_TOO_MANY = f"The list of a job can have {MAX_ARTIFACTS} files."
_HINT = (
    "To attest them as well, give 'actions/attest' the output 'checksums', or the path of "
    f"{setting('checksums-file')}, as 'subject-checksums'."
)


def append_artifacts(report: Report, files: CommandFiles) -> list[Diagnostic]:
    """Appends the packages that are on the channel with exactly these bytes to the job's list, if the runner has one.

    A dry run publishes nothing, so it lists nothing.

    Returns:
        Warnings about packages that the list does not have, if later steps can read it.
    """
    if report.dry_run or not os.environ.get("GITHUB_ARTIFACTS"):
        return []
    earlier = _earlier_artifacts()
    digests = dict(earlier or {})
    lines: list[str] = []
    left_out: dict[str, list[str]] = {}
    for package in report.packages_on_channel:
        digest = f"sha256:{package.sha256}"
        if not isinstance(package, Package) or digests.get(package.file_name) == digest:
            continue
        if problem := _problem(package, digests):
            left_out.setdefault(problem, []).append(package.relative_path)
        else:
            digests[package.file_name] = digest
            lines.append(package.relative_path)
    warnings = [*files.append_artifacts(lines), *(_warning(paths, problem) for problem, paths in left_out.items())]
    return [] if earlier is None else warnings


def _earlier_artifacts() -> dict[str, str] | None:
    """The digests of the files that earlier steps of the job listed, by file name.

    `None` if the runner ignores the list: it then leaves the file that later steps read empty.
    """
    try:
        # Without the variable, this is a folder, which can't be read.
        content = Path(os.environ.get("GITHUB_ARTIFACTS_LIST", "")).read_bytes()
        if not content:
            return None
        return {str(subject["name"]): str(subject["digest"]) for subject in json.loads(content)["subjects"]}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _problem(package: Package, digests: Mapping[str, str]) -> str:
    """Why the runner would not take a package into the list; "" if it would."""
    path = package.relative_path
    # What is printable has no line breaks, which would make two lines of a path, and no bytes that are not UTF-8.
    is_plain = path.isprintable() and "=" not in path and not path.startswith((" ", "#"))
    if not is_plain or len(path.encode()) > _MAX_PATH:
        return _ODD_PATH
    if package.file_name in digests:
        return _SAME_NAME
    return _TOO_MANY if len(digests) >= MAX_ARTIFACTS else ""


def _warning(paths: Sequence[str], problem: str) -> Diagnostic:
    message = f"The job's list of artifacts does not have {listed(paths)}. {problem}"
    return Diagnostic("Not in the list of artifacts", message, _HINT, page="#slsa-provenance")
