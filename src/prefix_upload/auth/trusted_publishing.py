"""Trusted publishing: exchanges the job's identity for a token that is valid for minutes, so no secret is stored.

Source: prefix.dev's documentation, "Trusted publishing"; the exchange as in rattler (`trusted_publishing.rs`).
"""

from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from prefix_upload.auth.identity import IdToken
from prefix_upload.errors import (
    CHECK_CONNECTION,
    RERUN_IS_SAFE,
    SERVER_MESSAGE,
    USE_SERVER_ITSELF,
    AuthenticationError,
    setting,
)
from prefix_upload.http import QUERY_TIMEOUT, Client, RequestError, Response, RetryPolicy, describe_failure
from prefix_upload.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


# A token is renewed this long before it expires, so that it does not expire on its way to the server. A short-lived one
# is renewed after half of its lifetime.
_MARGIN = timedelta(seconds=60)
# The prefix that prefix.dev adds to its JSON Web Tokens.
_PREFIX = "pfx-jwt."
# A bearer token: token68 (RFC 9110, section 11.2). A page or JSON has other characters, and words such as 'null' and
# 'Unauthorized' are shorter than any token.
_BEARER = r"[A-Za-z0-9._~+/-]{14,16384}=*"


class IdentitySource(Protocol):
    """Where the job's identity tokens come from."""

    def id_token(self, audience: str) -> IdToken:
        """A token for this audience.

        Raises:
            AuthenticationError: there is none.
        """


class TrustedPublishing:
    """A token minted by the server, renewed before it expires or when the server rejects it.

    Args:
        identity: provides the job's identity tokens.
        client: a client for the server; it needs no bearer token.
        audience: the audience of the identity token.
        retry_policy: when to retry, and the current time.
        on_secret: called with each token before it is used.
        publishers_page: the URL of the page on which the channel's trusted publishers are registered.
        keys_page: the URL of the page on which API keys are created.
    """

    def __init__(
        self,
        identity: IdentitySource,
        client: Client,
        audience: str,
        retry_policy: RetryPolicy,
        on_secret: Callable[[str], None],
        *,
        publishers_page: str = "",
        keys_page: str = "",
    ) -> None:
        self._identity = identity
        self._client = client
        self._audience = audience
        self._retry_policy = retry_policy
        self._on_secret = on_secret
        self._publishers_page = publishers_page
        self._keys_page = keys_page
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._renew_at: datetime | None = None
        # Why no further token could be obtained. That is not tried again by each worker.
        self._error: AuthenticationError | None = None

    def bearer(self) -> str:
        """The token; mints one if there is none yet or the last one is about to expire."""
        with self._lock:
            if self._token is None or (self._renew_at is not None and self._retry_policy.now() >= self._renew_at):
                self._token = self._mint()
            return self._token.reveal()

    def renew(self, rejected: str | None) -> bool:
        """Mints another token, unless another thread has replaced the rejected one already. Returns true."""
        with self._lock:
            if self._token is None or self._token.reveal() == rejected:
                self._token = self._mint()
            return True

    def hint(self, status: int, channel: str) -> str:
        """What to check if the server refuses a minted token with this status, 401 or 403."""
        return _HINTS[status].format(channel)

    def page(self, status: int) -> str:
        """The page on which to check it."""
        del status
        return self._publishers_page

    def __str__(self) -> str:
        return "the token that the server minted for this workflow"

    def _mint(self) -> Secret:
        if self._error is not None:
            raise self._error
        try:
            return self._minted()
        except AuthenticationError as error:
            self._error = error
            raise

    def _minted(self) -> Secret:
        response, id_token = self._exchange()
        if response.status == HTTPStatus.UNAUTHORIZED and self._expires_before(id_token, timedelta(0)):
            response, id_token = self._exchange()
        if not response.is_success or not response.is_complete:
            raise self._refused(response, id_token)
        text = response.body.decode("utf-8", "replace")
        if not re.fullmatch(_BEARER, text):
            # NOTE: not shown, because it may be a token with something around it.
            raise AuthenticationError(
                "The server's response to the token request is not a token.",
                f"Check that {setting('server-url')} is the address of the server itself.",
            )
        self._on_secret(text)
        # A server message may repeat the token without its prefix.
        self._on_secret(text.removeprefix(_PREFIX))
        self._renew_at = _time_to_renew(text, self._retry_policy.now())
        return Secret(text)

    def _exchange(self) -> tuple[Response, IdToken]:
        """The response to the job's identity, and the identity token that was sent last."""
        id_tokens = [self._identity.id_token(self._audience)]
        attempts = 0

        def send(timeout: float) -> Response:
            nonlocal attempts
            attempts += 1
            if attempts > 1 and self._expires_before(id_tokens[-1], _MARGIN):
                id_tokens.append(self._identity.id_token(self._audience))
            body = {"token": id_tokens[-1].secret.reveal()}
            return self._client.post("/api/oidc/mint_token", timeout=timeout, json=body)

        try:
            response = self._retry_policy.call(send, timeout=QUERY_TIMEOUT)
        except RequestError as error:
            raise AuthenticationError(f"Could not request a token: {error}.", CHECK_CONNECTION) from error
        return response, id_tokens[-1]

    def _expires_before(self, id_token: IdToken, margin: timedelta) -> bool:
        return id_token.expires_at is not None and id_token.expires_at <= self._retry_policy.now() + margin

    def _refused(self, response: Response, id_token: IdToken) -> AuthenticationError:
        hint = _MINT_HINTS.get(response.status, SERVER_MESSAGE)
        page = self._publishers_page if response.status in _PUBLISHER_STATUSES else ""
        page = self._keys_page if response.status == HTTPStatus.NOT_FOUND else page
        if response.is_redirect:
            hint = f"It redirects to {response.redirect_host}. {USE_SERVER_ITSELF}"
        elif response.is_retryable:
            hint = RERUN_IS_SAFE
        elif response.status == HTTPStatus.UNAUTHORIZED and self._expires_before(id_token, timedelta(0)):
            hint, page = _EXPIRED, ""
        message = f"The server did not mint a token ({describe_failure(response)}). {_publisher(id_token.claims)}"
        return AuthenticationError(message, hint, page)


