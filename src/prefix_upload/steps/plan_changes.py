"""Shows what is going to happen to which files of a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.report import Outcome
from prefix_upload.status import Status
from prefix_upload.steps import change_messages
from prefix_upload.steps.messages import pluralize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.package.retention import Choice, Plan
    from prefix_upload.steps.operations import Operation
    from prefix_upload.steps.run import Run


def plan_changes(run: Run, plan: Plan, operation: Operation) -> Sequence[Choice]:
    """What is to be changed according to a plan, without what needs no change. Each file of the plan gets an outcome.

    Until they are changed, the files have the status of a dry run, or are not attempted.
    """
    run.ledger.files = [*run.ledger.files, *(choice.file for choice in plan.chosen)]
    run.ledger.reasons |= {choice.file.label: choice.reason for choice in plan.chosen}
    run.ledger.ended_before = change_messages.ended_before(operation)
    left: list[Choice] = []
    for choice in plan.chosen:
        outcome = Outcome(choice.file, Status.UNCHANGED, warning=operation.warning(choice.file), reason=choice.reason)
        if operation.is_done(choice.file):
            run.ledger.record(outcome)
        else:
            left.append(choice)
            if run.settings.is_dry_run:
                run.ledger.record(outcome._replace(status=operation.planned))
    _show(run, plan, left, operation)
    return left


def _show(run: Run, plan: Plan, left: Sequence[Choice], operation: Operation) -> None:
    intent = f"Would {operation.verb}" if run.settings.is_dry_run else operation.verb.capitalize()
    size = sum(choice.file.size for choice in left)
    run.reporter.phase(f"{intent} {pluralize(len(left), 'file')}, {size:,} bytes")
    sizes = [f"{choice.file.size:,} bytes" for choice in left]
    widths = [max(map(len, column), default=0) for column in (sizes, [choice.file.label for choice in left])]
    for size_text, (file, reason) in zip(sizes, left, strict=True):
        run.reporter.note(f"{size_text:>{widths[0]}}  {file.label:<{widths[1]}}  {reason}")
    unchanged = len(plan.chosen) - len(left)
    if unchanged:
        run.reporter.note(f"{pluralize(unchanged, 'file')} already {operation.participle}")
    for reason, count in plan.kept.items():
        run.reporter.note(f"{pluralize(count, 'file')} left alone: {reason}")
