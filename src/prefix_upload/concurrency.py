"""Runs calls in threads. No other module starts threads.

The threads are daemons that complete `concurrent.futures.Future`s. The executors of the standard library are not used:
they join their threads when the interpreter exits, so a call that a cancelled run has abandoned could delay the exit.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from graphlib import TopologicalSorter
from queue import Empty, Queue, SimpleQueue
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from prefix_upload.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

_Item = TypeVar("_Item")
_Node = TypeVar("_Node", bound="Hashable")
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
    """The number of CPUs that this process may use, or that there are where that is not known (macOS, Windows)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """Runs calls in a bounded number of threads.

    After a cancellation, all calls of the pool share one grace period.

    Args:
        is_cancelled: returns whether the run is cancelled, in any thread. If so, no call starts with another item.
        clock: returns monotonic seconds.
        grace: the grace period, in seconds.
    """

    def __init__(self, is_cancelled: Callable[[], bool], clock: Callable[[], float], grace: float = GRACE) -> None:
        self.is_cancelled = is_cancelled
        self.clock = clock
        self._grace = grace
        self._deadline: float | None = None

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
        ready = list(items)
        return self._run(work, ready, lambda _: (), workers=min(workers, len(ready)), on_wait=on_wait)

    def map_in_order(
        self,
        work: Callable[[_Node], _Result],
        needs: Mapping[_Node, Iterable[_Node]],
        *,
        workers: int,
        on_wait: Callable[[], None],
    ) -> Iterator[_Result]:
        """Like `map`, but calls `work` with an item after the calls with all items that it needs have returned.

        Args:
            work: as for `map`.
            needs: for each item, those that it needs. Without cycles.
            workers: as for `map`.
            on_wait: as for `map`.
        """
        sorter = TopologicalSorter(dict.fromkeys(needs, ()))  # first, so that ready items come in their order
        for item, needed in needs.items():
            sorter.add(item, *needed)
        sorter.prepare()

        def following(item: _Node) -> Iterable[_Node]:
            sorter.done(item)
            return sorter.get_ready()

        return self._run(work, sorter.get_ready(), following, workers=min(workers, len(needs)), on_wait=on_wait)

    def _run(
        self,
        work: Callable[[_Item], _Result],
        ready: Iterable[_Item],
        following: Callable[[_Item], Iterable[_Item]],
        *,
        workers: int,
        on_wait: Callable[[], None],
    ) -> Iterator[_Result]:
        """As `map`. `ready` are the items to start with, and `following` those that become ready after an item."""

        def work_unless_cancelled(item: _Item) -> _Result:
            # Checked where a call starts: a worker may take the next item before the calling thread looks again.
            if self.is_cancelled():
                raise CancelledError
            return work(item)

        queue = _Items[_Item]()
        # NOTE: not SimpleQueue. Before Python 3.13, its `get` never returns if a signal handler outlasts the timeout.
        done: Queue[tuple[_Item, Future[_Result]]] = Queue()
        if not self.is_cancelled():
            queue.put_all(ready)
            for _ in range(workers):
                threading.Thread(target=_worker, args=(work_unless_cancelled, queue, done), daemon=True).start()
        try:
            while queue.unfinished:
                if self._is_grace_over():
                    return
                try:
                    item, future = done.get(timeout=_POLL)
                except Empty:
                    on_wait()
                    continue
                queue.unfinished -= 1
                if not isinstance(future.exception(), CancelledError):
                    result = future.result()
                    queue.put_all(following(item))
                    yield result
        finally:
            queue.clear()
            queue.close(workers)

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
        self._deadline = self._deadline or self.clock() + self._grace
        return self.clock() > self._deadline


class _Items(Generic[_Item]):
    """A queue of items for worker threads. All methods but `get` are for the calling thread.

    Attributes:
        unfinished: the number of items that are queued, or with which calls are running.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[_Item] | None] = SimpleQueue()
        self.unfinished = 0

    def put_all(self, items: Iterable[_Item]) -> None:
        """Adds items."""
        for item in items:
            self.unfinished += 1
            self._queue.put((item,))

    def clear(self) -> None:
        """Drops the items that no call has started with."""
        with suppress(Empty):
            while True:
                self._queue.get_nowait()
                self.unfinished -= 1

    def close(self, workers: int) -> None:
        """Lets each of the workers end once it is idle."""
        for _ in range(workers):
            self._queue.put(None)

    def get(self) -> tuple[_Item] | None:
        """Waits for an item; `None` if there are none any more."""
        return self._queue.get()


def _worker(work: Callable[[_Item], _Result], queue: _Items[_Item], done: Queue[tuple[_Item, Future[_Result]]]) -> None:
    """A worker: puts each item that it takes with a completed future."""
    while (taken := queue.get()) is not None:
        (item,) = taken
        done.put((item, run_inline(partial(work, item))))


def _complete(future: Future[_Result], work: Callable[[], _Result]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - re-raised by `Future.result`
        future.set_exception(error)
    else:
        future.set_result(result)
