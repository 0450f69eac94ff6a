"""Parses the channel, in the forms in which people copy it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prefix_upload.errors import setting
from prefix_upload.http.urls import DEFAULT_PORTS
from prefix_upload.settings.parsers import InputError

if TYPE_CHECKING:
    from prefix_upload.settings.parsers import Context

# One part of a channel's path (CEP 26, "Channel base URLs"). prefix.dev also allows upper case.
_CHANNEL_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
# The first part of what follows the channel in the addresses of its pages.
_PAGES_OF_A_CHANNEL = frozenset({"packages", "settings"})


def channel(text: str, context: Context) -> str:
    """Parses a channel, written as its path or as its URL on the server. The value is the path."""
    if not text:
        raise InputError("is missing", "Write the channel to publish to: 'namespace' or 'namespace/channel'.")
    if text.startswith("@"):
        raise InputError(f"is {text!r}", f"Write it without the '@': '{text.lstrip('@')}'.")
    server = urlsplit(context.server_url)
    has_no_scheme = text.lower().startswith((f"{server.netloc}/", f"repo.{server.netloc}/"))
    url = f"{server.scheme}://{text}" if has_no_scheme else text
    path = _path_of_channel_url(url, context.server_url) if "://" in url else text.rstrip("/")
    parts = path.split("/")
    if len(parts) > 2 or not all(_CHANNEL_PART.fullmatch(part) for part in parts):  # noqa: PLR2004 - as the hint below says
        raise InputError(
            f"is {text!r}, which is not a channel name",
            "Write 'namespace' or 'namespace/channel', with letters, digits, '.', '_' and '-'.",
        )
    return path


def _path_of_channel_url(text: str, server_url: str) -> str:
    """The channel's path in a URL copied from a browser, `.condarc` or `pixi.toml`."""
    server = urlsplit(server_url)
    try:
        parts = urlsplit(text)
        port = None if parts.port == DEFAULT_PORTS.get(parts.scheme) else parts.port
        origin = (parts.hostname, port)
    except ValueError:
        raise InputError(f"is {text!r}, which is not a URL", "Write 'namespace/channel'.") from None
    if origin not in {(server.hostname, server.port), (f"repo.{server.hostname}", server.port)}:
        raise InputError(
            f"is a URL on {parts.hostname!r}, but the server is {server_url}",
            f"Write 'namespace/channel', or set {setting('server-url')} to the server of that channel.",
        )
    return _path_of_page(parts.path.strip("/"))


def _path_of_page(path: str) -> str:
    """The channel's path in the path of one of its web pages, such as `channels/@octo/stable/packages/tool`."""
    page = path.removeprefix("channels/")
    if page == path:
        return path
    parts = page.removeprefix("@").split("/")
    # The page of a namespace's own channel has only one part.
    is_own = not page.startswith("@") and parts[1:2] and parts[1] in _PAGES_OF_A_CHANNEL
    size = 1 if is_own else 2
    is_below_channel = len(parts) > size and parts[size] in _PAGES_OF_A_CHANNEL
    return "/".join(parts[:size] if is_below_channel else parts)
