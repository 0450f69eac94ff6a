"""`delete`: deletes files of a channel that are selected by name, or that rules let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.retention import Rules, make_plan
from prefix_upload.package.selectors import names_in
from prefix_upload.steps import change_messages
from prefix_upload.steps.limit_deletions import delete_at_most
from prefix_upload.steps.list_channel import list_channel
from prefix_upload.steps.operations import deletion
from prefix_upload.steps.plan_changes import plan_changes

if TYPE_CHECKING:
    from prefix_upload.steps.change_run import DeleteRun


def delete(run: DeleteRun) -> None:
    """Deletes what the plan says, and nothing else; nothing at all if it is too much, or in a dry run.

    The run's ledger has the outcome of each file of the plan, even if the command is interrupted.
    """
    settings, operation = run.settings, deletion(run.changes)
    files = list_channel(run, run.listing, names_in(settings.selectors))
    if files is None:
        return
    rules = Rules(settings.ignore, settings.keep_last, settings.older_than, settings.only_prerelease, keeps_newest=True)
    plan = make_plan(files, settings.selectors, rules, run.now)
    if plan.unmatched:
        run.ledger.warnings.append(change_messages.unmatched(plan.unmatched))
    choices = plan_changes(run, plan, operation)
    delete_at_most(run, settings.max_deletes, choices, operation, "max-deletes")
