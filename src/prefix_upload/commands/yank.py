"""`yank`: yanks files of a channel, so that solvers do not choose them any more, but lock files still work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.steps.change_selected import change_selected
from prefix_upload.steps.operations import yanking

if TYPE_CHECKING:
    from prefix_upload.steps.change_run import YankRun


def yank(run: YankRun) -> None:
    """Yanks the selected files; nothing in a dry run, or if a selector matches nothing."""
    change_selected(run, yanking(run.changes, run.settings.reason, hide=run.settings.hide))
