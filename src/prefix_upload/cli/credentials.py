"""Where the command line gets its credentials from: a flag, the environment, a stored login, or the job's identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.auth import AmbientIdentity, IdTokenRequest
from prefix_upload.auth.pages import api_keys_page
from prefix_upload.cli.arguments import VARIABLES
from prefix_upload.cli.login import login_file, stored_token
from prefix_upload.errors import Diagnostic, setting
from prefix_upload.github.environment import Environment
from prefix_upload.preconditions import accepts_attestations, precondition_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prefix_upload.settings.settings import Settings


def find_token(inputs: Mapping[str, str], environ: Mapping[str, str]) -> tuple[str, str]:
    """The API key and where it is from: passed, or else the one of a stored login; "" if there is none.

    Raises:
        ConfigurationError: the file with the stored logins can't be read.
    """
    server_url = inputs.get("server-url") or "https://prefix.dev"
    passed = inputs.get("token", "").strip()
    if passed:
        return passed, VARIABLES["token"] if passed == environ.get(VARIABLES["token"], "").strip() else "--token"
    stored = stored_token(server_url, environ)
    return stored, str(login_file(environ)) if stored else "--token"


def find_identity(
    environ: Mapping[str, str], on_secret: Callable[[str], None]
) -> IdTokenRequest | AmbientIdentity | None:
    """The job's identity for trusted publishing; `None` if there is none."""
    if AmbientIdentity.exists(environ):
        return AmbientIdentity(environ, on_secret)
    return Environment().identity_request


def credential_errors(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    has_token: bool,
    identity: IdTokenRequest | AmbientIdentity | None,
) -> Iterator[Diagnostic]:
    """Yields the reasons why nothing can be published, without sending a request."""
    yield from precondition_errors(settings, has_token=has_token, has_identity=identity is not None)
    if settings.is_dry_run:
        return
    # Sigstore needs a token of its own, and only GitHub gives a job another one on request.
    if (
        settings.needs_attestations
        and not isinstance(identity, IdTokenRequest)
        and accepts_attestations(settings, has_token=has_token)
    ):
        yield Diagnostic(
            f"Invalid {setting('attestations')}",
            f"{setting('attestations')} needs the identity of a GitHub Actions job, and there is none here.",
            f"Give the job the permission 'id-token: write', or leave out {setting('attestations')}.",
        )
    if not has_token and identity is None:
        is_github = environ.get("GITHUB_ACTIONS") == "true"
        yield Diagnostic(
            "No credentials",
            "There is no API key, and this is not a CI job with an identity for trusted publishing.",
            "Give the job the permission 'id-token: write', or set PREFIX_API_KEY to an API key with write access."
            if is_github
            else "Create an API key with write access and set PREFIX_API_KEY, or log in with 'pixi auth login' or "
            "'rattler-build auth login'.",
            page=api_keys_page(settings.server_url),
        )
