"""Values in messages: shown in quotes, and listed up to a few of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Characters of a value. Enough for the longest file name of a package (CEP 26) and what member names add to it.
_MAX_REPR = 256
# The number of items that a message lists; further ones are only counted.
_MAX_LISTED = 3


def truncated_repr(value: object) -> str:
    """The `repr` of an untrusted name or value, truncated to fit into a message."""
    text = repr(value)
    return text if len(text) <= _MAX_REPR else f"{text[:_MAX_REPR]}…"


def listed(items: Sequence[str], show: Callable[[str], str] = truncated_repr, limit: int = _MAX_LISTED) -> str:
    """The first `limit` items, separated by commas, and the number of further ones. `show` makes them harmless."""
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return f"{', '.join(map(show, items[:limit]))}{more}"
