"""Pages of a prefix.dev server on which credentials are set up."""

from __future__ import annotations

from prefix_upload.urls import channel_page


def api_keys_page(server_url: str) -> str:
    """The page on which users create API keys."""
    return f"{server_url}/settings/api_keys"


def publishers_page(server_url: str, channel: str) -> str:
    """The settings of a channel, where its trusted publishers are registered under "Repository Access".

    Source: prefix.dev's documentation, "Repository access".
    """
    return f"{channel_page(server_url, channel)}/settings"
