"""`delete`: deletes files of a channel that are selected by name, or that rules let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.retention import Rules
from prefix_upload.report import Outcome, Status
from prefix_upload.steps import change_messages
from prefix_upload.steps.change_files import change_files
from prefix_upload.steps.list_channel import list_channel
from prefix_upload.steps.operations import deletion
from prefix_upload.steps.plan_changes import plan_changes

if TYPE_CHECKING:
    from prefix_upload.package.retention import Plan
    from prefix_upload.steps.change_run import DeleteRun


def delete(run: DeleteRun) -> None:
    """Deletes what the plan says, and nothing else; nothing at all if it is too much, or in a dry run.

    The run's ledger has the outcome of each file of the plan, even if the command is interrupted.
    """
    files = list_channel(run)
    if files is None:
        return
    settings, operation = run.settings, deletion(run.changes)
    rules = Rules(settings.ignore, settings.keep_last, settings.older_than, settings.only_prerelease, keeps_newest=True)
    plan = plan_changes(run, files, rules, operation)
    if plan.unmatched:
        run.ledger.warnings.append(change_messages.unmatched(plan.unmatched))
    if len(plan.chosen) > settings.max_deletes:
        _refuse(run, plan)
    elif not settings.is_dry_run:
        change_files(run, plan.chosen, operation)


def _refuse(run: DeleteRun, plan: Plan) -> None:
    """Records that the plan goes too far."""
    run.ledger.errors.append(change_messages.too_many(len(plan.chosen), run.settings.max_deletes))
    if not run.settings.is_dry_run:
        error = change_messages.stopped_by_limit()
        for file, reason in plan.chosen:
            run.finish(Outcome(file=file, status=Status.NOT_ATTEMPTED, error=error, reason=reason))
