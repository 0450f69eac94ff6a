"""The messages of the wait for the index. All functions are pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.errors import Diagnostic, setting
from prefix_upload.package.listing import listed
from prefix_upload.steps.messages import pluralize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prefix_upload.prefix_dev.index import SubdirIndex
    from prefix_upload.prefix_dev.index_entries import Flaw

_PAGE = "#waiting-for-the-index"

NOT_WAITED = "Not waiting for the index, because the run failed."


def withheld(file_names: Sequence[str]) -> str:
    """The note about packages that are on the channel, but that solvers do not get."""
    return f"Not waiting for packages that solvers do not get, because the channel withholds them: {listed(file_names)}"


def begin(subdirs: Sequence[SubdirIndex], timeout: float) -> str:
    """The note at the start."""
    names = ", ".join(subdir.name for subdir in subdirs)
    packages = pluralize(sum(len(subdir.packages) for subdir in subdirs), "package")
    return f"Waiting up to {timeout:.0f} s until clients can install {packages} ({names})"


def installable(subdir: SubdirIndex, seconds: float) -> str:
    """The note about a subdir whose index shows all packages."""
    return f"{subdir.name}: {pluralize(len(subdir.packages), 'package')} can be installed ({seconds:.1f} s)"


def progress(subdir: SubdirIndex, seconds: float) -> str:
    """The note about what is missing so far."""
    reasons = {name: flaw.reason for name, flaw in subdir.flaws.items()}
    return f"… {subdir.name}, after {seconds:.0f} s: {_count(subdir)} can't be installed yet: {_listed(reasons)}"


def reindexed(subdir: str) -> str:
    """The note that a new index was requested."""
    return f"{subdir}: half of the timeout has passed, so a reindex was requested"


def not_reindexed(subdir: str, error: Exception) -> str:
    """The note that a new index could not be requested."""
    return f"{subdir}: half of the timeout has passed, but a reindex could not be requested: {error}"


def late(subdir: SubdirIndex, missing: Mapping[str, str], timeout: float) -> Diagnostic:
    """The error of a subdir whose index does not show all packages in time."""
    is_unread = any("could not be read" in reason for reason in missing.values())
    what = "but its index could not be read, for the reason above" if is_unread else "only its index is late"
    return Diagnostic(
        "Not installable yet",
        f"After {timeout:.0f} s, clients can't install {_count(subdir)} from {subdir.name}: {_listed(missing)}.",
        f"Everything is on the channel, {what}. Re-run the step to wait again, which uploads nothing, or set "
        f"{setting('index-timeout')} to more than {timeout:.0f}.",
        page=_PAGE,
    )


def wrong(channel: str, subdir: SubdirIndex, flaws: Mapping[str, Flaw]) -> Diagnostic:
    """The error of a subdir whose index lists other files under the names of packages."""
    hashes = {package.file_name: package.sha256 for package in subdir.packages}
    reasons = {name: f"{flaw.reason}, but the channel has {hashes[name]}" for name, flaw in flaws.items()}
    return Diagnostic(
        "Wrong hash in the index",
        f"The index of {subdir.name} does not belong to the files on the channel: {_listed(reasons)}.",
        "Check whether another job publishes a file of this name. If not, the index is out of date: ask the server for "
        f"a new one with POST /api/v1/reindex/{channel}/{subdir.name}, then re-run the step.",
        page=_PAGE,
    )


def _count(subdir: SubdirIndex) -> str:
    return f"{len(subdir.flaws)} of {pluralize(len(subdir.packages), 'package')}"


def _listed(reasons: Mapping[str, str]) -> str:
    """The first reasons, each once with its files."""
    groups: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        groups.setdefault(reason, []).append(name)
    return listed([f"{listed(names, str)}: {reason}" for reason, names in groups.items()], str)
