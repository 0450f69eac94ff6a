"""GitHub's OpenID provider, as a job with `id-token: write` sees it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from identities.loopback import LoopbackService, Refusal, Request

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

ISSUER = "https://token.actions.githubusercontent.com"
WORKFLOW = "octo/packages/.github/workflows/release.yml@refs/heads/main"
IDENTITY = f"https://github.com/{WORKFLOW}"
GITHUB_CLAIMS: Mapping[str, str] = {
    "sub": "repo:octo/packages:environment:prefix-dev",
    "environment": "prefix-dev",
    "event_name": "push",
    "sha": "c0ffee" * 6 + "c0ff",
    "workflow": "Release",
    "repository": "octo/packages",
    "ref": "refs/heads/main",
    "job_workflow_ref": WORKFLOW,
    "job_workflow_sha": "c0ffee" * 6 + "c0ff",
    "runner_environment": "github-hosted",
    "repository_id": "1",
    "repository_owner": "octo",
    "repository_owner_id": "2",
    "workflow_ref": WORKFLOW,
    "workflow_sha": "c0ffee" * 6 + "c0ff",
    "run_id": "3",
    "run_attempt": "1",
    "repository_visibility": "public",
}
"""The claims of a job of `octo/packages` (docs.github.com, "OpenID Connect reference")."""


class OpenIDProvider(LoopbackService):
    """Gives the job tokens (JWT, ES256) for any audience; `claims` are what they say, `lifetime` is in seconds.

    `issuer` and `server_url` are those of github.com; a GitHub Enterprise Server has others.
    """

    request_token = "the-jobs-own-request-token"

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.claims: Mapping[str, object] = GITHUB_CLAIMS
        self.issuer = ISSUER
        self.server_url = "https://github.com"
        self.lifetime = 600
        self.audiences: list[str] = []
        self.tokens: list[str] = []
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.routes["GET /idtoken"] = self._give

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a job finds it."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/idtoken?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.request_token,
            "GITHUB_SERVER_URL": self.server_url,
        }

    def id_token(self, audience: str, **claims: object) -> str:
        """A token that says this besides."""
        now = int(time.time())
        standard = {"iss": self.issuer, "aud": audience, "iat": now, "nbf": now, "exp": now + self.lifetime}
        token = jwt.encode({**self.claims, **standard, **claims}, self._key, algorithm="ES256")
        self.tokens.append(token)
        return token

    def verified(self, id_token: str, audience: str) -> dict[str, Any]:
        """The claims of a token, for those who have to trust it.

        Raises:
            Refusal: It is not for this audience, not from here, or expired.
        """
        options: Any = {"require": ["sub", "exp", "iat"]}
        try:
            return jwt.decode(
                id_token,
                self._key.public_key(),
                algorithms=["ES256"],
                audience=audience,
                issuer=self.issuer,
                options=options,
            )
        except jwt.InvalidTokenError as error:
            raise Refusal(401, f"There was an error processing the identity token: {error}") from error

    def _give(self, request: Request) -> dict[str, str]:
        if request.authorization != f"Bearer {self.request_token}":
            raise Refusal(401, "the job's request token is missing or wrong")
        (audience,) = request.query["audience"]
        self.audiences.append(audience)
        return {"value": self.id_token(audience)}
