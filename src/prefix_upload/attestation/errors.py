"""The errors of the `sigstore` library, and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
import urllib3
from cryptography import exceptions, x509
from sigstore.errors import Error

from prefix_upload.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from sigstore._internal.fulcio.client import FulcioClientError
    from sigstore._internal.rekor import RekorClientError

# What the library raises for malformed responses, which it reads without checking their structure.
MALFORMED = (
    Error,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    OSError,
    urllib3.exceptions.HTTPError,
    x509.ExtensionNotFound,
    exceptions.UnsupportedAlgorithm,
)


class RefusedError(Exception):
    """Sigstore's servers did not provide what signing needs. The message gives the reason."""


def describe(error: BaseException) -> str:
    """The text of the error and, if there is one, of its cause."""
    texts = [str(error) or type(error).__name__, str(error.__cause__ or "")]
    return ": ".join(text for text in texts if text)


def response_to(error: FulcioClientError | RekorClientError, redact: Callable[[str], str]) -> Response:
    """The server's response, which the library's own message may lack.

    Args:
        error: the library's error.
        redact: removes secrets from the response before it is shown.

    Raises:
        RefusedError: the response was a success, but the library could not use it.
    """
    cause = error.__cause__ or error.__context__
    response = cause.response if isinstance(cause, requests.HTTPError) else None
    if response is None:
        raise RefusedError(str(error)) from error
    return Response(response.status_code, response.headers, response.content, is_complete=True, redact=redact)
