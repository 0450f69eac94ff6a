"""What the library raises, and what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
import urllib3
from cryptography import exceptions, x509
from sigstore.errors import Error

from prefix_upload.http import Response

if TYPE_CHECKING:
    from sigstore._internal.fulcio.client import FulcioClientError
    from sigstore._internal.rekor import RekorClientError

# What the library raises for answers that are not what they should be: it reads them without a look at their shape.
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
    """Sigstore's servers gave no certificate or no entry. The text says why."""


def describe(error: BaseException) -> str:
    """What went wrong and, if the library tells, why."""
    texts = [str(error) or type(error).__name__, str(error.__cause__ or "")]
    return ": ".join(text for text in texts if text)


def response_to(error: FulcioClientError | RekorClientError) -> Response:
    """The server's answer, which the library's own message may not have.

    Raises:
        RefusedError: it was a success that the library makes nothing of.
    """
    cause = error.__cause__ or error.__context__
    response = cause.response if isinstance(cause, requests.HTTPError) else None
    if response is None:
        raise RefusedError(str(error)) from error
    return Response(response.status_code, response.headers, response.content, is_complete=True)
