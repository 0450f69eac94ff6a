"""When to retry a request, and how long to wait first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from prefix_upload.http.errors import RequestError
from prefix_upload.http.response import Response

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_Result = TypeVar("_Result")

# Seconds without progress after which a query fails. Queries are small, so they time out sooner than uploads.
QUERY_TIMEOUT = 60.0
# The longest `Retry-After` that is honored, in seconds.
_MAX_RETRY_AFTER = 120.0
_MAX_BACKOFF = 30.0

Failure = Response | RequestError
"""A response that is not a complete success, or the error raised instead of one."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often to retry a request, and how long to wait in between.

    Args:
        retries: the number of retries after transient failures.
        timeout: seconds without progress on a connection after which an attempt fails.
        sleep: waits for this many seconds; an exception that it raises ends the retries.
        now: returns the current time, with its time zone.
        jitter: returns a random number between 0 and 1.
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
        on_failure: Callable[[Failure], Callable[[bool], _Result | None] | None] = lambda _: None,
    ) -> _Result:
        """Calls `send` until it returns anything but a transient failure, or until no retry is left.

        Transient failures are a `RequestError` that is not permanent, a retryable response, and an incomplete success.

        Args:
            send: makes one attempt with the given timeout in seconds; returns the response, or a result made from it.
            retries: an upper bound on the policy's number of retries.
            timeout: an upper bound on the policy's timeout, in seconds.
            on_failure: called with each transient failure. If the server may have acted on the request anyway, it
                returns a function that looks for the result. That function is called after the wait, with whether
                this was the last attempt; unless it returns `None`, its result ends the retries.

        Returns:
            The last result of `send`, which may be a failed response, or the one that was looked up.

        Raises:
            RequestError: the last attempt got no response, or the error is permanent.
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
            if look_up is not None and (found := look_up(is_last)) is not None:
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


def describe_failure(failure: Failure) -> str:
    """The reason for a failure, as shown to users."""
    if isinstance(failure, RequestError):
        return str(failure)
    return "the response is truncated or too large" if failure.is_success else failure.summary
