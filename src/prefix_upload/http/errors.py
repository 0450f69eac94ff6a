"""Why a request got no response."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

import requests
import urllib3

if TYPE_CHECKING:
    from collections.abc import Callable

# OpenSSL's names for configuration mistakes that show before anything is sent: plain HTTP at the other end, and a CA
# bundle without certificates.
_TLS_MISTAKES = frozenset({"WRONG_VERSION_NUMBER", "NO_CERTIFICATE_OR_CRL_FOUND"})


class RequestError(Exception):
    """The request got no response. The message gives the reason.

    Args:
        reason: what happened, usually as the library reported it.
        may_have_arrived: whether the server may have received the whole request, and acted on it.
        is_permanent: whether a retry is pointless.
    """

    def __init__(self, reason: str, *, may_have_arrived: bool, is_permanent: bool = False) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived
        self.is_permanent = is_permanent

    def shown(self, route: str, redact: Callable[[str], str]) -> RequestError:
        """The error as shown to users: with the host and the proxy in between, and without secrets."""
        reason = f"{redact(str(self))} ({route})"
        return RequestError(reason, may_have_arrived=self.may_have_arrived, is_permanent=self.is_permanent)


def request_error(error: Exception) -> RequestError:
    """Classifies an error from `requests`: whether the request may have arrived, and whether a retry is pointless."""
    cause = _innermost(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = f"its certificate was rejected ({cause.verify_message})"
        return RequestError(reason, may_have_arrived=False, is_permanent=True)
    if isinstance(cause, ssl.SSLError) and cause.reason in _TLS_MISTAKES:
        return RequestError(_describe(cause), may_have_arrived=False, is_permanent=True)
    # NOTE: requests does not wrap urllib3's error about a host such as `a..b`.
    if isinstance(
        error,
        requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | urllib3.exceptions.LocationValueError,
    ):
        return RequestError(str(error), may_have_arrived=False, is_permanent=True)
    never_sent = isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError) or isinstance(
        cause, urllib3.exceptions.NewConnectionError
    )
    return RequestError(_describe(cause), may_have_arrived=not never_sent)


def _innermost(error: BaseException) -> BaseException:
    """The innermost error; `requests` and urllib3 keep it in `reason` or `args`."""
    seen = {error}
    while True:
        reasons = (getattr(error, "reason", None), *error.args)
        inner = next((reason for reason in reasons if isinstance(reason, Exception)), None)
        if inner is None or inner in seen:
            return error
        seen.add(inner)
        error = inner


def _describe(error: BaseException) -> str:
    # NOTE: in urllib3, the error for a refused connection is a subclass of TimeoutError.
    if isinstance(error, TimeoutError | urllib3.exceptions.TimeoutError) and not isinstance(
        error, urllib3.exceptions.NewConnectionError
    ):
        return "timed out"
    # urllib3's messages look like "HTTPSConnection(host='…', port=…): Failed to …: [Errno 111] Connection refused".
    text = re.sub(r"^\w+\(host=[^)]*\): ", "", str(error))
    return text or type(error).__name__
