"""Runs of the commands that change what is on a channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prefix_upload.steps.run import Run

if TYPE_CHECKING:
    from datetime import datetime

    from prefix_upload.prefix_dev.changes import Changes
    from prefix_upload.prefix_dev.listing import ChannelListing
    from prefix_upload.settings.change_settings import (
        DeleteSettings,
        FilesSettings,
        ReindexSettings,
        UnyankSettings,
        YankSettings,
    )


@dataclass(kw_only=True)
class ChangeRun(Run):
    """What the steps of the commands share that change what is on a channel.

    Args:
        listing: lists the channel.
        changes: changes it.
        now: the time that ages are counted to, with a time zone.
    """

    listing: ChannelListing
    changes: Changes
    now: datetime


@dataclass(kw_only=True)
class FilesRun(ChangeRun):
    """A run of a command that works on files of a channel."""

    settings: FilesSettings


@dataclass(kw_only=True)
class DeleteRun(FilesRun):
    """A run of `delete`."""

    settings: DeleteSettings


@dataclass(kw_only=True)
class YankRun(FilesRun):
    """A run of `yank`."""

    settings: YankSettings


@dataclass(kw_only=True)
class UnyankRun(FilesRun):
    """A run of `unyank`."""

    settings: UnyankSettings


@dataclass(kw_only=True)
class ReindexRun(ChangeRun):
    """A run of `reindex`."""

    settings: ReindexSettings
