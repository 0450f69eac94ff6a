"""Runs calls in threads. No other module starts threads.

The threads are daemons that complete `concurrent.futures.Future`s. The executors of the standard library are not used:
they join their threads when the interpreter exits, so a call that a cancelled run has abandoned could delay the exit.
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

# Seconds between two checks for a cancellation.
_POLL = 0.1
# Seconds that running calls have to return after a cancellation. The whole run has 5 s; the rest is for summary and
# outputs.
GRACE = 2.5
# Files of at least this many bytes are worth an additional thread.
_LARGE = 2**23


class Submit(Protocol):
    """Starts a call, as `concurrent.futures.Executor.submit` does."""

    def __call__(self, work: Callable[[], _Result], /) -> Future[_Result]:
        """Starts `work` and returns the future of its result."""


def run_inline(work: Callable[[], _Result]) -> Future[_Result]:
    """A `Submit` that runs the call immediately, in the calling thread."""
    future: Future[_Result] = Future()
    _complete(future, work)
    return future


def start_thread(work: Callable[[], _Result]) -> Future[_Result]:
    """A `Submit` that runs the call in a new thread."""
    future: Future[_Result] = Future()
    threading.Thread(target=_complete, args=(future, work), daemon=True).start()
    return future


def submit_if_large(size: int, submit: Submit) -> Submit:
    """`submit` if `size` is at least 8 MiB, else `run_inline`: a thread costs more than hashing a small file."""
    return submit if size >= _LARGE else run_inline


def available_cpus() -> int:
    """The number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(slots=True)
class Pool:
    """Runs calls in a bounded number of threads.

    After a cancellation, all calls of the pool share one grace period of `GRACE` seconds.

    Args:
        is_cancelled: returns whether the run is cancelled. If so, items that are still queued are dropped.
        clock: returns monotonic seconds.
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

        After a cancellation, some results are missing: those of queued items, and those of calls that do not return
        within the grace period, whose threads are abandoned. A pool that is already cancelled starts no calls.

        Args:
            work: called in a worker thread with one item. Its exceptions are re-raised here, except `CancelledError`:
                the call has stopped because of the cancellation, and its result is missing.
            items: the arguments of the calls.
            workers: how many calls run at the same time.
            on_wait: called in the calling thread, several times a second while there is no result.
        """
        queued = deque(() if self.is_cancelled() else items)
        # NOTE: not SimpleQueue. Before Python 3.13, its `get` never returns if a signal handler outlasts the timeout.
        done: Queue[Future[_Result] | None] = Queue()
        running = min(workers, len(queued))
        for _ in range(running):
            threading.Thread(target=_worker, args=(work, queued, done), daemon=True).start()
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
        """Returns the result of a single call in a new thread. A pool that is already cancelled still makes the call.

        Returns `None` if the call raises `CancelledError`, or does not return within the grace period.
        """
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


def _worker(work: Callable[[_Item], _Result], queued: deque[_Item], done: Queue[Future[_Result] | None]) -> None:
    """A worker: puts a completed future for each item that it takes, and `None` once the queue is empty."""
    while True:
        try:
            item = queued.popleft()
        except IndexError:
            done.put(None)
            return
        done.put(run_inline(partial(work, item)))


def _complete(future: Future[_Result], work: Callable[[], _Result]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - re-raised by `Future.result`
        future.set_exception(error)
    else:
        future.set_result(result)
