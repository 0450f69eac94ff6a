"""What proves to the server who is asking: a bearer token that only ever reaches the server's own origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefix_upload.models import Secret


class Credentials:
    """The bearer of a run: an API key, or nobody, who may read public channels."""

    def __init__(self, token: Secret | None) -> None:
        self._token = token

    def header(self) -> str | None:
        """The value of the `Authorization` header, if there is anything to say."""
        return f"Bearer {self._token.reveal()}" if self._token else None

    def __str__(self) -> str:
        return "the API key of the input 'token'" if self._token else "no token"
