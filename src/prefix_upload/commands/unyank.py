"""`unyank`: takes back that files of a channel are yanked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.steps.change_selected import change_selected
from prefix_upload.steps.operations import unyanking

if TYPE_CHECKING:
    from prefix_upload.steps.change_run import UnyankRun


def unyank(run: UnyankRun) -> None:
    """Unyanks the selected files; nothing in a dry run, or if a selector matches nothing."""
    change_selected(run, unyanking(run.changes, unhide=run.settings.unhide))
