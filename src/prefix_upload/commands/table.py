"""The commands by name. What only some of them need is loaded with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.settings.settings import Settings, UploadSettings
from prefix_upload.steps.run import LocalRun, Run, UploadRun

if TYPE_CHECKING:
    from collections.abc import Sequence

ACTIONS: Sequence[str] = ("upload", "delete", "yank", "unyank", "reindex")
"""The commands that have an action."""

COMMANDS: Sequence[str] = (*ACTIONS, "check", "whoami")


def settings_of(command: str) -> type[Settings]:
    """The class of a command's settings."""
    if command == UploadSettings.command:
        return UploadSettings
    from prefix_upload.settings import change_settings, shell_settings  # noqa: PLC0415 - not for uploads

    kinds = (
        shell_settings.CheckSettings,
        shell_settings.WhoamiSettings,
        change_settings.DeleteSettings,
        change_settings.YankSettings,
        change_settings.UnyankSettings,
        change_settings.ReindexSettings,
    )
    return next(kind for kind in kinds if kind.command == command)


def execute(run: Run) -> None:
    """Runs the command that a run is of. The ledger of the run has the outcomes, even if it is interrupted.

    Raises:
        NothingToPublishError: see `upload`.
    """
    if isinstance(run, UploadRun):
        from prefix_upload.commands.upload import upload  # noqa: PLC0415 - not for other commands

        upload(run)
    elif isinstance(run, LocalRun):
        from prefix_upload.commands.check import check  # noqa: PLC0415

        check(run)
    elif run.settings.command == "whoami":
        from prefix_upload.commands.whoami import whoami  # noqa: PLC0415

        whoami(run)
    else:
        _execute_change(run)


def _execute_change(run: Run) -> None:
    from prefix_upload.commands.delete import delete  # noqa: PLC0415 - not for uploads
    from prefix_upload.commands.reindex import reindex  # noqa: PLC0415
    from prefix_upload.commands.unyank import unyank  # noqa: PLC0415
    from prefix_upload.commands.yank import yank  # noqa: PLC0415
    from prefix_upload.steps.change_run import DeleteRun, ReindexRun, UnyankRun, YankRun  # noqa: PLC0415

    match run:
        case DeleteRun():
            delete(run)
        case YankRun():
            yank(run)
        case UnyankRun():
            unyank(run)
        case ReindexRun():
            reindex(run)
        case _:
            raise TypeError(run)
