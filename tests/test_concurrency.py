"""Work on many items at once, its failures, and its end when the run is cancelled."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefix_upload import concurrency
from prefix_upload.concurrency import Pool, run_inline, start_thread, submit_if_large
from prefix_upload.errors import CancelledError
from support.running import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for longer than needed."""
    monkeypatch.setattr(concurrency, "_POLL", 0.001)


def nothing() -> None:
    """Called while nothing happens."""


def join_all(workers: Iterable[threading.Thread]) -> None:
    """Waits until these threads have ended, so that they can start nothing more."""
    for worker in list(workers):
        worker.join(10)
        assert not worker.is_alive()


def pool(is_cancelled: Callable[[], bool] = lambda: False, clock: Callable[[], float] = lambda: 0.0) -> Pool:
    return Pool(is_cancelled=is_cancelled, clock=clock)


@pytest.mark.parametrize("count", [0, 1, 3, 100])
@pytest.mark.parametrize("size", [1, 4])
def test_every_item_has_one_result(count: int, size: int) -> None:
    """In any order."""
    results = pool().map(lambda item: item * 2, range(count), workers=size, on_wait=nothing)
    assert sorted(results) == [item * 2 for item in range(count)]


def test_items_run_at_the_same_time_but_not_more_than_asked_for() -> None:
    """Four meet at a barrier of four; five at once there are never."""
    barrier = threading.Barrier(4, timeout=10)
    running = []
    most = []

    def work(item: int) -> int:
        running.append(item)
        most.append(len(running))
        barrier.wait()
        running.remove(item)
        barrier.wait()
        return item

    assert len(list(pool().map(work, range(12), workers=4, on_wait=nothing))) == 12
    assert max(most) == 4


def test_no_more_threads_than_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single item starts a single thread, however many workers are allowed."""
    started = []

    class Noted(threading.Thread):
        def start(self) -> None:
            started.append(self)
            super().start()

    monkeypatch.setattr(threading, "Thread", Noted)
    assert list(pool().map(lambda _: threading.current_thread(), ["a"], workers=32, on_wait=nothing)) == started


@pytest.mark.parametrize("error", [ValueError("boom"), KeyboardInterrupt("boom")], ids=repr)
def test_what_work_raises_is_raised_to_the_caller(error: BaseException) -> None:
    """And the items that were not begun never are."""
    begun = []
    workers = set()
    may_go_on = threading.Event()

    def work(item: int) -> None:
        begun.append(item)
        workers.add(threading.current_thread())
        if item:
            may_go_on.wait(10)
        raise error

    with pytest.raises(type(error), match="boom"):
        list(pool().map(work, range(100), workers=1, on_wait=nothing))
    may_go_on.set()
    join_all(workers)
    assert begun in ([0], [0, 1])


def test_a_caller_that_stops_asking_ends_the_work() -> None:
    """What was not begun never is."""
    begun = []
    workers = set()
    may_go_on = threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        workers.add(threading.current_thread())
        if item:
            may_go_on.wait(10)
        return item

    results = pool().map(work, range(100), workers=1, on_wait=nothing)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]  # it is a generator
    may_go_on.set()
    join_all(workers)
    assert begun in ([0], [0, 1])


def test_calls_that_raise_cancelled_error_have_no_result() -> None:
    """The results of all other calls are still returned."""

    def work(item: int) -> int:
        if item == 1:
            raise CancelledError
        return item

    assert sorted(pool().map(work, range(4), workers=2, on_wait=nothing)) == [0, 2, 3]


def test_waiting_is_told() -> None:
    """The caller hears of it while nothing else happens."""
    done = threading.Event()
    results = pool().map(lambda _: done.wait(10), [1], workers=1, on_wait=done.set)
    assert list(results) == [True]


@pytest.mark.usefixtures("handlers")
def test_a_signal_does_not_end_the_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where its handler takes longer than what is left of the wait."""
    monkeypatch.setattr(concurrency, "_POLL", 0.05)
    main = threading.get_ident()
    waits = threading.Semaphore(0)
    signal.signal(signal.SIGTERM, lambda *_: threading.Event().wait(0.1))

    def work(_: int) -> bool:
        waits.acquire(timeout=10)  # so the caller waits again, for most of the time of a poll
        signal.pthread_kill(main, signal.SIGTERM)
        return waits.acquire(timeout=10)

    assert list(pool().map(work, [1], workers=1, on_wait=waits.release)) == [True]


