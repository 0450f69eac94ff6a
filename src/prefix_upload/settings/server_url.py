"""The parser of the input `server-url`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prefix_upload.settings.parsers import InputError, without_credentials
from prefix_upload.urls import DEFAULT_PORTS, uses_secure_transport

if TYPE_CHECKING:
    from prefix_upload.settings.parsers import Context

# Anything that has a host with a dot in it, such as `prefix.dev/channels`.
_WITH_HOST = r"(?i)(?:[a-z]+:/*)?((?:[a-z0-9-]+\.)+[a-z0-9-]+(?::[0-9]{1,4})?)(?:[/?#].*)?"


def server_url(text: str, _: Context) -> str:
    """Parses the origin of a server. The value has no trailing slash and no default port."""
    shown = without_credentials(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InputError(f"is {shown!r}, which is not a URL", _suggestion(text)) from None
    host = parts.hostname or ""
    if not re.fullmatch(r"[a-z0-9.-]+|[0-9a-f:]+", host) or parts.scheme not in {"http", "https"}:
        raise InputError(f"is {shown!r}, which is not an http(s) URL", _suggestion(text))
    netloc = f"[{host}]" if ":" in host else host
    netloc += f":{port}" if port not in {None, DEFAULT_PORTS[parts.scheme]} else ""
    if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise InputError(
            f"is {shown!r}, which has more than scheme, host and port",
            f"Write '{parts.scheme}://{netloc}' and nothing after it.",
        )
    if not uses_secure_transport(text):
        raise InputError(
            f"is {shown!r}, which would send the token over unencrypted http", f"Write 'https://{netloc}'."
        )
    return f"{parts.scheme}://{netloc}"


def _suggestion(text: str) -> str:
    match = re.fullmatch(_WITH_HOST, text)
    return f"Write 'https://{match[1].lower()}'." if match else "Write 'https://' and the host."
