"""Runs of the commands that change what is on a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.steps.run import Run, Tools

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
    from prefix_upload.settings.settings import Settings


class ChangeRun(Run):
    """What the steps of the commands share that change what is on a channel.

    Args:
        settings: as for `Run`.
        tools: as for `Run`.
        listing: lists the channel.
        changes: changes it.
        now: the time that ages are counted to, with a time zone.
    """

    def __init__(
        self, settings: Settings, tools: Tools, *, listing: ChannelListing, changes: Changes, now: datetime
    ) -> None:
        super().__init__(settings, tools)
        self.listing = listing
        self.changes = changes
        self.now = now


class DeleteRun(ChangeRun):
    """A run of `delete`."""

    settings: DeleteSettings


class YankRun(ChangeRun):
    """A run of `yank`."""

    settings: YankSettings


class UnyankRun(ChangeRun):
    """A run of `unyank`."""

    settings: UnyankSettings


class ReindexRun(ChangeRun):
    """A run of `reindex`."""

    settings: ReindexSettings