def test_a_thread_of_its_own() -> None:
    """The result of the call, or what it raised, is in its future."""
    may_end = threading.Event()
    waiting = start_thread(lambda: (may_end.wait(10), threading.get_ident()))
    failing = start_thread(lambda: 1 // 0)
    with pytest.raises(TimeoutError):
        waiting.result(0.001)
    may_end.set()
    ended, thread = waiting.result()
    assert waiting.result(10) == (ended, thread)
    assert (ended, thread == threading.get_ident()) == (True, False)
    with pytest.raises(ZeroDivisionError):
        failing.result()


def test_a_call_inline() -> None:
    """It has returned, or raised, when its future is there."""
    assert run_inline(threading.get_ident).result(0) == threading.get_ident()
    assert isinstance(run_inline(lambda: 1 // 0).exception(0), ZeroDivisionError)


def test_only_large_files_get_a_thread() -> None:
    """Of 8 MiB and more."""
    assert submit_if_large(2**23 - 1, start_thread) is run_inline
    assert submit_if_large(2**23, start_thread) is start_thread


def test_no_thread_holds_up_the_end_of_the_interpreter() -> None:
    """Neither a worker nor a thread that a cancelled run has abandoned is joined at exit."""
    script = """\
import sys, threading; sys.path.insert(0, 'src')
from prefix_upload.errors import CancelledError
from prefix_upload.concurrency import Pool, start_thread
never = threading.Event()
start_thread(never.wait)
times = iter(range(0, 1000, 10))
begun = threading.Event()
pool = Pool(is_cancelled=begun.is_set, clock=lambda: float(next(times)))
print(list(pool.map(lambda _: begun.set() or never.wait(), [1], workers=1, on_wait=lambda: None)))
print(pool.call(never.wait))
"""
    command = [sys.executable, "-I", "-c", script]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, timeout=60, check=True)  # noqa: S603 - this interpreter
    assert run.stdout == b"[]\nNone\n"


def test_a_call() -> None:
    """Its result; or nothing if the run is cancelled and it does not end within the grace."""
    assert pool().call(lambda: 5) == 5
    seconds = itertools.count(step=10)
    begun, ends = threading.Event(), threading.Event()

    def work() -> bool:
        begun.set()
        return ends.wait(10)

    assert pool(begun.is_set, lambda: float(next(seconds))).call(work) is None
    ends.set()


def test_a_cancelled_pool_maps_nothing() -> None:
    """Not even to drop it."""
    begun: list[int] = []
    assert list(pool(lambda: True).map(begun.append, range(9), workers=3, on_wait=nothing)) == []
    assert begun == []


def test_a_cancelled_pool_calls_all_the_same() -> None:
    """What comes back within the grace period counts, but for what gave way to the cancellation."""
    cancelled = pool(lambda: True)
    assert cancelled.call(lambda: 5) == 5

    def give_way() -> None:
        raise CancelledError

    assert cancelled.call(give_way) is None
    with pytest.raises(ZeroDivisionError):
        cancelled.call(lambda: 1 // 0)


def test_a_cancellation_drops_what_was_not_begun() -> None:
    """What is under way may come to its end."""
    begun: list[int] = []
    cancelled, may_return = threading.Event(), threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        may_return.wait(10)
        return item

    def on_wait() -> None:
        if len(begun) == 2:
            (may_return if cancelled.is_set() else cancelled).set()

    assert sorted(pool(cancelled.is_set).map(work, range(100), workers=2, on_wait=on_wait)) == [0, 1]


def test_no_call_starts_after_a_cancellation() -> None:
    """Not even one that a worker takes before the caller looks."""
    begun: list[int] = []
    results = pool(lambda: bool(begun)).map(begun.append, range(9), workers=1, on_wait=nothing)
    assert list(results) == [None]
    assert begun == [0]


def test_a_cancellation_waits_for_the_grace_and_no_longer() -> None:
    """By the clock that was passed in; what does not end is left to end with the process."""
    now = [100.0]
    begun: list[int] = []
    ends = threading.Event()

    def work(item: int) -> None:
        begun.append(item)
        ends.wait(10)

    def is_cancelled() -> bool:
        return len(begun) == 3

    def on_wait() -> None:
        now[0] += 0.5 * is_cancelled()

    assert list(pool(is_cancelled, lambda: now[0]).map(work, range(9), workers=3, on_wait=on_wait)) == []
    ends.set()
    # The clock may pass once more while the last call of `on_wait` and the look at the clock cross.
    assert 100.0 + concurrency.GRACE < now[0] <= 100.0 + concurrency.GRACE + 1.0
    assert len(begun) == 3


@given(
    st.lists(st.sets(st.integers(0, 30), max_size=4), max_size=30),
    st.integers(1, 6),
)
def test_what_an_item_needs_comes_first(needs: list[set[int]], workers: int) -> None:
    """Everything has a result, after the call with each item that it needs has returned."""
    graph = {item: sorted(other for other in others if other < item) for item, others in enumerate(needs)}
    returned: set[int] = set()

    def work(item: int) -> int:
        assert returned.issuperset(graph[item])
        returned.add(item)
        return item

    results = list(pool().map_in_order(work, graph, workers=workers, on_wait=nothing))
    assert sorted(results) == list(graph)


def test_nothing_waits_for_what_it_does_not_need() -> None:
    """There are no stages: an item is begun once its own needs are met, while others are still under way."""
    slow, begun = threading.Event(), []

    def work(item: str) -> bool:
        begun.append(item)
        if item == "slow":
            return slow.wait(10)
        if item == "third":
            slow.set()
        return True

    graph = {"slow": [], "first": [], "second": ["first"], "third": ["second"], "after slow": ["slow", "third"]}
    assert all(pool().map_in_order(work, graph, workers=2, on_wait=nothing))
    assert begun.index("third") > begun.index("second") > begun.index("first")
    assert begun[-1] == "after slow"


def test_ready_items_begin_in_their_order() -> None:
    """As without any needs."""
    graph: dict[int, list[int]] = {9: [], 1: [7], 5: [], 7: [], 3: []}
    assert list(pool().map_in_order(lambda item: item, graph, workers=1, on_wait=nothing)) == [9, 5, 7, 3, 1]


def test_what_needs_an_item_that_gave_way_is_dropped() -> None:
    """It has no result either, and the others do."""

    def work(item: int) -> int:
        if item == 1:
            raise CancelledError
        return item

    graph = {0: [], 1: [0], 2: [1], 3: [0]}
    assert sorted(pool().map_in_order(work, graph, workers=2, on_wait=nothing)) == [0, 3]


def test_a_cancellation_drops_what_is_not_ready() -> None:
    """Nothing that waits for others is begun."""
    cancelled = threading.Event()

    def work(item: int) -> int:
        cancelled.set()
        return item

    graph = {0: [], 1: [0], 2: [1]}
    assert list(pool(cancelled.is_set).map_in_order(work, graph, workers=2, on_wait=nothing)) == [0]


def test_what_work_raises_ends_the_order() -> None:
    """Whatever needs the item is not begun."""
    begun = []

    def work(item: int) -> None:
        begun.append(item)
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        list(pool().map_in_order(work, {0: [], 1: [0]}, workers=2, on_wait=nothing))
    assert begun == [0]
