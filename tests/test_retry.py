"""Retries: how often a request is sent, the pauses in between, and look-ups of what earlier attempts did."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from prefix_upload.http import RequestError, Response, RetryPolicy
from prefix_upload.http.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable

LOST = RequestError("the response was lost", may_have_arrived=True)


def response(status: int, *, is_complete: bool = True) -> Response:
    """A response with an empty body."""
    return Response(status, {}, b"", is_complete)


@dataclass
class Recorder:
    """Records what a policy does, in order: attempts with their timeouts, pauses, and look-ups."""

    events: list[str] = field(default_factory=list)

    def policy(self, *, retries: int = 1, timeout: float = 30) -> RetryPolicy:
        """A policy that records its pauses, without jitter."""
        return RetryPolicy(
            retries=retries,
            timeout=timeout,
            sleep=lambda seconds: self.events.append(f"wait {seconds:g}"),
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            jitter=lambda: 1.0,
            server=Server(),
        )

    def send(self, *outcomes: Response | RequestError) -> Callable[[float], object]:
        """A call whose attempts have these outcomes, in order."""
        left = iter(outcomes)

        def attempt(timeout: float) -> Response:
            self.events.append(f"send {timeout:g}")
            outcome = next(left)
            if isinstance(outcome, RequestError):
                raise outcome
            return outcome

        return attempt

    def look_up(self, found: object) -> Callable[[bool], object]:
        """A look-up with this result."""

        def find(is_last: bool) -> object:
            self.events.append("look up after the last attempt" if is_last else "look up")
            return found

        return find


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_the_policy_waits_before_every_look_up(recorder: Recorder) -> None:
    """There is a pause before each look-up, even after the last attempt."""
    with pytest.raises(RequestError, match="the response was lost"):
        recorder.policy().call(recorder.send(LOST, LOST), on_failure=lambda _: recorder.look_up(None))
    assert recorder.events == ["send 30", "wait 1", "look up", "send 30", "wait 2", "look up after the last attempt"]


def test_there_is_no_pause_after_the_last_attempt(recorder: Recorder) -> None:
    """Without a look-up, the last failure is returned immediately."""
    assert recorder.policy().call(recorder.send(response(503), response(502))) == response(502)
    assert recorder.events == ["send 30", "wait 1", "send 30"]


@pytest.mark.parametrize("found", ["a record", 0], ids=repr)
def test_a_successful_look_up_ends_the_retries(recorder: Recorder, found: object) -> None:
    """Any result but `None` is returned instead of another attempt."""
    assert recorder.policy().call(recorder.send(LOST), on_failure=lambda _: recorder.look_up(found)) == found
    assert recorder.events == ["send 30", "wait 1", "look up"]


def test_an_incomplete_success_is_retried(recorder: Recorder) -> None:
    """A truncated response with status 200 is followed by another attempt."""
    outcomes = response(200, is_complete=False), response(200)
    assert recorder.policy().call(recorder.send(*outcomes)) == response(200)
    assert recorder.events == ["send 30", "wait 1", "send 30"]


@pytest.mark.parametrize(("own", "asked", "used"), [(30, 60, 30), (300, 60, 60)], ids=["shorter", "longer"])
def test_the_bounds_of_a_call_are_upper_bounds(recorder: Recorder, own: int, asked: int, used: int) -> None:
    """A call can lower the policy's retries and timeout, but not raise them."""
    policy = recorder.policy(retries=own, timeout=own)
    assert policy.call(recorder.send(*[response(503)] * 400), retries=asked, timeout=asked) == response(503)
    attempts = [what for what in recorder.events if what.startswith("send")]
    assert attempts == [f"send {used}"] * (used + 1)


# Many requests to one server.


@dataclass
class Time:
    """A clock that only goes on while somebody waits. `during_sleep` is called in the middle of each pause."""

    started: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    seconds: float = 0
    during_sleep: Callable[[], object] = lambda: None

    def policy(self, *, retries: int = 5, timeout: float = 300) -> RetryPolicy:
        """A policy that goes by this clock."""
        return RetryPolicy(
            retries=retries,
            timeout=timeout,
            sleep=self.sleep,
            now=lambda: self.started + timedelta(seconds=self.seconds),
            jitter=lambda: 1.0,
            server=Server(),
        )

    def sleep(self, seconds: float) -> None:
        """Half of a pause, an interruption, and the other half."""
        self.seconds += seconds / 2
        self.during_sleep()
        self.seconds += seconds / 2

    def silent(self, timeout: float) -> Response:
        """An attempt that nothing answers."""
        self.seconds += timeout
        raise RequestError("timed out", may_have_arrived=True)


