"""Parses the channel, in the forms in which people copy it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prefix_upload.errors import setting
from prefix_upload.settings.parsers import InputError, without_credentials
from prefix_upload.urls import DEFAULT_PORTS

if TYPE_CHECKING:
    from prefix_upload.settings.parsers import Context

# One part of a channel's path (CEP 26, "Channel base URLs"). prefix.dev also allows upper case.
_CHANNEL_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
# The pages below a channel's page on prefix.dev.
_PAGES = frozenset({"packages", "settings"})


def channel(text: str, context: Context) -> str:
    """Parses a channel, written as its path or as one of its addresses on the server. The value is the path."""
    if not text:
        raise InputError("is missing", "Write the path of the channel: 'namespace' or 'namespace/channel'.")
    if text.startswith("@"):
        raise InputError(f"is {without_credentials(text)!r}", f"Write it without the '@': '{text.lstrip('@')}'.")
    url = _as_url(text, context.server_url)
    path = text.rstrip("/") if url is None else _path_of_channel_url(url, context.server_url)
    parts = path.split("/")
    if len(parts) > 2 or not all(_CHANNEL_PART.fullmatch(part) for part in parts):  # noqa: PLR2004 - as the hint below says
        raise InputError(
            f"is {without_credentials(text)!r}, which is not a channel name",
            "Write 'namespace' or 'namespace/channel', with letters, digits, '.', '_' and '-'.",
        )
    return path


def _as_url(text: str, server_url: str) -> str | None:
    """The URL in a text, which may lack its scheme; `None` if the text is not a URL."""
    if "://" in text:
        return text
    server = urlsplit(server_url)
    host, slash, _ = text.partition("/")
    is_url = slash and host.lower() in {server.netloc, f"repo.{server.netloc}"}
    return f"{server.scheme}://{text}" if is_url else None


def _path_of_channel_url(text: str, server_url: str) -> str:
    """The channel's path in a URL copied from a browser, `.condarc` or `pixi.toml`."""
    server = urlsplit(server_url)
    try:
        parts = urlsplit(text)
        port = None if parts.port == DEFAULT_PORTS.get(parts.scheme) else parts.port
        origin = (parts.hostname, port)
    except ValueError:
        raise InputError(
            f"is {without_credentials(text)!r}, which is not a URL", "Write 'namespace/channel'."
        ) from None
    if origin not in {(server.hostname, server.port), (f"repo.{server.hostname}", server.port)}:
        raise InputError(
            f"is a URL on {parts.hostname!r}, but the server is {server_url}",
            f"Write 'namespace/channel', or set {setting('server-url')} to the server of that channel.",
        )
    path = parts.path.strip("/")
    is_page = path.partition("/")[0] == "channels"
    return _path_of_page(path.partition("/")[2]) if is_page else path


def _path_of_page(path: str) -> str:
    """The channel's path in the path of its page, or of one of the pages below it: `@namespace/channel/packages/…`."""
    parts = path.removeprefix("@").split("/")

    def is_page(index: int) -> bool:
        return index < len(parts) and parts[index] in _PAGES

    # The page of a namespace's primary channel has only one part.
    depth = 2 if path.startswith("@") or not is_page(1) else 1
    return "/".join(parts[:depth] if is_page(depth) else parts)
