"""Deletes old versions of the packages of this run, if all of them are on the channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.channel_file import ChannelFile
from prefix_upload.package.match_specs import MatchSpec
from prefix_upload.package.model import Artifact
from prefix_upload.package.retention import Rules, make_plan
from prefix_upload.package.selectors import SpecSelector
from prefix_upload.status import Status
from prefix_upload.steps import messages
from prefix_upload.steps.limit_deletions import delete_at_most
from prefix_upload.steps.list_channel import list_channel
from prefix_upload.steps.operations import deletion
from prefix_upload.steps.plan_changes import plan_changes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from prefix_upload.report import Outcome
    from prefix_upload.steps.run import Retention, UploadRun


def retain(run: UploadRun, tools: Retention) -> None:
    """Deletes what the rules let go, but no file of this run. A dry run plans as if its packages were uploaded.

    If a package failed, old versions may still be needed, so they stay.
    """
    published = {file.key: file for file, _ in _published(run)}
    if not published or run.is_cancelled or run.report().result == "failure":
        return
    settings = run.settings
    names = sorted({file.name for file in published.values()})
    files = list_channel(run, tools.listing, names)
    if files is None:
        return
    listed = {file.key for file in files}
    unlisted = [(file, outcome) for file, outcome in _published(run) if file.key not in listed]
    new = [_as_listed(file, tools.now) for file, outcome in unlisted if _counts(outcome)]
    rules = Rules((), settings.retain_last, settings.retain_for, settings.retain_releases, keeps_newest=True)
    selectors = [SpecSelector(name, MatchSpec(name.lower())) for name in names]
    plan = make_plan([*files, *new], selectors, rules, tools.now)
    plan = plan._replace(chosen=[choice for choice in plan.chosen if choice.file.key not in published])
    operation = deletion(tools.changes)
    choices = plan_changes(run, plan, operation)
    delete_at_most(run, settings.retain_max_deletes, choices, operation, "retain-max-deletes")


def _published(run: UploadRun) -> Iterator[tuple[Artifact, Outcome]]:
    """Yields the packages of the run that are on the channel, or would be, with their outcomes."""
    for outcome in run.ledger.outcomes():
        is_there = outcome.status.is_available or outcome.status in {Status.SKIPPED, Status.WOULD_UPLOAD}
        if is_there and isinstance(outcome.file, Artifact):
            yield outcome.file, outcome


def _counts(outcome: Outcome) -> bool:
    """Whether a package that the channel does not list yet makes older versions go: not if it may never be offered."""
    return outcome.is_offered and outcome.warning != messages.NOT_COMPARED


def _as_listed(file: Artifact, now: datetime) -> ChannelFile:
    """A package as the channel will list it: it may take a moment to appear."""
    return ChannelFile(
        file_name=file.file_name,
        name=file.name,
        version=file.version,
        build=file.build,
        build_number=file.build_number,
        subdir=file.subdir,
        size=file.size,
        sha256=file.sha256,
        created=now,
    )
