"""What matters about a URL: its origin, and whether others can read what is sent to it."""

from __future__ import annotations

from urllib.parse import urlsplit

DEFAULT_PORTS = {"https": 443, "http": 80}
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def uses_secure_transport(url: str) -> bool:
    """Whether the URL protects what is sent to it: it is `https`, or its host is a loopback host."""
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