def _time_to_renew(token: str, now: datetime) -> datetime | None:
    """When to renew the token; `None` if its expiry is unknown, or past because this machine's clock is wrong."""
    try:
        end = IdToken.parse(token.removeprefix(_PREFIX)).expires_at
    except ValueError:
        return None
    life = timedelta(0) if end is None else end - now
    return now + max(life - _MARGIN, life / 2) if life > timedelta(0) else None


def _publisher(claims: Mapping[str, Any]) -> str:
    """The claims that a trusted publisher has to match, as the fields of the form on prefix.dev."""
    fields = _gitlab_fields(claims) if "project_path" in claims else _github_fields(claims)
    listed = ", ".join(f"{field}: {value or '(unknown)'}" for field, value in fields.items())
    return f"A trusted publisher of this job has these fields: {listed}."


def _gitlab_fields(claims: Mapping[str, Any]) -> Mapping[str, str]:
    """As `GitlabPublisher` in prefix.dev's GraphQL schema; the claims as in GitLab's documentation, "ID tokens"."""
    namespace, _, project = str(claims["project_path"]).rpartition("/")
    # Such as `gitlab.com/octo/packages//.gitlab-ci.yml@refs/heads/main`.
    workflow = str(claims.get("ci_config_ref_uri", "")).partition("//")[2].partition("@")[0]
    return {
        "namespace": str(claims.get("namespace_path") or namespace),
        "project": project,
        "workflow file": workflow,
        "environment": str(claims.get("environment") or "(none)"),
    }


def _github_fields(claims: Mapping[str, Any]) -> Mapping[str, str]:
    owner, _, name = str(claims.get("repository", "")).partition("/")
    # Such as `octo/packages/.github/workflows/release.yml@refs/heads/main`.
    workflow = PurePosixPath(str(claims.get("workflow_ref", "")).partition("@")[0]).name
    return {
        "owner": str(claims.get("repository_owner") or owner),
        "repository": name,
        "workflow file": workflow,
        "environment": str(claims.get("environment") or "(none)"),
    }


# Hints by status, if the server mints no token.
_MINT_HINTS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: (
        "The server could not read the identity token. Check that "
        f"{setting('server-url')} is the address of the server itself."
    ),
    HTTPStatus.UNAUTHORIZED: (
        "Register this workflow as a trusted publisher of the channel, with exactly the fields above. The workflow "
        "file is that of the workflow that was triggered, not of a reusable workflow that it calls."
    ),
    HTTPStatus.FORBIDDEN: (
        "The server knows this workflow, but does not accept it. Check the channel's trusted publishers."
    ),
    HTTPStatus.NOT_FOUND: f"This server does not support trusted publishing. Pass an API key as {setting('token')}.",
}
# Statuses whose hint is about the registered publishers.
_PUBLISHER_STATUSES = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_EXPIRED = (
    "The job's identity token had expired when the server answered. Run the job again. If it happens again, check the "
    "clock of the runner, and whether the server is slow."
)
# Hints by status, if the server minted a token and then refuses it.
_HINTS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: (
        "The server minted a token for this workflow, but accepts neither it nor a new one. Check that the trusted "
        "publisher is still registered."
    ),
    HTTPStatus.FORBIDDEN: (
        "This workflow's trusted publisher has no write access to '{0}'. Grant it in the channel's settings, and "
        "check that they allow this upload."
    ),
}
