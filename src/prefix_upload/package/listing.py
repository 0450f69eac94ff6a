"""Lists in messages: the first few items, and how many more there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.archive import truncated_repr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# The number of items that a message lists; further ones are only counted.
_LISTED = 3


def listed(items: Sequence[str], show: Callable[[str], str] = truncated_repr) -> str:
    """The first items, separated by commas, and the number of further ones. `show` makes them harmless."""
    more = f" and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return f"{', '.join(map(show, items[:_LISTED]))}{more}"
