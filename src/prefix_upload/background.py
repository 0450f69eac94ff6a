"""Work in the background, for the modules that start no threads: only `publish` does, and passes on a `Begin`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")

# The bytes of a file from which on its hashes are worth a thread.
_LARGE = 2**23


class Begin(Protocol):
    """Begins a piece of work. What is returned waits for its result, or raises what the work raised."""

    def __call__(self, work: Callable[[], _Result], /) -> Callable[[], _Result]:
        """The work may go on until its result is waited for."""


def at_once(work: Callable[[], _Result]) -> Callable[[], _Result]:
    """A `Begin` that has done the work when it returns."""
    result = work()
    return lambda: result


def suited_to(size: int, begin: Begin) -> Begin:
    """`begin` for a file of so many bytes that it pays."""
    return begin if size >= _LARGE else at_once
