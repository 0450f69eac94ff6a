"""What proves to the server who is asking: a bearer token that only ever reaches the server's own origin."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from prefix_upload.errors import setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefix_upload.auth.secret import Secret


class Credentials(Protocol):
    """Who is asking. May be used by several threads at once; as text it is what messages call it."""

    def bearer(self) -> str | None:
        """The token to send, if there is any.

        Raises:
            AuthenticationError: there should be one, but none is to be had.
        """

    def renew(self, rejected: str | None) -> bool:
        """Whether there is another token than the one that the server has rejected.

        Raises:
            AuthenticationError: there should be one, but none is to be had.
        """

    def hint(self, status: int, channel: str) -> str:
        """What to do where the server refuses the token for the channel with this status, 401 or 403."""


class ApiKey:
    """The API key that the workflow passes on; or nobody, who may read public channels."""

    def __init__(self, token: Secret | None) -> None:
        self._token = token

    def bearer(self) -> str | None:
        """The key, if there is one."""
        return self._token.reveal() if self._token else None

    def renew(self, rejected: str | None) -> bool:
        """Never: there is only one."""
        del rejected
        return False

    def hint(self, status: int, channel: str) -> str:
        """What to look at."""
        return _HINTS[status].format(self, channel)

    def __str__(self) -> str:
        return f"the API key in {setting('token')}" if self._token else "no token"


_HINTS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: (
        "Check {0}: it is wrong, was revoked or has expired. Create another on the server and store it."
    ),
    HTTPStatus.FORBIDDEN: "Check that {0} may write to '{1}', and that the channel's settings allow this upload.",
}
