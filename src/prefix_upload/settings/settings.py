"""What the workflow asked for: raw input strings in, checked `Settings` out, all problems at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from prefix_upload.auth.audience import audience_of
from prefix_upload.discovery import Patterns
from prefix_upload.errors import ConfigurationError, Diagnostic
from prefix_upload.package.model import ValidationLevel
from prefix_upload.settings.consistency import Job, consistency_errors
from prefix_upload.settings.parsers import (
    BOOLEANS,
    PRODUCTION,
    STAGING,
    InputError,
    Workspace,
    at_least_one,
    boolean,
    channel,
    choice,
    inside,
    number,
    server_url,
    sigstore_instance,
    size,
    token,
    uses_secure_transport,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from prefix_upload.auth.secret import Secret

__all__ = [
    "DEFAULTS",
    "PRODUCTION",
    "STAGING",
    "IfNoFilesFound",
    "Job",
    "Settings",
    "Workspace",
    "parse",
    "uses_secure_transport",
    "wants_summary",
]

# The inputs and their defaults, as `action.yml` declares them: the runner passes the default where a
# workflow sets nothing, and an empty string where it sets an empty one.
DEFAULTS = {
    "channel": "",
    "glob": "",
    "token": "",
    "server-url": "https://prefix.dev",
    "if-no-files-found": "error",
    "skip-existing": "false",
    "force": "false",
    "dry-run": "false",
    "attestations": "false",
    "sigstore-instance": PRODUCTION,
    "concurrency": "8",
    "retries": "5",
    "timeout": "300",
    "validate": "full",
    "max-size": "",
    "summary": "true",
}

_Value = TypeVar("_Value")


class IfNoFilesFound(StrEnum):
    """What to do when no pattern matches a file."""

    ERROR = "error"
    WARN = "warn"
    IGNORE = "ignore"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The checked inputs. `timeout` is in seconds, `max_size` in bytes (`None`: no limit).

    `sigstore_instance` is the name of a public instance, or the file that describes a private one.
    """

    channel: str
    patterns: Patterns
    token: Secret | None
    server_url: str
    if_no_files_found: IfNoFilesFound
    skip_existing: bool
    force: bool
    dry_run: bool
    attestations: bool
    sigstore_instance: str | Path
    concurrency: int
    retries: int
    timeout: int
    depth: ValidationLevel
    max_size: int | None

    @property
    def channel_url(self) -> str:
        """The channel as conda clients know it; a publish attestation names it so (CEP 27)."""
        return f"{self.server_url}/{self.channel}"

    @property
    def audience(self) -> str:
        """Whom an identity token for the server has to name."""
        return audience_of(urlsplit(self.server_url).hostname or "")


def parse(raw: Mapping[str, str], workspace: Workspace, job: Job) -> Settings:
    """The settings that the inputs spell.

    Args:
        raw: every input by its name in `action.yml`; an empty or missing one counts as its default.
        workspace: what patterns are relative to.
        job: what the runner lets this job do.

    Raises:
        ConfigurationError: with every problem of every input.
    """
    reader = _Reader(raw)
    public: str | Path = PRODUCTION
    url = reader.read("server-url", server_url, DEFAULTS["server-url"])
    reader.read("summary", boolean, True)  # only checked: see `wants_summary`
    settings = Settings(
        server_url=url,
        channel=reader.read("channel", lambda text: channel(text, url), ""),
        patterns=_patterns(reader, workspace),
        token=reader.read("token", token, None),
        if_no_files_found=reader.read("if-no-files-found", choice(IfNoFilesFound), IfNoFilesFound.ERROR),
        skip_existing=reader.read("skip-existing", boolean, False),
        force=reader.read("force", boolean, False),
        dry_run=reader.read("dry-run", boolean, False),
        attestations=reader.read("attestations", boolean, False),
        sigstore_instance=reader.read("sigstore-instance", partial(sigstore_instance, workspace), public),
        concurrency=reader.read("concurrency", number(1, 32), 1),
        retries=reader.read("retries", number(0, 20), 0),
        timeout=reader.read("timeout", number(1, 86_400), 1),
        depth=reader.read("validate", choice(ValidationLevel), ValidationLevel.FULL),
        max_size=reader.read("max-size", size, None),
    )
    has_token = bool(raw.get("token", "").strip())
    problems = (*reader.problems, *consistency_errors(settings, job, has_token=has_token))
    if problems:
        raise ConfigurationError(*problems)
    return settings


def wants_summary(raw: Mapping[str, str]) -> bool:
    """Whether to write the job summary: unless it is switched off, so also where it is misspelled."""
    return BOOLEANS.get(raw.get("summary", "").strip(), True)


class _Reader:
    """Reads inputs one by one and keeps the problems of all of them."""

    def __init__(self, raw: Mapping[str, str]) -> None:
        self._raw = raw
        self.problems: list[Diagnostic] = []

    def read(self, name: str, parse_text: Callable[[str], _Value], fallback: _Value) -> _Value:
        """The input's value, or `fallback` (never used, since the run ends) where it has a problem."""
        return self.check(name, parse_text, self.text(name), fallback)

    def text(self, name: str) -> str:
        """The input as the workflow wrote it."""
        return self._raw.get(name, "").strip() or DEFAULTS[name]

    def check(self, name: str, parse_text: Callable[[str], _Value], text: str, fallback: _Value) -> _Value:
        """The value of a part of the input, such as a line."""
        try:
            return parse_text(text)
        except InputError as error:
            message, hint = error.args
            self.problems.append(Diagnostic(f"Input '{name}'", f"The input '{name}' {message}.", hint))
            return fallback


def _patterns(reader: _Reader, workspace: Workspace) -> Patterns:
    include: list[str] = []
    exclude: list[str] = []
    for line in map(str.strip, reader.text("glob").splitlines()):
        if line and not line.startswith("#"):
            kind, pattern = (exclude, line[1:].strip()) if line.startswith("!") else (include, line)
            kind.append(reader.check("glob", lambda text: inside(text, workspace), pattern, pattern))
    reader.check("glob", at_least_one, "".join(include), None)
    return Patterns(tuple(dict.fromkeys(include)), tuple(dict.fromkeys(exclude)))
