"""When to try a request again, and how long to wait before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from prefix_upload.http.errors import RequestError
from prefix_upload.http.response import Response

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_Result = TypeVar("_Result")

# Seconds without progress after which a query fails: it is small, so it is given up sooner than an upload.
QUERY_TIMEOUT = 60.0
# The longest `Retry-After` that is honoured, in seconds.
_MAX_RETRY_AFTER = 120.0
_MAX_BACKOFF = 30.0

Failure = Response | RequestError
"""A response that is not a success, or the error that came instead of one."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often to retry, and what the world provides for it.

    Args:
        retries: retries after a transient failure.
        timeout: seconds without progress on a connection after which an attempt fails.
        sleep: waits for so many seconds; what it raises ends the retries.
        now: the current time, with its time zone.
        jitter: a random number between 0 and 1.
    """

    retries: int
    timeout: float
    sleep: Callable[[float], None]
    now: Callable[[], datetime]
    jitter: Callable[[], float]

    def call(
        self,
        send: Callable[[float], _Result],
        *,
        retries: int | None = None,
        timeout: float | None = None,
        on_failure: Callable[[Failure], Callable[[], _Result | None] | None] = lambda _: None,
    ) -> _Result:
        """Calls `send` until it returns anything but a transient failure, or until no retry is left.

        Args:
            send: makes one attempt with this timeout in seconds; returns the response, or what it made of one.
            retries: an upper bound below the policy's.
            timeout: the same, in seconds.
            on_failure: called with each transient failure. If the server may have carried out the request all the same,
                it returns a function that finds out: called after the pause, its result ends the retries unless it
                is `None`.

        Returns:
            What `send` returned last, which may be the response of a failure.

        Raises:
            RequestError: the last attempt got no response, or further ones would not either.
        """
        retries = self.retries if retries is None else min(self.retries, retries)
        timeout = self.timeout if timeout is None else min(self.timeout, timeout)
        attempt = 0
        while True:
            outcome = _attempt(send, timeout)
            failure = _transient_failure(outcome)
            if failure is None:
                break
            is_last = attempt == retries
            look_up = on_failure(failure)
            if look_up is not None or not is_last:
                self.wait(attempt, failure)
            if look_up is not None and (found := look_up()) is not None:
                return found
            if is_last:
                break
            attempt += 1
        if isinstance(outcome, RequestError):
            raise outcome
        return outcome

    def wait(self, attempt: int, failure: Failure) -> None:
        """Waits before the next attempt: exponential backoff with jitter, or `Retry-After` if that is longer."""
        backoff = min(_MAX_BACKOFF, 2.0**attempt) * (0.5 + self.jitter() / 2)
        retry_after = failure.retry_after(self.now()) if isinstance(failure, Response) else 0.0
        self.sleep(max(backoff, min(retry_after, _MAX_RETRY_AFTER)))


def _attempt(send: Callable[[float], _Result], timeout: float) -> _Result | RequestError:
    try:
        return send(timeout)
    except RequestError as error:
        return error


def _transient_failure(outcome: object) -> Failure | None:
    match outcome:
        case RequestError(is_permanent=False) | Response(is_retryable=True):
            return outcome
        case Response(is_success=True, is_complete=False):
            return outcome
    return None


def reason(failure: Failure) -> str:
    """What went wrong, for people."""
    if isinstance(failure, RequestError):
        return str(failure)
    return "the answer is cut off or too large" if failure.is_success else failure.summary
