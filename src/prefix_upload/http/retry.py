"""How long to keep trying, and when to try again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from prefix_upload.http.client import RequestError, Response

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_Result = TypeVar("_Result")

# The seconds after which a question, which is small, is given up: sooner than an upload.
QUERY_TIMEOUT = 60.0
# A server that asks for patience may not ask for more than this, in seconds.
_MAX_RETRY_AFTER = 120.0
_MAX_PAUSE = 30.0

Failure = Response | RequestError
"""What did not bring what was asked for."""


@dataclass(frozen=True)
class RetryPolicy:
    """How long to keep trying, and what the world provides for it.

    Args:
        retries: further attempts after a passing failure.
        timeout: seconds without progress on a connection before an attempt is given up.
        sleep: waits so many seconds; what it raises ends the waiting and the attempts.
        now: the time, with its zone.
        jitter: a random number between 0 and 1.
    """

    retries: int
    timeout: float
    sleep: Callable[[float], None]
    now: Callable[[], datetime]
    jitter: Callable[[], float]

    def call(
        self, send: Callable[[float], _Result], *, retries: int | None = None, timeout: float | None = None
    ) -> _Result:
        """What was asked for, asked for again where that fails in passing; in the end also an answer of a failure.

        Args:
            send: sends the request with this timeout in seconds; returns the response, or what it made of one.
            retries: fewer than usual, for a question that can be asked in another way.
            timeout: a shorter one than usual.

        Raises:
            RequestError: there is none.
        """
        retries = self.retries if retries is None else min(self.retries, retries)
        timeout = self.timeout if timeout is None else min(self.timeout, timeout)
        for attempt in range(retries):
            try:
                result = send(timeout)
            except RequestError as error:
                if error.is_permanent:
                    raise
                self.wait(attempt, error)
            else:
                if not isinstance(result, Response) or not (
                    result.is_retryable or (result.is_success and not result.is_complete)
                ):
                    return result
                self.wait(attempt, result)
        return send(timeout)

    def wait(self, attempt: int, failure: Failure) -> None:
        """Waits before the next attempt: longer each time, never in step with others, as the server asks."""
        seconds = min(_MAX_PAUSE, 2.0**attempt) * (0.5 + self.jitter() / 2)
        requested = failure.retry_after(self.now()) if isinstance(failure, Response) else 0.0
        self.sleep(max(seconds, min(requested, _MAX_RETRY_AFTER)))


def reason(failure: Failure) -> str:
    """What went wrong, for people."""
    if isinstance(failure, RequestError):
        return str(failure)
    return "the answer is cut off or too large" if failure.is_success else failure.summary
