"""Why a request got no response."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

import requests
import urllib3

from prefix_upload.http.connection import NotConnectedError, NotSentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# OpenSSL's names for configuration mistakes that show before anything is sent: plain HTTP at the other end, and a CA
# bundle without certificates.
_TLS_MISTAKES = frozenset({"WRONG_VERSION_NUMBER", "NO_CERTIFICATE_OR_CRL_FOUND"})

_UNCONNECTED = (
    NotConnectedError,
    requests.ConnectTimeout,
    requests.exceptions.ProxyError,
    urllib3.exceptions.NewConnectionError,
)


class RequestError(Exception):
    """The request got no response. The message gives the reason.

    Args:
        reason: what happened, usually as the library reported it.
        may_have_arrived: whether the server may have received the whole request, and acted on it.
        is_permanent: whether a retry is pointless.
        is_unconnected: whether there was no connection to the server.
    """

    def __init__(
        self, reason: str, *, may_have_arrived: bool, is_permanent: bool = False, is_unconnected: bool = False
    ) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived
        self.is_permanent = is_permanent
        self.is_unconnected = is_unconnected

    def shown(self, route: str, redact: Callable[[str], str]) -> RequestError:
        """The error as shown to users: with the host and the proxy in between, and without secrets."""
        reason = f"{redact(str(self))} ({route})"
        return RequestError(
            reason,
            may_have_arrived=self.may_have_arrived,
            is_permanent=self.is_permanent,
            is_unconnected=self.is_unconnected,
        )


def request_error(error: Exception) -> RequestError:
    """Classifies an error from `requests`: whether the request may have arrived, and whether a retry is pointless."""
    errors = list(_chain(error))
    cause = errors[-1]
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = f"its certificate was rejected ({cause.verify_message})"
        return _not_connected(reason, is_permanent=True)
    if isinstance(cause, ssl.SSLError) and cause.reason in _TLS_MISTAKES:
        return _not_connected(_describe(cause), is_permanent=True)
    # NOTE: requests does not wrap urllib3's error about a host such as `a..b`.
    if isinstance(
        error,
        requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | urllib3.exceptions.LocationValueError,
    ):
        return _not_connected(str(error), is_permanent=True)
    if any(isinstance(one, _UNCONNECTED) for one in errors):
        return _not_connected(_describe(cause), is_permanent=False)
    is_sent = not any(isinstance(one, NotSentError) for one in errors)
    return RequestError(_describe(cause), may_have_arrived=is_sent)


def _not_connected(reason: str, *, is_permanent: bool) -> RequestError:
    return RequestError(reason, may_have_arrived=False, is_permanent=is_permanent, is_unconnected=True)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those within it, the innermost last; `requests` and urllib3 keep them in `reason` or `args`."""
    seen: set[BaseException] = set()
    inner: BaseException | None = error
    while inner is not None and inner not in seen:
        seen.add(inner)
        yield inner
        reasons = (getattr(inner, "reason", None), *inner.args)
        inner = next((reason for reason in reasons if isinstance(reason, Exception)), None)


def _describe(error: BaseException) -> str:
    # NOTE: in urllib3, the error for a refused connection is a subclass of TimeoutError.
    if isinstance(error, TimeoutError | urllib3.exceptions.TimeoutError) and not isinstance(
        error, urllib3.exceptions.NewConnectionError
    ):
        return "timed out"
    # urllib3's messages look like "HTTPSConnection(host='…', port=…): Failed to …: [Errno 111] Connection refused".
    text = re.sub(r"^\w+\(host=[^)]*\): ", "", str(error))
    return text or type(error).__name__