def busy(status: int, seconds: int) -> Response:
    return Response(status, {"Retry-After": str(seconds)}, b"", is_complete=True)


def test_retry_after_holds_for_all() -> None:
    """Also for a request that has not failed yet, and after a failure that is not retried."""
    time = Time()
    policy = time.policy(retries=0)
    assert policy.call(lambda _: busy(429, 60)).status == 429
    sent = []
    policy.call(lambda _: sent.append(time.seconds))
    assert sent == [60]


def test_retry_after_of_others_prolongs_a_wait() -> None:
    """A request that waits waits longer if another one is asked to."""
    time = Time()
    policy = time.policy()
    sent = []

    def send(_: float) -> Response:
        sent.append(time.seconds)
        return busy(503, 10) if len(sent) == 1 else response(200)

    time.during_sleep = lambda: policy.server.defer_until(time.started + timedelta(seconds=40))
    policy.call(send)
    assert sent == [0, 40]


@pytest.mark.parametrize("requests", [1, 200])
@pytest.mark.parametrize("fails_with", ["silence", "503", "refusal"])
def test_a_server_that_is_down_is_given_up(requests: int, fails_with: str) -> None:
    """Within half an hour at the defaults, whatever the number of requests and however each of them fails."""
    time = Time()
    policy = time.policy()

    def send(timeout: float) -> Response:
        if fails_with == "silence":
            return time.silent(timeout)
        if fails_with == "503":
            return busy(503, 120)
        raise RequestError("Connection refused", may_have_arrived=False)

    failures = []
    for _ in range(requests):
        try:
            failures.append(str(policy.call(send).status))
        except RequestError as error:
            failures.append(str(error))
    assert time.seconds <= 30 * 60 + 60
    assert policy.has_given_up or requests == 1
    assert requests == 1 or failures[-1] == "the server has been down for 30 min"


def test_nothing_is_sent_to_a_server_that_was_given_up() -> None:
    """Neither a retry nor a first attempt."""
    time = Time()
    policy = time.policy(retries=5, timeout=60)
    policy.server.record_downtime(time.started - timedelta(minutes=5), time.started)
    sent = []

    def send(timeout: float) -> Response:
        sent.append(timeout)
        return time.silent(timeout)

    for _ in range(2):
        with pytest.raises(RequestError):
            policy.call(send)
    assert sent == [60]


def test_the_last_attempt_is_cut_short() -> None:
    """It may not take longer than the time that is left for the server."""
    time = Time()
    policy = time.policy(retries=0, timeout=300)
    policy.server.record_downtime(time.started - timedelta(seconds=290), time.started)
    with pytest.raises(RequestError):
        policy.call(time.silent)
    assert time.seconds == 10


@pytest.mark.parametrize(("status", "is_up"), [(200, True), (422, True), (429, False), (500, False), (503, False)])
def test_an_answer_shows_that_the_server_is_up(status: int, is_up: bool) -> None:
    """Unless it asks to try again."""
    time = Time()
    policy = time.policy(retries=0)
    policy.server.record_downtime(time.started - timedelta(minutes=2), time.started)
    policy.call(lambda _: response(status))
    assert policy.server.downtime == (0 if is_up else 120)


def test_the_downtime_of_many_is_counted_once() -> None:
    """Requests that wait at the same time wait as long as one."""
    server = Server()
    for minute in (0, 1, 2, 1):
        began = datetime(2026, 1, 1, 12, minute, tzinfo=UTC)
        server.record_downtime(began, began + timedelta(minutes=2))
    assert server.downtime == 4 * 60


def test_progress_is_no_downtime() -> None:
    """An upload that broke off after an hour was silent for no longer than its timeout."""
    time = Time()
    policy = time.policy(retries=0, timeout=300)

    def send(_: float) -> Response:
        time.seconds += 3600
        raise LOST

    with pytest.raises(RequestError):
        policy.call(send)
    assert policy.server.downtime == 300
