"""What the GitHub Actions runner passes to the action in environment variables."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from actions_toolkit import core

from prefix_upload.auth import GITHUB_COM, IdTokenRequest, Secret
from prefix_upload.http.certificates import MISSING_FILE_HINT
from prefix_upload.settings import Workspace
from prefix_upload.urls import uses_secure_transport

if TYPE_CHECKING:
    from collections.abc import Iterable

_OUTSIDE_HINT = "Build or copy the packages into the workspace, and write patterns relative to it."
_CONTAINER_HINT = "The action runs in a container that sees only the workspace, not the host's /tmp or home folder."
# For a file that a variable names, and that is not there.
_INVISIBLE_FILE_HINT = (
    "The action runs in a container, which sees only the workspace (as /github/workspace), not other files of the "
    "host. Copy the file there and set the variable to its path, or remove it from this step."
)


class Job(NamedTuple):
    """What the runner grants this job.

    Attributes:
        is_on_github: whether the job runs on GitHub Actions.
        has_identity: whether the job can get identity tokens.
        is_from_fork: whether a fork's pull request started the job; by default, it then has no secrets and no identity.
        is_by_dependabot: whether Dependabot started the job; it then has only Dependabot's secrets and no identity.
    """

    is_on_github: bool = True
    has_identity: bool = False
    is_from_fork: bool = False
    is_by_dependabot: bool = False


class Environment:
    """The environment variables of this step."""

    def inputs(self, names: Iterable[str]) -> dict[str, str]:
        """The inputs by their names in `action.yml`; "" for one that is not set."""
        return {name: core.get_input(name) for name in names}

    @property
    def workspace(self) -> Workspace:
        """The job's workspace."""
        path = Path(os.environ.get("GITHUB_WORKSPACE") or ".").resolve()
        hint = f"{_CONTAINER_HINT} {_OUTSIDE_HINT}" if self._is_container else _OUTSIDE_HINT
        return Workspace(path, self._workspace_aliases, hint)

    @property
    def missing_file_hint(self) -> str:
        """What to do about a file that an environment variable names, and that is not there."""
        return _INVISIBLE_FILE_HINT if self._is_container else MISSING_FILE_HINT

    @property
    def _is_container(self) -> bool:
        """Whether the action runs in its container; `native/action.yml` sets the variable."""
        return os.environ.get("PREFIX_UPLOAD_NATIVE") != "true"

    @property
    def _workspace_aliases(self) -> tuple[PurePath, ...]:
        """Other paths that the workspace may have: outside this container, and before links are resolved.

        The runner translates only values that start with the host's path, so the lines of `glob` after the first
        still contain it: `$RUNNER_WORKSPACE/<repository>` on the host, `/__w/…` in a job that has a container.
        """
        outside = PurePath(os.environ.get("RUNNER_WORKSPACE") or f"/__w/{self._repository}")
        return (
            outside / outside.name,
            outside / self._repository,
            PurePath("/__w", outside.name, outside.name),
            PurePath(os.environ.get("GITHUB_WORKSPACE") or "/github/workspace"),
        )

    @property
    def identity_request(self) -> IdTokenRequest | None:
        """URL and bearer token for requesting an identity token; `None` without `id-token: write` or a secure URL."""
        url, token = (os.environ.get(f"ACTIONS_ID_TOKEN_REQUEST_{name}", "") for name in ("URL", "TOKEN"))
        is_sendable = token != "" and token.isascii() and token.isprintable()
        if not is_sendable or not uses_secure_transport(url):
            return None
        return IdTokenRequest(url, Secret(token), os.environ.get("GITHUB_SERVER_URL", "").rstrip("/") or GITHUB_COM)

    @property
    def job(self) -> Job:
        """What the runner grants this job."""
        return Job(
            is_on_github=os.environ.get("GITHUB_ACTIONS") == "true",
            has_identity=self.identity_request is not None,
            is_from_fork=self._is_fork_pull_request,
            is_by_dependabot=os.environ.get("GITHUB_ACTOR") == "dependabot[bot]",
        )

    @property
    def readme_url(self) -> str:
        """The URL of the action's README in the version that runs; "" if the action is part of the checkout."""
        owner = "GITHUB" if self._is_container else "PREFIX_UPLOAD"  # as `native/action.yml` has it
        repository, ref = (os.environ.get(f"{owner}_ACTION_{name}", "") for name in ("REPOSITORY", "REF"))
        server = os.environ.get("GITHUB_SERVER_URL", "")
        url = f"{server}/{repository}/blob/{ref or 'HEAD'}/README.md"
        return url if repository and re.fullmatch(r"https?://[\w.:/@+-]+", url, re.ASCII) else ""

    @property
    def _is_fork_pull_request(self) -> bool:
        """Whether a fork's pull request started the run, which then gets no secrets."""
        try:
            event = json.loads(Path(os.environ.get("GITHUB_EVENT_PATH") or os.devnull).read_bytes())
            repository = event["pull_request"]["head"]["repo"]
            # A fork that has been deleted is null.
            head = None if repository is None else repository["full_name"]
        except (OSError, ValueError, LookupError, TypeError):
            return False
        # `pull_request_target` also runs for a fork's pull request, but in the base repository and with its secrets.
        is_trusted = os.environ.get("GITHUB_EVENT_NAME") == "pull_request_target"
        return not is_trusted and bool(head != os.environ.get("GITHUB_REPOSITORY"))

    @property
    def _repository(self) -> str:
        return PurePosixPath(os.environ.get("GITHUB_REPOSITORY") or "repository").name
