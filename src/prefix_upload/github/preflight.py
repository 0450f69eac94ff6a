"""Whether a GitHub job has the credentials that its settings need, and what to do if it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.auth.pages import api_keys_page
from prefix_upload.errors import Diagnostic
from prefix_upload.preconditions import PERMISSIONS, accepts_attestations, precondition_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefix_upload.github.environment import Job
    from prefix_upload.settings.settings import Settings

_GITHUB_DOCS = "https://docs.github.com/en"
_EVENTS_PAGE = f"{_GITHUB_DOCS}/actions/reference/workflows-and-actions/events-that-trigger-workflows"
_FORKS_PAGE = f"{_EVENTS_PAGE}#workflows-in-forked-repositories"
_DEPENDABOT_PAGE = (
    f"{_GITHUB_DOCS}/code-security/dependabot/working-with-dependabot/automating-dependabot-with-github-actions"
)
_PERMISSIONS_PAGE = f"{_GITHUB_DOCS}/actions/reference/security/oidc"


def credential_errors(settings: Settings, job: Job, *, has_token: bool) -> Iterator[Diagnostic]:
    """Yields the reasons why the job cannot authenticate or sign, without sending a request.

    Args:
        settings: the checked settings.
        job: the job that runs the action.
        has_token: whether the `token` input is set, even to an invalid value.
    """
    yield from precondition_errors(settings, has_token=has_token, has_identity=job.has_identity and job.is_on_github)
    # NOTE: a dry run only reads, and public channels need no credentials, so it works in pull requests.
    if settings.is_dry_run:
        return
    if not has_token:
        yield from _without_token(settings, job)
    if (
        settings.needs_attestations
        and not job.has_identity
        and accepts_attestations(settings, has_token=has_token)
        and (has_token or job.is_on_github)
    ):
        yield _without_identity_to_sign(job)


def _without_token(settings: Settings, job: Job) -> Iterator[Diagnostic]:
    if not job.is_on_github:
        yield _NO_TOKEN._replace(page=api_keys_page(settings.server_url))
    elif job.has_identity:
        return
    elif job.is_from_fork:
        yield _FORK
    elif job.is_by_dependabot:
        yield _DEPENDABOT
    else:
        yield _NO_PERMISSION


def _without_identity_to_sign(job: Job) -> Diagnostic:
    if job.is_from_fork:
        return _FORK_WITHOUT_IDENTITY
    return _DEPENDABOT_WITHOUT_IDENTITY if job.is_by_dependabot else _NO_IDENTITY_TO_SIGN


_ONLY_VALIDATE = """\
with:
  dry-run: ${{ github.event_name == 'pull_request' }}"""

# Neither a token nor an identity: the permission is missing, the input was forgotten, or its secret does not exist.
_NO_PERMISSION = Diagnostic(
    "No credentials",
    "'token' is empty, and this job has no identity for trusted publishing, because it lacks the permission "
    "'id-token: write'.",
    "For trusted publishing, give the job the permission below and add the workflow as a trusted publisher of the "
    "channel. To publish with an API key, pass it as 'token'. If the workflow passes a secret there already, check its "
    "name and where it is stored: it is empty in this job. A reusable workflow gets only the secrets that its caller "
    "passes ('secrets:' or 'secrets: inherit').",
    PERMISSIONS,
    page=_PERMISSIONS_PAGE,
)
# The action knows no other identity than GitHub's.
_NO_TOKEN = Diagnostic(
    "Missing 'token'",
    "'token' is empty, and this job has no identity for trusted publishing, because it does not run on GitHub Actions.",
    "Create an API key with write access on the server and pass it as 'token'.",
)
# GitHub gives pull requests from forks neither secrets nor an identity.
_FORK = Diagnostic(
    "Pull request from a fork",
    "Pull requests from forks get neither secrets nor an identity.",
    "Publish after the merge, and only validate pull requests:",
    _ONLY_VALIDATE,
    page=_FORKS_PAGE,
)
# GitHub treats Dependabot like a fork, and gives it secrets of its own.
_DEPENDABOT = Diagnostic(
    "Run by Dependabot",
    "Runs that Dependabot starts get no identity, and only the secrets that are stored for Dependabot.",
    "Publish after the merge, and only validate Dependabot's pull requests:",
    _ONLY_VALIDATE,
    page=_DEPENDABOT_PAGE,
)
# Signing needs an identity; an API key is not enough.
_NO_IDENTITY_TO_SIGN = Diagnostic(
    "Invalid 'attestations'",
    "'attestations' is true, but this job has no identity to sign with.",
    "Give the job the permission below, or remove the input.",
    PERMISSIONS,
    page=_PERMISSIONS_PAGE,
)
_FORK_WITHOUT_IDENTITY = Diagnostic(
    "Invalid 'attestations'",
    "'attestations' is true, but pull requests from forks have no identity to sign with.",
    "Sign and publish after the merge.",
    page=_FORKS_PAGE,
)
_DEPENDABOT_WITHOUT_IDENTITY = Diagnostic(
    "Invalid 'attestations'",
    "'attestations' is true, but runs that Dependabot starts have no identity to sign with.",
    "Sign and publish after the merge.",
    page=_DEPENDABOT_PAGE,
)
