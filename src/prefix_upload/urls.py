"""What matters about a URL: its origin, and whether others can read what is sent to it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

DEFAULT_PORTS = {"https": 443, "http": 80}
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
        ValueError: the URL is malformed.
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)


def host_and_port(url: str) -> str:
    """Host and port, as shown to users; without user and password.

    Raises:
        ValueError: the URL is malformed.
    """
    _, host, port = origin_of(url)
    shown = f"[{host}]" if host and ":" in host else str(host)
    return f"{shown}:{port}" if port else shown
