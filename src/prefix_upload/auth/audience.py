"""Whom the job's identity is told to: a token names its audience, and nobody else should take it.

Source: prefix.dev's documentation, "Trusted publishing".
"""

from __future__ import annotations

_PREFIX_DEV = "prefix.dev"


def audience_of(host: str) -> str:
    """Whom an identity token for this server has to name: `prefix.dev` for it and its subdomains, else the host."""
    return _PREFIX_DEV if host == _PREFIX_DEV or host.endswith(f".{_PREFIX_DEV}") else host


def looks_like_prefix_dev(host: str) -> bool:
    """Whether it is not prefix.dev, but could be taken for it: such a host gets no identity."""
    return _PREFIX_DEV in host and audience_of(host) != _PREFIX_DEV
