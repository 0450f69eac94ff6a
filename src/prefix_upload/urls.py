"""What matters about a URL: its origin, and whether others can read what is sent to it."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

DEFAULT_PORTS = {"https": 443, "http": 80}
# Where the host is in a URL, and what parsers read differently there: for `urlsplit` a backslash is a part of the host,
# or of the user before it, while for urllib3 the host ends there (as the WHATWG's URL standard says). Line breaks and
# percent signs are ignored or decoded by one of them only.
_AUTHORITY = r"[^/?#]*//([^/?#]*)"
_AMBIGUOUS = r"\\|[\s\x00-\x1f\x7f%](?!.*@)"
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str | None) -> bool:
    """Whether a host, as in `SplitResult.hostname`, is this machine."""
    if host is None or host in LOOPBACK_HOSTS:
        return host is not None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def uses_secure_transport(url: str) -> bool:
    """Whether the URL protects what is sent to it: it is `https`, or its host is one of `LOOPBACK_HOSTS`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port, with the default port of the scheme if the URL names none (RFC 6454).

    Raises:
        ValueError: the URL is malformed, or not every parser finds the same host in it.
    """
    authority = re.match(_AUTHORITY, url)
    if authority is not None and re.search(_AMBIGUOUS, authority[1]):
        raise ValueError("ambiguous host")
    return _origin(url)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)


def is_same_site(url: str, server_url: str) -> bool:
    """Whether a URL is the server's own: of its origin, or `https` on a subdomain of its host.

    Raises:
        ValueError: a URL is malformed.
    """
    scheme, host, _ = origin = origin_of(url)
    server = origin_of(server_url)
    _, server_host, _ = server
    is_subdomain = str(host).endswith(f".{server_host}") and not _is_address(server_host)
    return origin == server or (scheme == "https" and is_subdomain)


def _is_address(host: str | None) -> bool:
    try:
        ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return True


def host_and_port(url: str) -> str:
    """Host and port, as shown to users; without user and password.

    Raises:
        ValueError: the URL is malformed.
    """
    _, host, port = _origin(url)
    shown = f"[{host}]" if host and ":" in host else str(host)
    return f"{shown}:{port}" if port else shown


def channel_page(server_url: str, channel: str) -> str:
    """The web page of a channel.

    That of a namespace's own channel has no `@`: `/channels/chan`, but `/channels/@ns/chan`.
    """
    return f"{server_url}/channels/{'@' if '/' in channel else ''}{channel}"
