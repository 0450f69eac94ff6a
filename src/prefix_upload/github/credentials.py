"""Whether a job on GitHub can sign in with what it was given, and what to do if it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prefix_upload.auth.audience import looks_like_prefix_dev
from prefix_upload.errors import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefix_upload.settings import Settings


@dataclass(frozen=True)
class Job:
    """What the runner lets this job do.

    `is_on_github` is whether it runs it at all, `has_identity` whether identity tokens are to be had, and
    `is_from_fork` whether a fork's pull request started it, which gets neither secrets nor an identity.
    """

    is_on_github: bool = True
    has_identity: bool = False
    is_from_fork: bool = False


def credential_errors(settings: Settings, job: Job, *, has_token: bool) -> Iterator[Diagnostic]:
    """What stands in the way of signing in, before anything is asked or sent.

    Args:
        settings: the settings.
        job: the job that runs the action.
        has_token: whether the input is set, though perhaps to something that cannot be a token.
    """
    # NOTE: a dry run reads only, and anybody can read a public channel: so pull requests can validate.
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
            f"'server-url' names {host!r}, which looks like prefix.dev, but is not. This job's identity "
            "is not told to it.",
            "Write 'https://prefix.dev', or leave the input out. For a server of your own, pass an API key as 'token'.",
        )


# What a job needs to have an identity. Permissions that are not named are taken away, so the other one is named, too.
_PERMISSIONS = """\
permissions:
  contents: read
  id-token: write"""

# Said where nothing is passed and GitHub gives the job no identity: the permission is missing, or, if the workflow does
# pass a secret, that does not exist.
_NO_PERMISSION = Diagnostic(
    "No credentials",
    "'token' is empty, and this job has no identity with which to publish without one.",
    "For trusted publishing, give the job the permission below and register the workflow on prefix.dev. If the "
    "workflow passes a secret as 'token', that secret does not exist here under this very name.",
    _PERMISSIONS,
)
# Said outside GitHub Actions, where there is no identity.
_NO_TOKEN = Diagnostic(
    "Missing 'token'",
    "'token' is empty, and outside GitHub Actions there is no identity to publish with.",
    "Create an API key with write access on prefix.dev and pass it.",
)
# Said where neither can be had: GitHub gives pull requests from forks no secrets and no identity.
_FORK = Diagnostic(
    "Pull request from a fork",
    "This is a pull request from a fork, which is given neither secrets nor an identity.",
    "Publish after the merge, and only validate in pull requests:",
    """\
with:
  dry-run: ${{ github.event_name == 'pull_request' }}""",
)
# Said where packages are to be signed by an identity that the job does not have; an API key cannot sign.
_NO_IDENTITY_TO_SIGN = Diagnostic(
    "Invalid 'attestations'",
    "'attestations' is true, but this job has no identity to sign with.",
    "Give the job this permission, or take the input out.",
    _PERMISSIONS,
)
_FORK_WITHOUT_IDENTITY = Diagnostic(
    "Invalid 'attestations'",
    "'attestations' is true, but a pull request from a fork has no identity to sign with.",
    "Sign and publish after the merge.",
)
