"""The audience of identity tokens: a token names the server that it is for, and no other should accept it.

Source: prefix.dev's documentation, "Trusted publishing".
"""

from __future__ import annotations

_PREFIX_DEV = "prefix.dev"


def audience_of(host: str) -> str:
    """The audience of identity tokens for this host: `prefix.dev` for it and its subdomains, otherwise the host."""
    return _PREFIX_DEV if is_prefix_dev(host) else host


def is_prefix_dev(host: str) -> bool:
    """Whether the host is prefix.dev or one of its subdomains."""
    return host == _PREFIX_DEV or host.endswith(f".{_PREFIX_DEV}")


def looks_like_prefix_dev(host: str) -> bool:
    """Whether the host is not prefix.dev, but could be mistaken for it. Such a host must not get an identity token."""
    return _PREFIX_DEV in host and not is_prefix_dev(host)
