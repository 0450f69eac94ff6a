"""When to retry a request, and how long to wait first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from prefix_upload.http.errors import RequestError
from prefix_upload.http.response import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefix_upload.http.server import Server

_Result = TypeVar("_Result")

# Seconds without progress after which a query fails. Queries are small, so they time out sooner than uploads.
QUERY_TIMEOUT = 60.0
# Retries of a query at most: queries have alternatives.
QUERY_RETRIES = 2
# The longest `Retry-After` that is honored, in seconds.
_MAX_RETRY_AFTER = 120.0
_MAX_BACKOFF = 30.0
# A server may be down for this many seconds per attempt, or for the timeout if that is longer.
_MIN_DOWNTIME = 60.0
# The last attempt before that may be cut short, but not to less than this many seconds.
_MIN_TIMEOUT = 1.0
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

Failure = Response | RequestError
"""A response that is not a complete success, or the error raised instead of one."""


class RetryPolicy(NamedTuple):
    """How often to retry a request to one server, and how long to wait in between.

    A `Retry-After` holds for all requests. A server that is down for longer than one request may take with all of its
    retries is given up: nothing more is sent to it.

    Args:
        retries: the number of retries after transient failures.
        timeout: seconds without progress on a connection after which an attempt fails.
        sleep: waits for this many seconds; an exception that it raises ends the retries.
        now: returns the current time, with its time zone.
        jitter: returns a random number between 0 and 1.
        server: the state of the server.
    """

    retries: int
    timeout: float
    sleep: Callable[[float], None]
    now: Callable[[], datetime]
    jitter: Callable[[], float]
    server: Server

    @property
    def max_downtime(self) -> float:
        """The seconds that the server may be down before it is given up."""
        return (self.retries + 1) * max(self.timeout, _MIN_DOWNTIME)

    @property
    def has_given_up(self) -> bool:
        """Whether the server has been down for too long."""
        return self.server.downtime >= self.max_downtime

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
            RequestError: the last attempt got no response, the error is permanent, or the server was given up before
                the first attempt.
        """
        retries = self.retries if retries is None else min(self.retries, retries)
        timeout = self.timeout if timeout is None else min(self.timeout, timeout)
        if self.has_given_up:
            reason = f"the server has been down for {self.max_downtime / 60:.0f} min"
            raise RequestError(reason, may_have_arrived=False, is_permanent=True)
        honored_until, attempt = _LONG_AGO, 0
        while True:
            honored_until = self._wait(0.0, honored_until)
            outcome = self._attempt(send, timeout)
            failure = _transient_failure(outcome)
            if failure is None:
                break
            is_last = attempt == retries or self.has_given_up
            look_up = on_failure(failure)
            if look_up is not None or not is_last:
                honored_until = self._wait(self._pause(attempt, failure), honored_until)
            if look_up is not None and (found := look_up(is_last)) is not None:
                return found
            if is_last or self.has_given_up:
                break
            attempt += 1
        if isinstance(outcome, RequestError):
            raise outcome
        return outcome

    def _attempt(self, send: Callable[[float], _Result], timeout: float) -> _Result | RequestError:
        """The outcome of one attempt, also noted in the server's state."""
        timeout = min(timeout, max(_MIN_TIMEOUT, self.max_downtime - self.server.downtime))
        began = self.now()
        outcome: _Result | RequestError
        try:
            outcome = send(timeout)
        except RequestError as error:
            outcome = error
        now = self.now()
        if not _is_down(outcome):
            self.server.record_response()
        else:  # before the last `timeout` seconds there was progress, or the attempt would have ended then
            self.server.record_downtime(max(began, now - timedelta(seconds=timeout)), now)
        self.server.defer_until(now + timedelta(seconds=_retry_after(_transient_failure(outcome), now)))
        return outcome

    def _wait(self, seconds: float, honored_until: datetime) -> datetime:
        """Waits this many seconds, and until the server may be asked again.

        Args:
            seconds: how long to wait at least.
            honored_until: the last time for which the same request has waited already.

        Returns:
            That time, updated.
        """
        began = now = self.now()
        until = began + timedelta(seconds=seconds)
        while True:
            not_before = self.server.not_before
            if not_before > honored_until:
                until = max(until, not_before)
            remaining = (until - now).total_seconds()
            if remaining > 0:
                self.sleep(min(remaining, _MAX_RETRY_AFTER))
            now = self.now()
            if self.server.is_down:
                self.server.record_downtime(began, now)
            if self.server.not_before == not_before:
                return not_before
            honored_until = not_before  # another request was asked to wait for longer

    def _pause(self, attempt: int, failure: Failure) -> float:
        """The seconds to wait after a failure: exponential backoff with jitter, or `Retry-After` if that is longer."""
        backoff = min(_MAX_BACKOFF, 2.0**attempt) * (0.5 + self.jitter() / 2)
        return max(backoff, _retry_after(failure, self.now()))


def _retry_after(failure: Failure | None, now: datetime) -> float:
    return min(failure.retry_after(now), _MAX_RETRY_AFTER) if isinstance(failure, Response) else 0.0


def _is_down(outcome: object) -> bool:
    """Whether the outcome shows that the server is of no use now: no complete response, or one that asks to wait."""
    match outcome:
        case RequestError() | Response(is_retryable=True) | Response(is_success=True, is_complete=False):
            return True
    return False


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
