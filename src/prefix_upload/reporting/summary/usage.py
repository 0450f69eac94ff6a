"""What to do with the packages: their checksums, how to install them, and how to publish after a dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.errors import setting
from prefix_upload.package.model import Artifact, Package
from prefix_upload.report import distinct_names
from prefix_upload.reporting.formats import checksum_lines, format_size
from prefix_upload.reporting.summary.markup import MAX_OPEN, details, truncate_lines
from prefix_upload.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from prefix_upload.report import Report

# The number of names in an install command.
_MAX_LISTED = 5
_USAGE_SHARE = 20 * 1024
_NOARCH = "noarch"
_FROM_ANOTHER_BUILD = "On the channel, from another build:"
_NOT_ON_CHANNEL = "Not on the channel with these bytes:"


def checksums(report: Report, share: int) -> str:
    """The whole hash of each package, in at most about `share` bytes.

    `sha256sum -c` reads the lines. Packages that are not on the channel with these bytes are in its comments, or in a
    folded list of their own if no package is.
    """
    if report.command != "upload":
        return ""
    on_channel, others = list(checksum_lines(report)), _other_checksums(report)
    count = len(on_channel) + sum(len(lines) for _, lines in others)
    if not on_channel and [title for title, _ in others] == [_NOT_ON_CHANNEL]:
        text = truncate_lines(others[0][1], share, "… and {} more")
        title = "<b>Checksums of packages that aren't on the channel</b>"
        return details(title, f"```text\n{text}\n```")
    comments = [f"# {line}" for title, lines in others for line in (title, *lines)]
    text = truncate_lines([*on_channel, *comments], share, "# … and {} more")
    title = "<b>Checksums</b> (<code>sha256sum -c</code>)"
    return details(title, f"```text\n{text}\n```", is_open=count <= MAX_OPEN) if text else ""


def _other_checksums(report: Report) -> list[tuple[str, list[str]]]:
    """Lines for packages that are not on the channel with these bytes, named as `checksum_lines` does, in groups."""
    on_channel = list(report.packages_on_channel)
    others = [
        (outcome.file, outcome.channel_sha256)
        for outcome in report.outcomes
        if isinstance(outcome.file, Package) and not outcome.status.is_on_channel
    ]
    names = distinct_names([*on_channel, *(package for package, _ in others)])[len(on_channel) :]
    groups: dict[str, list[str]] = {_FROM_ANOTHER_BUILD: [], _NOT_ON_CHANNEL: []}
    for (package, channel_sha256), name in zip(others, names, strict=True):
        title = _FROM_ANOTHER_BUILD if channel_sha256 else _NOT_ON_CHANNEL
        groups[title].append(f"{channel_sha256 or package.sha256}  {name}")
    return [(title, lines) for title, lines in groups.items() if lines]


def how_to_publish(report: Report) -> str:
    """What a dry run would have done, and how to do it; "" if there is nothing to do or something to fix first."""
    planned = [outcome.file for outcome in report.outcomes if outcome.status is Status.WOULD_UPLOAD]
    if not planned or report.result != "dry-run":
        return ""
    size = format_size(sum(package.size for package in planned if isinstance(package, Artifact)))
    what = "this package" if len(planned) == 1 else f"these {len(planned)} packages"
    url = report.section_url("#before-the-first-run")
    more = f" See <{url}>." if url else ""
    return (
        f"### How to publish\n\nRun this step without {setting('dry-run', 'true')} to upload {what} ({size}). The job "
        f"then needs {setting('token')}, or a trusted publisher on the channel and the permission `id-token: write`."
        f"{more}"
    )


def how_to_change(report: Report) -> str:
    """How to do what a dry run of another command has shown; "" if there is nothing to do or something to fix first."""
    planned = [outcome.file for outcome in report.outcomes if outcome.status.is_planned]
    if not planned or report.result != "dry-run" or report.command == "upload":
        return ""
    size = format_size(sum(file.size for file in planned if isinstance(file, Artifact)))
    what = "this file" if len(planned) == 1 else f"these {len(planned)} files"
    return f"### How to {report.command}\n\nSet {setting('dry-run', 'false')} to {report.command} {what} ({size})."


def how_to_install(report: Report) -> str:
    """Commands for each platform. Names of validated packages contain nothing that a shell would interpret."""
    names = _names_by_subdir(report)
    if not names:
        return ""
    channel = f"{report.server_url}/{report.channel}"
    pixi, conda = [f"pixi workspace channel add {channel}"], ["# or with conda, mamba, micromamba"]
    for subdirs, listed in _platforms(names):
        is_noarch = subdirs == [_NOARCH]
        shown = " ".join(listed[:_MAX_LISTED])
        more = f"and {len(listed) - _MAX_LISTED} more" if len(listed) > _MAX_LISTED else ""
        platforms = "" if is_noarch else "".join(f"--platform {subdir} " for subdir in subdirs)
        pixi.append(f"pixi add {platforms}{shown}{f' # {more}' if more else ''}")
        comment = ", ".join(filter(None, (more, "" if is_noarch else f"on {', '.join(subdirs)}")))
        conda.append(f"conda install --channel {channel} {shown}{f' # {comment}' if comment else ''}")
    parts = (truncate_lines(lines, _USAGE_SHARE, "# … and {} more platforms") for lines in (pixi, conda))
    return "### Install\n\n```sh\n" + "\n\n".join(parts) + "\n```"


def _names_by_subdir(report: Report) -> Mapping[str, Sequence[str]]:
    """The names of installable packages. A package in several versions or builds is named once."""
    names: dict[str, dict[str, None]] = {}
    for package in report.installable_packages:
        names.setdefault(package.subdir, {})[package.name] = None
    return {subdir: list(listed) for subdir, listed in names.items()}


def _platforms(names: Mapping[str, Sequence[str]]) -> Iterator[tuple[list[str], Sequence[str]]]:
    """Yields the subdirs that have the same names, with these names; first those that every platform can install."""
    subdirs: dict[tuple[str, ...], list[str]] = {}
    for subdir in sorted(names, key=lambda subdir: (subdir != _NOARCH, subdir)):
        key = (subdir == _NOARCH and subdir, *sorted(names[subdir]))
        subdirs.setdefault(tuple(map(str, key)), []).append(subdir)
    for group in subdirs.values():
        yield group, names[group[0]]
