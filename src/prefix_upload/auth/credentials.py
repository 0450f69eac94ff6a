"""The interface of credentials, and its implementation for API keys."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from prefix_upload.errors import setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefix_upload.secret import Secret


class Credentials(Protocol):
    """Credentials for the server. Safe to use from several threads. `str()` gives their name for messages."""

    def bearer(self) -> str | None:
        """The token to send; `None` for anonymous requests.

        Raises:
            AuthenticationError: a token is needed, but cannot be obtained.
        """

    def renew(self, rejected: str | None) -> bool:
        """Replaces a token that the server has rejected, if possible. Returns whether there is another one to try.

        Raises:
            AuthenticationError: a token is needed, but cannot be obtained.
        """

    def hint(self, status: int, channel: str) -> str:
        """What to do if the server refuses the token for the channel with this status, 401 or 403."""

    def page(self, status: int) -> str:
        """The URL of the page on which to do that; "" if there is none."""


class Anonymous:
    """No credentials: only public channels can be read.

    Args:
        keys_page: the URL of the page on which API keys are created.
    """

    def __init__(self, keys_page: str = "") -> None:
        self._keys_page = keys_page

    def bearer(self) -> None:
        """Always `None`."""

    def renew(self, rejected: str | None) -> bool:
        """Always false."""
        del rejected
        return False

    def hint(self, status: int, channel: str) -> str:
        """What to do if the server wants to know who is asking."""
        del status
        return f"Pass an API key with access to '{channel}' as {setting('token')}."

    def page(self, status: int) -> str:
        """The page on which to create a key."""
        del status
        return self._keys_page

    def __str__(self) -> str:
        return "anonymous users"


class ApiKey:
    """An API key.

    Args:
        token: the key.
        keys_page: the URL of the page on which keys are created.
    """

    def __init__(self, token: Secret, keys_page: str = "") -> None:
        self._token = token
        self._keys_page = keys_page

    def bearer(self) -> str:
        """The API key."""
        return self._token.reveal()

    def renew(self, rejected: str | None) -> bool:
        """Always false: there is only one key."""
        del rejected
        return False

    def hint(self, status: int, channel: str) -> str:
        """What to check if the server refuses the key with this status, 401 or 403."""
        return _HINTS[status].format(self, channel)

    def page(self, status: int) -> str:
        """The page on which to create another key, which may have more permissions."""
        del status
        return self._keys_page

    def __str__(self) -> str:
        return f"the API key in {setting('token')}"


_HINTS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: (
        "Check {0}. It is wrong, revoked or expired. Create a new one on the server and use it instead."
    ),
    HTTPStatus.FORBIDDEN: "Check that {0} has write access to '{1}', and that the channel's settings allow it.",
}
