"""The only place with threads. Workers return results; the thread that asked for them does everything else."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, Queue
from typing import TYPE_CHECKING, TypeVar

from prefix_upload.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prefix_upload.background import Waiting

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# How soon a signal is noticed, in seconds.
_POLL = 0.1
# How long work that is under way may take to end after a cancellation, in seconds. The rest of the 5 s that the
# run then has is for summary and outputs.
GRACE = 2.5


@dataclass(slots=True)
class Pool:
    """Runs work on many items at once.

    A cancelled run has one grace, however many calls share it.

    Args:
        is_cancelled: whether the run is to end; items that wait are then dropped.
        clock: seconds that only ever grow.
    """

    is_cancelled: Callable[[], bool]
    clock: Callable[[], float]
    _deadline: float | None = field(default=None, init=False)

    def map(
        self,
        work: Callable[[_Item], _Result],
        items: Iterable[_Item],
        *,
        workers: int,
        on_wait: Callable[[], None],
    ) -> Iterator[_Result]:
        """Yields the results as they come, in any order.

        After a cancellation some are missing: of items that were not begun, and of work that did not end
        within the grace. Its threads are left to end with the process.

        Args:
            work: called in another thread. What it raises is raised here, but for `CancelledError`: then it has
                given way to a cancellation, and its result is missing, too.
            items: what to call it with.
            workers: how many calls to run at once.
            on_wait: called here, several times a second while nothing else happens.
        """
        waiting = deque(items)
        # NOTE: no SimpleQueue: before Python 3.13 its `get` waits for ever if a signal's handler outlasts the timeout.
        results: Queue[_Result | _Raised] = Queue()
        pending = len(waiting)
        for _ in range(min(workers, pending)):
            threading.Thread(target=_serve, args=(work, waiting, results), daemon=True).start()
        try:
            while pending:
                if self.is_cancelled():
                    self._deadline = self._deadline or self.clock() + GRACE
                    pending -= _drop_all(waiting)
                    if self.clock() > self._deadline:
                        return
                try:
                    result = results.get(timeout=_POLL)
                except Empty:
                    on_wait()
                    continue
                pending -= 1
                if not (isinstance(result, _Raised) and isinstance(result.error, CancelledError)):
                    yield _uncaught(result)
        finally:
            _drop_all(waiting)

    def begin(self, work: Callable[[], _Result]) -> Waiting[_Result]:
        """Does the work in a thread of its own. What is returned waits for its result, or raises what it raised."""
        results: list[_Result | _Raised] = []
        is_done = threading.Event()

        def do() -> None:
            results.append(_caught(work))
            is_done.set()

        def wait(seconds: float | None = None) -> _Result:
            if not is_done.wait(seconds):
                raise TimeoutError
            return _uncaught(results[0])

        threading.Thread(target=do, daemon=True).start()
        return wait

    def call(self, work: Callable[[], _Result], on_wait: Callable[[], None] = lambda: None) -> _Result | None:
        """The result of a single piece of work, or `None` if the run was cancelled before it came."""
        return next(self.map(lambda _: work(), [None], workers=1, on_wait=on_wait), None)


@dataclass(frozen=True)
class _Raised:
    """What the work raised, on its way to the thread that asked for it."""

    error: BaseException


def _serve(work: Callable[[_Item], _Result], waiting: deque[_Item], results: Queue[_Result | _Raised]) -> None:
    while True:
        try:
            item = waiting.popleft()
        except IndexError:
            return
        results.put(_caught(partial(work, item)))


def _caught(work: Callable[[], _Result]) -> _Result | _Raised:
    try:
        return work()
    except BaseException as error:  # noqa: BLE001 - raised again by `_uncaught`, in the thread that asked
        return _Raised(error)


def _uncaught(result: _Result | _Raised) -> _Result:
    if isinstance(result, _Raised):
        raise result.error
    return result


def _drop_all(waiting: deque[_Item]) -> int:
    """Empties the queue, item by item, since workers may take from it meanwhile; how many there were."""
    dropped = 0
    while True:
        try:
            waiting.pop()
        except IndexError:
            return dropped
        dropped += 1
