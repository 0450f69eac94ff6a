"""What every front end checks before the first request: conditions under which the server or Sigstore would refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prefix_upload.auth import IdTokenRequest
from prefix_upload.auth.audience import is_prefix_dev, looks_like_prefix_dev
from prefix_upload.auth.pages import publishers_page
from prefix_upload.errors import Diagnostic, setting
from prefix_upload.http import environment_errors
from prefix_upload.http.certificates import MISSING_FILE_HINT
from prefix_upload.settings.settings import UploadSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prefix_upload.auth import AmbientIdentity
    from prefix_upload.settings.settings import Settings

# What a job needs to have an identity. Naming one permission revokes those that are not named, hence `contents`.
PERMISSIONS = """\
permissions:
  contents: read
  id-token: write"""
"""The permissions of a GitHub job that publishes without a secret."""


def accepts_attestations(settings: Settings, *, has_token: bool) -> bool:
    """Whether the server may accept attestations with these credentials.

    prefix.dev verifies an attestation against the trusted publisher that was authenticated.
    """
    return not (has_token and is_prefix_dev(_host(settings)))


def precondition_errors(settings: Settings, *, has_token: bool, has_identity: bool) -> Iterator[Diagnostic]:
    """Yields the reasons why these settings can't be used with these credentials.

    Args:
        settings: the checked settings.
        has_token: whether an API key is given, even an invalid one.
        has_identity: whether the run has an identity for trusted publishing.
    """
    if settings.needs_attestations and not accepts_attestations(settings, has_token=has_token):
        yield Diagnostic(
            f"Contradictory {setting('token')} and {setting('attestations')}",
            f"{setting('attestations')} is set and so is {setting('token')}, but prefix.dev verifies an attestation "
            "against the trusted publisher that uploads it, so it accepts none with an API key.",
            f"Remove {setting('token')}, give the job the permission below, and add the workflow as a trusted "
            "publisher of the channel. Or publish without attestations.",
            PERMISSIONS,
            page=publishers_page(settings.server_url, settings.channel),
        )
    host = _host(settings)
    if has_identity and not has_token and not settings.is_dry_run and looks_like_prefix_dev(host):
        yield Diagnostic(
            f"Invalid {setting('server-url')}",
            f"{setting('server-url')} is {host!r}, which looks like prefix.dev, but is not. It does not get this job's "
            "identity token.",
            f"Use 'https://prefix.dev', or leave out {setting('server-url')}. For your own server, pass an API key.",
        )
    if isinstance(settings, UploadSettings) and settings.attestations:
        from prefix_upload.attestation.trust import trust_config_errors  # noqa: PLC0415 - slow to load

        yield from trust_config_errors(settings.sigstore_instance)


def connection_errors(
    settings: Settings,
    environ: Mapping[str, str],
    identity: IdTokenRequest | AmbientIdentity | None,
    *,
    has_token: bool,
    missing_file_hint: str = MISSING_FILE_HINT,
) -> Iterator[Diagnostic]:
    """Yields the environment variables with which requests to the server, or to the identity provider, can't be sent.

    Args:
        settings: the checked settings.
        environ: the environment variables.
        identity: the run's identity, if it has one.
        has_token: whether an API key is given, so that only attestations need the identity.
        missing_file_hint: what to do about a file that is not there.
    """
    urls = [settings.server_url]
    if isinstance(identity, IdTokenRequest) and (settings.needs_attestations or not has_token):
        urls.append(identity.url)
    yield from environment_errors(environ, urls, missing_file_hint)


def _host(settings: Settings) -> str:
    return urlsplit(settings.server_url).hostname or ""
