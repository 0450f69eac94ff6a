"""Whether a GitHub job has the credentials that its settings need, and what to do if it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prefix_upload.auth.audience import looks_like_prefix_dev
from prefix_upload.errors import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefix_upload.github.environment import Job
    from prefix_upload.settings import Settings


def credential_errors(settings: Settings, job: Job, *, has_token: bool) -> Iterator[Diagnostic]:
    """Yields the reasons why the job cannot authenticate or sign, without sending a request.

    Args:
        settings: the checked settings.
        job: the job that runs the action.
        has_token: whether the `token` input is set, even to an invalid value.
    """
    # NOTE: a dry run only reads, and public channels need no credentials, so it works in pull requests.
    if settings.dry_run:
        return
    if not has_token:
        yield from _without_token(settings, job)
    if settings.attestations and not job.has_identity and (has_token or job.is_on_github):
        yield _FORK_WITHOUT_IDENTITY if job.is_from_fork else _NO_IDENTITY_TO_SIGN


def _without_token(settings: Settings, job: Job) -> Iterator[Diagnostic]:
    host = urlsplit(settings.server_url).hostname or ""
    if not job.is_on_github:
        yield _NO_TOKEN
    elif job.is_from_fork and not job.has_identity:
        yield _FORK
    elif not job.has_identity:
        yield _NO_PERMISSION
    elif looks_like_prefix_dev(host):
        yield Diagnostic(
            "Invalid 'server-url'",
            f"'server-url' is {host!r}, which looks like prefix.dev, but is not. It does not get this job's identity "
            "token.",
            "Use 'https://prefix.dev', or leave the input empty. For your own server, pass an API key as 'token'.",
        )


# What a job needs to have an identity. Naming one permission revokes those that are not named, hence `contents`.
_PERMISSIONS = """\
permissions:
  contents: read
  id-token: write"""

# Neither a token nor an identity: the permission is missing, or the workflow passes a secret that does not exist.
_NO_PERMISSION = Diagnostic(
    "No credentials",
    "'token' is empty, and this job has no identity for trusted publishing.",
    "For trusted publishing, give the job the permission below and register the workflow on prefix.dev. If the "
    "workflow passes a secret as 'token', check the name of the secret: it does not exist here.",
    _PERMISSIONS,
)
# There is no identity outside GitHub Actions.
_NO_TOKEN = Diagnostic(
    "Missing 'token'",
    "'token' is empty, and trusted publishing is only available on GitHub Actions.",
    "Create an API key with write access on prefix.dev and pass it as 'token'.",
)
# GitHub gives pull requests from forks neither secrets nor an identity.
_FORK = Diagnostic(
    "Pull request from a fork",
    "Pull requests from forks get neither secrets nor an identity.",
    "Publish after the merge, and only validate pull requests:",
    """\
with:
  dry-run: ${{ github.event_name == 'pull_request' }}""",
)
# Signing needs an identity; an API key is not enough.
_NO_IDENTITY_TO_SIGN = Diagnostic(
    "Invalid 'attestations'",
    "'attestations' is true, but this job has no identity to sign with.",
    "Give the job the permission below, or remove the input.",
    _PERMISSIONS,
)
_FORK_WITHOUT_IDENTITY = Diagnostic(
    "Invalid 'attestations'",
    "'attestations' is true, but pull requests from forks have no identity to sign with.",
    "Sign and publish after the merge.",
)
