"""Work in threads. No other module starts any.

Threads are daemons that fill `concurrent.futures.Future`s. The executors of the standard library are not used: they
join their threads when the interpreter exits, so that a call which a cancelled run has given up could hold up its end.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, Queue
from typing import TYPE_CHECKING, Protocol, TypeVar

from prefix_upload.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# How soon a signal is noticed, in seconds.
_POLL = 0.1
# Seconds that running calls have to return after a cancellation. The run has 5 s in all; the rest is for summary and
# outputs.
GRACE = 2.5
# Files of at least this many bytes are worth a thread for each hash.
_LARGE = 2**23


class Submit(Protocol):
    """Starts a call, as `concurrent.futures.Executor.submit` does."""

    def __call__(self, work: Callable[[], _Result], /) -> Future[_Result]:
        """Returns the future result of `work`."""


def run_inline(work: Callable[[], _Result]) -> Future[_Result]:
    """A `Submit` that has done the work when it returns."""
    future: Future[_Result] = Future()
    _fulfil(future, work)
    return future


def start_thread(work: Callable[[], _Result]) -> Future[_Result]:
    """A `Submit` that does the work in a thread of its own."""
    future: Future[_Result] = Future()
    threading.Thread(target=_fulfil, args=(future, work), daemon=True).start()
    return future


def submit_if_large(size: int, submit: Submit) -> Submit:
    """`submit` for a file of at least 8 MiB, else `run_inline`: a thread costs more than hashing a small file."""
    return submit if size >= _LARGE else run_inline


def available_cpus() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(slots=True)
class Pool:
    """Runs calls in bounded numbers of threads.

    After a cancellation all calls of the pool share one grace period.

    Args:
        is_cancelled: whether the run is cancelled. Items that are still queued are then dropped.
        clock: monotonic seconds.
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
        """Yields results as they complete, in any order.

        After a cancellation some are missing: those of queued items, and those of calls that have not returned within
        the grace period. Their threads are abandoned. A cancelled pool begins nothing.

        Args:
            work: called in a worker thread. What it raises is raised here, except `CancelledError`, which means that
                it gave way to a cancellation: its result is missing, too.
            items: the arguments of the calls.
            workers: how many calls run at the same time.
            on_wait: called in this thread, several times a second while no result comes.
        """
        queued = deque(() if self.is_cancelled() else items)
        # NOTE: no SimpleQueue. Before Python 3.13 its `get` never returns if a signal handler outlasts the timeout.
        done: Queue[Future[_Result] | None] = Queue()
        running = min(workers, len(queued))
        for _ in range(running):
            threading.Thread(target=_serve, args=(work, queued, done), daemon=True).start()
        try:
            while running:
                if self.is_cancelled():
                    queued.clear()
                if self._is_grace_over():
                    return
                try:
                    future = done.get(timeout=_POLL)
                except Empty:
                    on_wait()
                    continue
                if future is None:
                    running -= 1
                elif not isinstance(future.exception(), CancelledError):
                    yield future.result()
        finally:
            queued.clear()

    def call(self, work: Callable[[], _Result], on_wait: Callable[[], None] = lambda: None) -> _Result | None:
        """The result of a single call, which a cancelled pool makes, too; `None` if it outlasts the grace period."""
        future = start_thread(work)
        while not wait([future], _POLL).done:
            if self._is_grace_over():
                return None
            on_wait()
        return None if isinstance(future.exception(), CancelledError) else future.result()

    def _is_grace_over(self) -> bool:
        if not self.is_cancelled():
            return False
        self._deadline = self._deadline or self.clock() + GRACE
        return self.clock() > self._deadline


def _serve(work: Callable[[_Item], _Result], queued: deque[_Item], done: Queue[Future[_Result] | None]) -> None:
    """One worker: puts a future for each item that it took, and `None` when nothing is queued any more."""
    while True:
        try:
            item = queued.popleft()
        except IndexError:
            done.put(None)
            return
        done.put(run_inline(partial(work, item)))


def _fulfil(future: Future[_Result], work: Callable[[], _Result]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - raised by `Future.result`, in the thread that asks for it
        future.set_exception(error)
    else:
        future.set_result(result)
