"""A server's response."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Characters of a body that a summary shows, and bytes of it that are searched for them.
_MAX_SUMMARY = 500
_MAX_SEARCHED = 2**16
_RETRYABLE = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_PERMANENT = frozenset(
    {
        HTTPStatus.NOT_IMPLEMENTED,
        HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
        HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED,
    }
)


class Response(NamedTuple):
    """A server's response.

    Attributes:
        status: the HTTP status code.
        headers: the headers.
        body: the body, as far as it was read.
        is_complete: whether that is the whole body.
        redact: removes secrets from the body before it is shown. It comes before any truncation, after which a secret
            could not be recognized.
        is_early: whether it came before the request was sent to its end, so that the server cannot act on the request.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_complete: bool
    redact: Callable[[str], str] = str
    is_early: bool = False

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed later: 408, 425, 429, or 5xx except for those that stay as they are."""
        if self.status in _PERMANENT:
            return False
        return self.status in _RETRYABLE or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def may_have_arrived(self) -> bool:
        """Whether the server may have acted on the request: a gateway may have lost its response, and sent this one."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not self.is_early

    @property
    def is_redirect(self) -> bool:
        """Whether the status is 3xx."""
        return HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST

    @property
    def is_page(self) -> bool:
        """Whether it is a page for people, as of a proxy or a login."""
        return "<html" in self._text[:200].lower()

    @property
    def _text(self) -> str:
        """The beginning of the body, in one line."""
        return " ".join(self.body[:_MAX_SEARCHED].decode("utf-8", "replace").split())

    @property
    def summary(self) -> str:
        """The status and the server's message, as shown to users."""
        text = self.redact(self._text)
        if self.is_page:
            text = re.sub(r"(?s)<(style|script)\b.*?</\1>|<[^>]*>", " ", text[: 8 * _MAX_SUMMARY])
            text = self.redact(" ".join(text.split()))
        shown = text if len(text) <= _MAX_SUMMARY else f"{text[:_MAX_SUMMARY]}…"
        return f"HTTP {self.status}: {shown}" if shown else f"HTTP {self.status}, empty response"

    @property
    def redirect_host(self) -> str:
        """The host that the server redirects to, as shown to users."""
        try:
            return urlsplit(self.headers.get("Location", "")).netloc or "another address"
        except ValueError:
            return "an invalid URL"

    @property
    def date(self) -> datetime | None:
        """When the server responded, by its own clock, to the second; `None` if it does not say."""
        try:
            date = parsedate_to_datetime(self.headers.get("Date", ""))
        except (ValueError, OverflowError):
            return None
        return date.replace(tzinfo=date.tzinfo or UTC)

    def retry_after(self, now: datetime) -> float:
        """The seconds to wait according to `Retry-After`; 0 without a valid value (RFC 9110, section 10.2.3)."""
        value = self.headers.get("Retry-After", "")
        if re.fullmatch(r"[0-9]{1,9}", value):
            return float(value)
        try:
            when = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return 0.0
        return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds())
