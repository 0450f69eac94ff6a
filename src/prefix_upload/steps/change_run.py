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
class DeleteRun(ChangeRun):
    """A run of `delete`."""

    settings: DeleteSettings


@dataclass(kw_only=True)
class YankRun(ChangeRun):
    """A run of `yank`."""

    settings: YankSettings


@dataclass(kw_only=True)
class UnyankRun(ChangeRun):
    """A run of `unyank`."""

    settings: UnyankSettings


@dataclass(kw_only=True)
class ReindexRun(ChangeRun):
    """A run of `reindex`."""

    settings: ReindexSettings
