"""Creates runs of the commands that change what is on a channel."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prefix_upload.prefix_dev.changes import Changes
from prefix_upload.prefix_dev.listing import ChannelListing
from prefix_upload.settings.change_settings import DeleteSettings, ReindexSettings, UnyankSettings, YankSettings
from prefix_upload.steps.change_run import ChangeRun, DeleteRun, ReindexRun, UnyankRun, YankRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefix_upload.auth import Credentials
    from prefix_upload.http import Client, RetryPolicy
    from prefix_upload.settings.settings import Settings
    from prefix_upload.steps.run import Tools

_RUNS: Mapping[type[Settings], type[ChangeRun]] = {
    DeleteSettings: DeleteRun,
    YankSettings: YankRun,
    UnyankSettings: UnyankRun,
    ReindexSettings: ReindexRun,
}


def create_change_run(
    settings: Settings,
    tools: Tools,
    *,
    client: Client,
    credentials: Credentials,
    retry_policy: RetryPolicy,
) -> ChangeRun:
    """The run for the settings of one of these commands; the other arguments are those of `Run` and `Changes`."""
    queries = tools.channel.queries
    return _RUNS[type(settings)](
        settings,
        tools,
        listing=ChannelListing(queries, settings.channel),
        changes=Changes(client, settings.channel, credentials, retry_policy, queries),
        now=datetime.now(UTC),
    )
