"""`delete`: deletes files of a channel that are selected by name, or that rules let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.retention import Rules, make_plan
from prefix_upload.package.selectors import SpecSelector, names_in
from prefix_upload.steps import change_messages
from prefix_upload.steps.limit_deletions import delete_at_most
from prefix_upload.steps.list_channel import list_channel
from prefix_upload.steps.operations import deletion
from prefix_upload.steps.plan_changes import plan_changes

if TYPE_CHECKING:
    from prefix_upload.steps.change_run import DeleteRun


def delete(run: DeleteRun) -> None:
    """Deletes what the plan says, and nothing else; nothing at all if it is too much, in a dry run, or if
    a match spec matches nothing.

    The run's ledger has the outcome of each file of the plan, even if the command is interrupted.
    """
    settings, operation = run.settings, deletion(run.changes)
    files = list_channel(run, run.listing, names_in(settings.selectors))
    if files is None:
        return
    rules = Rules(settings.ignore, settings.keep_last, settings.older_than, settings.only_prerelease, keeps_newest=True)
    plan = make_plan(files, settings.selectors, rules, run.now)
    choices = plan_changes(run, plan, operation)
    # A package without files may be a mistyped one, or a part of a match spec; a file may have been deleted before.
    mistyped = [selector for selector in plan.unmatched if isinstance(selector, SpecSelector)]
    if mistyped:
        run.ledger.errors.append(change_messages.unmatched(mistyped))
        run.ledger.ended_before = change_messages.selector_unmatched(operation)
        return
    if plan.unmatched:
        run.ledger.warnings.append(change_messages.unmatched(plan.unmatched))
    delete_at_most(run, settings.max_deletes, choices, operation, "max-deletes")
