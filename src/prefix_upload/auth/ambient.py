"""The identity of a job outside GitHub Actions: a token that its environment provides.

Sources: prefix.dev's documentation, "Trusted publishing": GitLab's jobs have it in `PREFIX_DEV_ID_TOKEN` (`id_tokens`
in `.gitlab-ci.yml`); the `id` package detects the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.auth.identity import IdToken
from prefix_upload.errors import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_VARIABLE = "PREFIX_DEV_ID_TOKEN"
# Variables that the `id` package recognizes CI systems by, but for GitHub's, and those of Google's machines.
_SYSTEMS = ("GITLAB_CI", "BUILDKITE", "CIRCLECI", "SUPERVISOR_ADDR", "K_SERVICE")


class AmbientIdentity:
    """An identity in the environment.

    Args:
        environ: the environment variables.
        on_secret: called with each token before it is used.
    """

    def __init__(self, environ: Mapping[str, str], on_secret: Callable[[str], None]) -> None:
        self._environ = environ
        self._on_secret = on_secret

    @classmethod
    def exists(cls, environ: Mapping[str, str]) -> bool:
        """Whether the environment seems to provide an identity."""
        return bool(environ.get(_VARIABLE)) or any(environ.get(name) for name in _SYSTEMS)

    def id_token(self, audience: str) -> IdToken:
        """The token for this audience.

        Raises:
            AuthenticationError: there is none.
        """
        text = self._environ.get(_VARIABLE, "").strip() or self._detected(audience)
        self._on_secret(text)
        try:
            return IdToken.parse(text)
        except ValueError as error:
            # NOTE: not shown, because it may be a token with something around it.
            raise AuthenticationError("The job's identity is not an identity token.", _hint(audience)) from error

    @staticmethod
    def _detected(audience: str) -> str:
        import id as identity  # noqa: PLC0415 - seldom needed

        try:
            found = identity.detect_credential(audience)
        except identity.IdentityError as error:
            raise AuthenticationError(f"This job has no identity: {error}.", _hint(audience)) from error
        if found is None:
            raise AuthenticationError("This job has no identity.", _hint(audience))
        return found


def _hint(audience: str) -> str:
    return (
        f"On GitLab, add 'id_tokens: {{{_VARIABLE}: {{aud: {audience}}}}}' to the job. Elsewhere, set "
        "PREFIX_API_KEY to an API key."
    )
