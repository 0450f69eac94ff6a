"""Pages of a prefix.dev server on which credentials are set up."""

from __future__ import annotations


def api_keys_page(server_url: str) -> str:
    """The page on which users create API keys."""
    return f"{server_url}/settings/api_keys"


def publishers_page(server_url: str, channel: str) -> str:
    """The settings of a channel, where its trusted publishers are registered under "Repository Access".

    Source: prefix.dev's documentation, "Repository access".
    """
    path = f"@{channel}" if "/" in channel else channel
    return f"{server_url}/channels/{path}/settings"
