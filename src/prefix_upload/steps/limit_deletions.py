"""Deletes what a plan says, unless that is too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.report import Outcome
from prefix_upload.status import Status
from prefix_upload.steps import change_messages
from prefix_upload.steps.change_files import change_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.package.retention import Choice
    from prefix_upload.steps.operations import Operation
    from prefix_upload.steps.run import Run


def delete_at_most(run: Run, limit: int, choices: Sequence[Choice], operation: Operation, setting_name: str) -> None:
    """Deletes the files, or none of them if there are more than the limit; none in a dry run.

    Args:
        run: the run.
        limit: the limit.
        choices: the files.
        operation: deletes files.
        setting_name: the setting that has the limit.
    """
    if len(choices) > limit:
        run.ledger.errors.append(change_messages.too_many(len(choices), limit, setting_name))
        if not run.settings.is_dry_run:
            error = change_messages.stopped_by_limit(setting_name)
            for file, reason in choices:
                run.finish(Outcome(file=file, status=Status.NOT_ATTEMPTED, error=error, reason=reason))
    elif not run.settings.is_dry_run:
        change_files(run, choices, operation)
