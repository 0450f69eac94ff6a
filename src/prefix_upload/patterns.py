"""Glob patterns as users write them, and the limits on them."""

from __future__ import annotations

from typing import NamedTuple

import bracex

MAX_ALTERNATIVES = 1000


class Patterns(NamedTuple):
    """Glob patterns relative to the workspace: files to include, and files to exclude from those."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]


def alternatives(pattern: str) -> list[str]:
    """The patterns that the braces in a pattern expand to."""
    return bracex.expand(pattern, keep_escapes=True, limit=MAX_ALTERNATIVES)


def has_too_many_alternatives(pattern: str) -> bool:
    """Whether the braces in a pattern expand to more than `MAX_ALTERNATIVES` patterns."""
    try:
        alternatives(pattern)
    except bracex.ExpansionLimitException:
        return True
    return False
