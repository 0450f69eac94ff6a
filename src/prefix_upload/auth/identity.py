"""The job's identity: tokens from GitHub's OpenID Connect provider, which prove which workflow is running.

Source: docs.github.com, "OpenID Connect reference". `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`
are set only in a job with the permission `id-token: write`.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from prefix_upload.errors import AuthenticationError
from prefix_upload.http import QUERY_TIMEOUT, Client, RequestError, Response, RetryPolicy, describe_failure
from prefix_upload.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MAX_BODY = 2**16
GITHUB_COM = "https://github.com"


class IdToken(NamedTuple):
    """A token for one audience. Its signature is left for the recipient to verify, so `claims` are unverified here."""

    secret: Secret
    claims: Mapping[str, Any]

    @property
    def expires_at(self) -> datetime | None:
        """When the token expires; `None` if it does not say so."""
        try:
            return datetime.fromtimestamp(self.claims["exp"], UTC)
        except (ValueError, LookupError, TypeError, OverflowError, OSError):
            return None

    @classmethod
    def parse(cls, text: str) -> IdToken:
        """Parses a token.

        Raises:
            ValueError: the text is not a JSON Web Token.
        """
        _, payload, _ = text.split(".")
        try:
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if not isinstance(claims, dict) or not text.isascii() or not text.isprintable():
            raise ValueError("no claims")
        return cls(Secret(text), claims)


class IdTokenRequest(NamedTuple):
    """Where GitHub issues identity tokens to this job.

    Attributes:
        url: the URL to request.
        token: the bearer token for the request.
        server_url: the GitHub server that runs the job, which may be a GitHub Enterprise Server.
    """

    url: str
    token: Secret
    server_url: str = GITHUB_COM


class IdentityProvider:
    """GitHub's OpenID Connect provider.

    Args:
        client: a client for the provider's origin; its bearer token is the job's request token.
        path: path and query of the job's request URL.
        retry_policy: when to retry.
        on_secret: called with each token before it is used.
        server_url: the GitHub server that runs the job.
    """

    def __init__(
        self,
        client: Client,
        path: str,
        retry_policy: RetryPolicy,
        on_secret: Callable[[str], None],
        *,
        server_url: str = GITHUB_COM,
    ) -> None:
        self.server_url = server_url
        self._client = client
        self._path = path
        self._retry_policy = retry_policy
        self._on_secret = on_secret

    def id_token(self, audience: str) -> IdToken:
        """Requests a token for this audience.

        Raises:
            AuthenticationError: the provider issued none.
        """
        path = f"{self._path}&audience={quote(audience, safe='')}"
        try:
            response = self._retry_policy.call(
                lambda timeout: self._client.get(path, timeout=timeout, max_body=_MAX_BODY), timeout=QUERY_TIMEOUT
            )
        except RequestError as error:
            raise self._error(str(error)) from error
        if not response.is_success or not response.is_complete:
            raise self._error(describe_failure(response))
        return self._read(response)

    def _read(self, response: Response) -> IdToken:
        try:
            value = json.loads(response.body)["value"]
            token = value if isinstance(value, str) else ""
            self._on_secret(token)
            return IdToken.parse(token)
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            # NOTE: not `response.summary`: the body may contain a token.
            raise self._error("the response is not an identity token") from error

    def _error(self, why: str) -> AuthenticationError:
        message = f"GitHub did not issue an identity token: {why}."
        hint = "Run the job again. If that does not help, check that the job has the permission 'id-token: write'"
        if self.server_url == GITHUB_COM:
            return AuthenticationError(message, f"{hint}, and GitHub's status.", "https://www.githubstatus.com")
        return AuthenticationError(message, f"{hint}, or ask the administrator of {self.server_url}.")
