"""Changes the selected files of a channel: all of them, or nothing if a selector matches nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.retention import Rules, make_plan
from prefix_upload.package.selectors import names_in
from prefix_upload.steps import change_messages
from prefix_upload.steps.change_files import change_files
from prefix_upload.steps.list_channel import list_channel
from prefix_upload.steps.plan_changes import plan_changes

if TYPE_CHECKING:
    from prefix_upload.steps.change_run import UnyankRun, YankRun
    from prefix_upload.steps.operations import Operation


def change_selected(run: YankRun | UnyankRun, operation: Operation) -> None:
    """Does something to each selected file; nothing in a dry run, or if a selector matches nothing.

    The run's ledger has the outcome of each file, even if the command is interrupted.
    """
    settings = run.settings
    files = list_channel(run, run.listing, names_in(settings.selectors))
    if files is None:
        return
    plan = make_plan(files, settings.selectors, Rules(settings.ignore), run.now)
    choices = plan_changes(run, plan, operation)
    if plan.unmatched:
        run.ledger.errors.append(change_messages.unmatched(plan.unmatched))
        run.ledger.ended_before = change_messages.selector_unmatched(operation)
    elif not settings.is_dry_run:
        change_files(run, choices, operation)
