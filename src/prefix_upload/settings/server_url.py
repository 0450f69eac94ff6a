"""The parser of the input `server-url`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prefix_upload.http.urls import DEFAULT_PORTS, uses_secure_transport
from prefix_upload.settings.parsers import InputError

if TYPE_CHECKING:
    from prefix_upload.settings.parsers import Context

# User and password in a URL, which are not shown.
_PASSWORD = re.compile(r"//[^/]*:[^@]*@")


def server_url(text: str, _: Context) -> str:
    """Parses the origin of a server. The value has no trailing slash and no default port."""
    shown = _PASSWORD.sub("//***@", text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InputError(f"is {shown!r}, which is not a URL", "Write 'https://' and the host.") from None
    host = parts.hostname or ""
    if not re.fullmatch(r"[a-z0-9.-]+|[0-9a-f:]+", host) or parts.scheme not in {"http", "https"}:
        raise InputError(f"is {shown!r}, which is not an http(s) URL", "Write 'https://' and the host.")
    if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        where = f"{host}:{port}" if port else host
        raise InputError(
            "has more than scheme, host and port", f"Write '{parts.scheme}://{where}' and nothing after it."
        )
    if not uses_secure_transport(text):
        raise InputError(f"is {shown!r}, which would send the token over unencrypted http", f"Write 'https://{host}'.")
    netloc = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{netloc}" + (f":{port}" if port not in {None, DEFAULT_PORTS[parts.scheme]} else "")
