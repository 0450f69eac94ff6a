"""Splits items into groups of bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_Item = TypeVar("_Item")


def batches(items: Sequence[_Item], size: int) -> list[Sequence[_Item]]:
    """The items in order, in groups of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]
