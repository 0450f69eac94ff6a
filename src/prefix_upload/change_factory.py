"""Creates runs of the commands that change what is on a channel."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prefix_upload.prefix_dev.changes import Changes
from prefix_upload.prefix_dev.listing import ChannelListing
from prefix_upload.settings.change_settings import DeleteSettings, ReindexSettings, UnyankSettings, YankSettings
from prefix_upload.steps.change_run import ChangeRun, DeleteRun, ReindexRun, UnyankRun, YankRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefix_upload.auth import Credentials
    from prefix_upload.concurrency import Pool
    from prefix_upload.http import Client, RetryPolicy
    from prefix_upload.prefix_dev import Channel
    from prefix_upload.settings.settings import Settings
    from prefix_upload.steps.progress import ProgressReporter


def create_change_run(
    settings: Settings,
    *,
    channel: Channel,
    client: Client,
    credentials: Credentials,
    retry_policy: RetryPolicy,
    pool: Pool,
    reporter: ProgressReporter,
    sleep: Callable[[float], None],
) -> ChangeRun:
    """The run for the settings of one of these commands; the other arguments are those of `Run` and `Changes`."""
    tools: dict[str, Any] = {
        "channel": channel,
        "pool": pool,
        "reporter": reporter,
        "sleep": sleep,
        "listing": ChannelListing(channel.queries, settings.channel),
        "changes": Changes(client, settings.channel, credentials, retry_policy, channel.queries),
        "now": datetime.now(UTC),
    }
    match settings:
        case DeleteSettings():
            return DeleteRun(settings=settings, **tools)
        case YankSettings():
            return YankRun(settings=settings, **tools)
        case UnyankSettings():
            return UnyankRun(settings=settings, **tools)
        case ReindexSettings():
            return ReindexRun(settings=settings, **tools)
    raise TypeError(settings)
