"""The checked inputs of the commands that have no action. What they lack has a value without a meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.settings.settings import LocalSettings, Settings

if TYPE_CHECKING:
    from prefix_upload.secret import Secret


class CheckSettings(LocalSettings):
    """The settings of `check`, which sends no requests."""

    command = "check"

    channel: str = ""
    token: Secret | None = None
    server_url: str = ""
    retries: int = 0
    timeout: int = 1
    summary: bool = False


class WhoamiSettings(Settings):
    """The settings of `whoami`."""

    command = "whoami"

    channel: str = ""
    summary: bool = False
