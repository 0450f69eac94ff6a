"""Work in the background, for the modules that start no threads: only `publish` does, and passes on a `Begin`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")
_Result_co = TypeVar("_Result_co", covariant=True)

# The bytes of a file from which on its hashes are worth a thread.
_LARGE = 2**23


class Waiting(Protocol[_Result_co]):
    """Waits for the result of what has begun, or raises what that raised."""

    def __call__(self, seconds: float | None = None, /) -> _Result_co:
        """Waits so many seconds at most, if any are said.

        Raises:
            TimeoutError: there is no result by then. The work goes on.
        """


class Begin(Protocol):
    """Begins a piece of work."""

    def __call__(self, work: Callable[[], _Result], /) -> Waiting[_Result]:
        """The work may go on until its result is waited for."""


def at_once(work: Callable[[], _Result]) -> Waiting[_Result]:
    """A `Begin` that has done the work when it returns."""
    result = work()
    return lambda _=None: result


def suited_to(size: int, begin: Begin) -> Begin:
    """`begin` for a file of so many bytes that it pays."""
    return begin if size >= _LARGE else at_once
