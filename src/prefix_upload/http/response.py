"""What the server answered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

# What is shown of it, in characters.
_MAX_SUMMARY = 500
_RETRYABLE = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True)
class Response:
    """What the server said. `body` is what came of it, up to the limit asked for; `is_complete`: that is all of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_complete: bool

    @property
    def is_success(self) -> bool:
        """Whether it is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may well succeed later."""
        return self.status in _RETRYABLE or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def is_redirect(self) -> bool:
        """Whether it is a 3xx."""
        return HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST

    @property
    def summary(self) -> str:
        """The status and what the server says about it, for people."""
        text = " ".join(self.body.decode("utf-8", "replace").split())
        if "<html" in text[:200].lower():
            text = re.sub(r"(?s)<(style|script)\b.*?</\1>|<[^>]*>", " ", text[: 8 * _MAX_SUMMARY])
            text = " ".join(text.split())
        shown = text if len(text) <= _MAX_SUMMARY else f"{text[:_MAX_SUMMARY]}…"
        return f"HTTP {self.status}: {shown}" if shown else f"HTTP {self.status}, without a word"

    @property
    def redirect_host(self) -> str:
        """Where the server sends the request on to, for people."""
        try:
            return urlsplit(self.headers.get("Location", "")).netloc or "another address"
        except ValueError:
            return "an address that is none"

    def retry_after(self, now: datetime) -> float:
        """The seconds that the server asks to wait; 0 where it asks for nothing (RFC 9110, 10.2.3)."""
        value = self.headers.get("Retry-After", "")
        if re.fullmatch(r"[0-9]{1,9}", value):
            return float(value)
        try:
            when = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return 0.0
        return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds())
