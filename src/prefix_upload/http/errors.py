"""What can keep a request from getting a response."""

from __future__ import annotations

import re
import ssl

import requests
import urllib3

# What OpenSSL calls mistakes in the settings, which show before anything is sent: plain HTTP at the other end, and
# a file of certificates that holds none.
_TLS_MISTAKES = frozenset({"WRONG_VERSION_NUMBER", "NO_CERTIFICATE_OR_CRL_FOUND"})


class RequestError(Exception):
    """The request got no answer. The text says why.

    Args:
        reason: what happened, in the words of whoever noticed it.
        may_have_arrived: whether the server may have got, and acted on, the whole request.
        is_final: whether trying again is pointless.
    """

    def __init__(self, reason: str, *, may_have_arrived: bool, is_permanent: bool = False) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived
        self.is_permanent = is_permanent


def request_error(error: Exception) -> RequestError:
    """Tells apart what `requests` lumps together: whether the request can have arrived, and what to say."""
    cause = _root(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = f"its certificate was not accepted ({cause.verify_message})"
        return RequestError(reason, may_have_arrived=False, is_permanent=True)
    if isinstance(cause, ssl.SSLError) and cause.reason in _TLS_MISTAKES:
        return RequestError(_said(cause), may_have_arrived=False, is_permanent=True)
    # NOTE: requests lets through what urllib3 says of a host such as `a..b`.
    if isinstance(
        error,
        requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | urllib3.exceptions.LocationValueError,
    ):
        return RequestError(str(error), may_have_arrived=False, is_permanent=True)
    never_sent = isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError) or isinstance(
        cause, urllib3.exceptions.NewConnectionError
    )
    return RequestError(_said(cause), may_have_arrived=not never_sent)


def _root(error: BaseException) -> BaseException:
    """The error that the others were raised for, as far as it says more than they do."""
    seen = {error}
    while True:
        reasons = (getattr(error, "reason", None), *error.args)
        inner = next((reason for reason in reasons if isinstance(reason, Exception)), None)
        if inner is None or inner in seen:
            return error
        seen.add(inner)
        error = inner


def _said(error: BaseException) -> str:
    # NOTE: to urllib3 a refused connection is a timeout, too.
    if isinstance(error, TimeoutError | urllib3.exceptions.TimeoutError) and not isinstance(
        error, urllib3.exceptions.NewConnectionError
    ):
        return "nothing came or went in time"
    # urllib3 writes "HTTPSConnection(host='…', port=…): Failed to …: [Errno 111] Connection refused".
    text = re.sub(r"^\w+\(host=[^)]*\): ", "", str(error))
    return text or type(error).__name__
