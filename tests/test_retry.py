"""Retries: how often a request is sent, the pauses in between, and look-ups of what earlier attempts did."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from prefix_upload.http import RequestError, Response, RetryPolicy

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

    def look_up(self, found: object) -> Callable[[], object]:
        """A look-up with this result."""

        def find() -> object:
            self.events.append("look up")
            return found

        return find


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_the_policy_waits_before_every_look_up(recorder: Recorder) -> None:
    """There is a pause before each look-up, even after the last attempt."""
    with pytest.raises(RequestError, match="the response was lost"):
        recorder.policy().call(recorder.send(LOST, LOST), on_failure=lambda _: recorder.look_up(None))
    assert recorder.events == ["send 30", "wait 1", "look up", "send 30", "wait 2", "look up"]


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
