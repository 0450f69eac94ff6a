"""Plans what happens to which files of a channel, and shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.retention import Choice, Plan, Rules, make_plan
from prefix_upload.report import Outcome, Status
from prefix_upload.steps import change_messages
from prefix_upload.steps.messages import pluralize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.package.model import ChannelFile
    from prefix_upload.steps.change_run import FilesRun
    from prefix_upload.steps.operations import Operation


def plan_changes(run: FilesRun, files: Sequence[ChannelFile], rules: Rules, operation: Operation) -> Plan:
    """The plan for the files of a channel, without those that need no change. All of them get an outcome.

    Until they are changed, the files have the status of a dry run, or are not attempted.
    """
    plan = make_plan(files, run.settings.selectors, rules, run.now)
    run.ledger.files = [choice.file for choice in plan.chosen]
    run.ledger.ended_before = change_messages.ended_before(operation)
    left: list[Choice] = []
    for choice in plan.chosen:
        if operation.is_done(choice.file):
            run.ledger.record(Outcome(file=choice.file, status=Status.UNCHANGED, reason=choice.reason))
        else:
            left.append(choice)
            if run.settings.is_dry_run:
                run.ledger.record(Outcome(file=choice.file, status=operation.planned, reason=choice.reason))
    plan = plan._replace(chosen=left)
    _show(run, plan, operation)
    return plan


def _show(run: FilesRun, plan: Plan, operation: Operation) -> None:
    intent = f"Would {operation.verb}" if run.settings.is_dry_run else operation.verb.capitalize()
    run.reporter.phase(f"{intent} {pluralize(len(plan.chosen), 'file')}, {plan.size:,} bytes")
    width = max((len(f"{choice.file.size:,}") for choice in plan.chosen), default=0)
    for file, reason in plan.chosen:
        run.reporter.note(f"{file.size:>{width},} bytes  {file.label}  ({reason})")
    unchanged = len(run.ledger.files) - len(plan.chosen)
    if unchanged:
        run.reporter.note(f"{pluralize(unchanged, 'file')} already {operation.participle}")
    for reason, count in plan.kept.items():
        run.reporter.note(f"{pluralize(count, 'file')} left alone: {reason}")
