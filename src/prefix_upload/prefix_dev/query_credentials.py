"""Which credentials a query is sent with: a token, or none.

Public channels can be read anonymously. Whether the server accepts minted tokens for queries is not documented.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from prefix_upload.errors import AuthenticationError

if TYPE_CHECKING:
    from prefix_upload.auth import Credentials
    from prefix_upload.http import Response

_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class SendQuery(Protocol):
    """Sends a query."""

    def __call__(self, timeout: float, *, anonymously: bool) -> Response:
        """Returns the response. `timeout` is in seconds; `anonymously` sends no token."""


class QueryCredentials:
    """The credentials for queries. Remembers what the server made of them.

    A token is renewed for a query only if an earlier query was answered with one: otherwise queries refuse such tokens,
    and a new token would be rejected too. Safe to use from several threads.

    Attributes:
        error: why no token could be obtained, if that was tried in vain.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._was_accepted = False
        # The kinds of queries that refuse the token, and work without.
        self._anonymous_kinds: set[str] = set()
        # Why there is no token to send. A public channel can be read all the same.
        self.error: AuthenticationError | None = None

    def send(self, kind: str, send: SendQuery, timeout: float) -> Response:
        """Sends a query with the token; if that is refused, anonymously; and if that fails, with a renewed token.

        Args:
            kind: queries of the same kind are taken to be answered alike.
            send: sends the query.
            timeout: in seconds.

        Raises:
            RequestError: there was no response.
            AuthenticationError: the token cannot be renewed.
        """
        token = self._bearer()
        if self.error is not None or kind in self._anonymous_kinds:
            return send(timeout, anonymously=True)
        response = send(timeout, anonymously=False)
        if response.status not in _REFUSED:
            self._was_accepted |= response.is_success
            return response
        anonymous_response = send(timeout, anonymously=True)
        if anonymous_response.is_success:
            if not self._was_accepted:
                self._anonymous_kinds.add(kind)
            return anonymous_response
        may_renew = self._was_accepted and response.status == HTTPStatus.UNAUTHORIZED
        if not may_renew or not self._credentials.renew(token):
            return response
        response = send(timeout, anonymously=False)
        self._was_accepted = response.status not in _REFUSED
        return response

    def _bearer(self) -> str | None:
        """The token to send; `None`, now and later, if none could be obtained."""
        if self.error is None:
            try:
                return self._credentials.bearer()
            except AuthenticationError as error:
                self.error = error
        return None
