"""What the workflow asked for: raw input strings in, checked `Settings` out, all problems at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from prefix_upload.errors import ConfigurationError, Problem
from prefix_upload.models import Depth, Patterns, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    "concurrency": "8",
    "retries": "5",
    "timeout": "300",
    "validate": "full",
    "max-size": "",
    "summary": "true",
}

_DEFAULT_PORTS = {"https": 443, "http": 80}
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

# One part of a channel's path: CEP 26, "Channel base URLs". prefix.dev itself also has upper case.
_CHANNEL_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
# The spellings of the YAML 1.2 core schema, which the runner's own toolkits accept.
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_SIZE = re.compile(r"(\d{1,15})\s*([KMGT]i?)?B?", re.IGNORECASE)
_SIZE_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE_FACTORS |= {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}

_Value = TypeVar("_Value")
_Choice = TypeVar("_Choice", bound=StrEnum)


class IfNoFilesFound(StrEnum):
    """What to do when no pattern matches a file."""

    ERROR = "error"
    WARN = "warn"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The checkout. `path` is where this process sees it, `aliases` where the runner's host may see it.

    The runner translates a path only where the whole input starts with it, so the second line of `glob`
    and every `!` line still hold the host's path (actions/runner, ContainerActionHandler).
    """

    path: Path
    aliases: tuple[PurePosixPath, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The checked inputs. `timeout` is in seconds, `max_size` in bytes (`None`: no limit)."""

    channel: str
    patterns: Patterns
    token: Secret | None
    server_url: str
    if_no_files_found: IfNoFilesFound
    skip_existing: bool
    force: bool
    dry_run: bool
    concurrency: int
    retries: int
    timeout: int
    depth: Depth
    max_size: int | None


def parse(raw: Mapping[str, str], workspace: Workspace, *, from_fork: bool = False) -> Settings:
    """The settings that the inputs spell.

    Args:
        raw: every input by its name in `action.yml`; an empty or missing one counts as its default.
        workspace: what patterns are relative to.
        from_fork: whether the run belongs to a pull request from a fork, which is given no secrets.

    Raises:
        ConfigurationError: with every problem of every input.
    """
    reader = _Reader(raw)
    server_url = reader.read("server-url", _server_url, DEFAULTS["server-url"])
    reader.read("summary", _boolean, True)  # only checked: see `wants_summary`
    settings = Settings(
        server_url=server_url,
        channel=reader.read("channel", lambda text: _channel(text, server_url), ""),
        patterns=_patterns(reader, workspace),
        token=reader.read("token", _token, None),
        if_no_files_found=reader.read("if-no-files-found", _choice(IfNoFilesFound), IfNoFilesFound.ERROR),
        skip_existing=reader.read("skip-existing", _boolean, False),
        force=reader.read("force", _boolean, False),
        dry_run=reader.read("dry-run", _boolean, False),
        concurrency=reader.read("concurrency", _number(1, 32), 1),
        retries=reader.read("retries", _number(0, 20), 0),
        timeout=reader.read("timeout", _number(1, 86_400), 1),
        depth=reader.read("validate", _choice(Depth), Depth.FULL),
        max_size=reader.read("max-size", _size, None),
    )
    problems = (*reader.problems, *_contradictions(settings, raw, from_fork=from_fork))
    if problems:
        raise ConfigurationError(*problems)
    return settings


def wants_summary(raw: Mapping[str, str]) -> bool:
    """Whether to write the job summary: unless it is switched off, so also where it is misspelled."""
    return _BOOLEANS.get(raw.get("summary", "").strip(), True)


class _InputError(ValueError):
    """An input that cannot be understood. `args` are what is wrong and what to write instead."""


class _Reader:
    """Reads inputs one by one and keeps the problems of all of them."""

    def __init__(self, raw: Mapping[str, str]) -> None:
        self._raw = raw
        self.problems: list[Problem] = []

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
        except _InputError as error:
            message, advice = error.args
            self.problems.append(Problem(f"Input '{name}'", f"The input '{name}' {message}.", advice))
            return fallback


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text]
    except KeyError:
        raise _InputError(f"is {text!r}, which is no boolean", "Write 'true' or 'false'.") from None


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse_text(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise _InputError(f"is {text!r}", f"Write a whole number from {low} to {high}.")
        return int(text)

    return parse_text


def _choice(values: type[_Choice]) -> Callable[[str], _Choice]:
    def parse_text(text: str) -> _Choice:
        try:
            return values(text)
        except ValueError:
            known = ", ".join(f"'{value}'" for value in values)
            raise _InputError(f"is {text!r}", f"Write one of {known}.") from None

    return parse_text


def _size(text: str) -> int | None:
    if not text:
        return None
    match = _SIZE.fullmatch(text)
    if match is None or not int(match[1]):
        raise _InputError(f"is {text!r}", "Write a size such as '500MB' or '1GiB', or leave it empty.")
    return int(match[1]) * _SIZE_FACTORS[(match[2] or "").lower()]


def _token(text: str) -> Secret | None:
    if not text:
        return None
    # NOTE: never quote it. It goes into an HTTP header, which carries visible ASCII only.
    if not re.fullmatch(r"[!-~]+", text):
        raise _InputError(
            "holds white space, a line break or a character outside ASCII inside the key",
            "Store the API key again, without quotes or other text around it.",
        )
    return Secret(text)


def _server_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _InputError(f"is {text!r}, which is no URL", "Write 'https://' and the host.") from None
    host = parts.hostname or ""
    if not re.fullmatch(r"[a-z0-9.-]+|[0-9a-f:]+", host) or parts.scheme not in {"http", "https"}:
        raise _InputError(f"is {text!r}, which is no web address", "Write 'https://' and the host.")
    if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise _InputError(
            "holds more than scheme, host and port", f"Write '{parts.scheme}://{host}' and nothing after it."
        )
    if parts.scheme == "http" and host not in LOOPBACK_HOSTS:
        raise _InputError(
            f"is {text!r}: over plain http the token could be read on the way", f"Write 'https://{host}'."
        )
    netloc = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{netloc}" + (f":{port}" if port not in {None, _DEFAULT_PORTS[parts.scheme]} else "")


def _channel(text: str, server_url: str) -> str:
    if not text:
        raise _InputError("is missing", "Write the channel to publish to: 'namespace' or 'namespace/channel'.")
    if text.startswith("@"):
        raise _InputError(f"is {text!r}", f"Write it without the '@': '{text.lstrip('@')}'.")
    path = _path_of_channel_url(text, server_url) if "://" in text else text.rstrip("/")
    parts = path.split("/")
    if len(parts) > 2 or not all(_CHANNEL_PART.fullmatch(part) for part in parts):  # noqa: PLR2004 - as the sentence below says
        raise _InputError(
            f"is {text!r}, which is no channel name",
            "Write 'namespace' or 'namespace/channel', with letters, digits, '.', '_' and '-'.",
        )
    return path


def _path_of_channel_url(text: str, server_url: str) -> str:
    """The channel in an address copied from a browser, `.condarc` or `pixi.toml`."""
    server = urlsplit(server_url)
    try:
        parts = urlsplit(text)
        port = None if parts.port == _DEFAULT_PORTS.get(parts.scheme) else parts.port
        origin = (parts.hostname, port)
    except ValueError:
        raise _InputError(f"is {text!r}, which is no URL", "Write 'namespace/channel'.") from None
    if origin not in {(server.hostname, server.port), (f"repo.{server.hostname}", server.port)}:
        raise _InputError(
            f"is an address on {parts.hostname!r}, but packages go to {server_url}",
            "Write 'namespace/channel', or set 'server-url' to the server of that channel.",
        )
    return parts.path.strip("/").removeprefix("channels/")


def _patterns(reader: _Reader, workspace: Workspace) -> Patterns:
    include: list[str] = []
    exclude: list[str] = []
    for line in map(str.strip, reader.text("glob").splitlines()):
        if line and not line.startswith("#"):
            kind, pattern = (exclude, line[1:].strip()) if line.startswith("!") else (include, line)
            kind.append(reader.check("glob", lambda text: _inside(text, workspace), pattern, pattern))
    reader.check("glob", _at_least_one, "".join(include), None)
    return Patterns(tuple(dict.fromkeys(include)), tuple(dict.fromkeys(exclude)))


def _at_least_one(text: str) -> None:
    if not text:
        raise _InputError("names no file", "Write one pattern a line, such as 'output/**/*.conda'.")


def _inside(pattern: str, workspace: Workspace) -> str:
    """The pattern relative to the workspace."""
    # A pattern is no path, but its leading, literal parts are those of one.
    path = PurePosixPath(pattern)
    if ".." in path.parts:
        raise _InputError(f"has the pattern {pattern!r}", "Write patterns without '..', inside the workspace.")
    if not path.is_absolute():
        if pattern.startswith("~"):
            raise _InputError(f"has the pattern {pattern!r}", _OUTSIDE)
        return str(path)
    for root in (PurePosixPath(workspace.path), *workspace.aliases):
        if path.is_relative_to(root):
            return str(path.relative_to(root))
    raise _InputError(f"has the pattern {pattern!r}, which lies outside the workspace", _OUTSIDE)


# Said for '/tmp/…', '~' and the like. A container action sees nothing else of the runner's disk.
_OUTSIDE = (
    "The action runs in a container that sees only the workspace, not the host's /tmp or home folder: "
    "build or copy the packages into the workspace and write the pattern relative to it."
)


def _contradictions(settings: Settings, raw: Mapping[str, str], *, from_fork: bool) -> Sequence[Problem]:
    """Inputs that are well formed, but do not go together."""
    problems = []
    if settings.force and settings.skip_existing:
        problems.append(
            Problem(
                "Inputs 'force' and 'skip-existing'",
                "Both 'force' and 'skip-existing' are true, but a file cannot be overwritten and left alone.",
                "Set one of them.",
            )
        )
    # NOTE: a dry run reads only, and anybody can read a public channel: so pull requests can validate.
    if not raw.get("token", "").strip() and not settings.dry_run:
        problems.append(_FORK_WITHOUT_TOKEN if from_fork else _NO_TOKEN)
    return problems


# Said when a workflow does not pass a token, or passes a secret that does not exist.
_NO_TOKEN = Problem(
    "Input 'token'",
    "The input 'token' is empty.",
    "Create an API key with write access on prefix.dev, store it as a secret of the repository (or of the "
    "environment that the job names) and pass it: 'token: ${{ secrets.PREFIX_API_KEY }}'. A secret that does "
    "not exist under that very name arrives empty.",
)
# Said when the run cannot have a token: GitHub gives no secrets to pull requests from forks.
_FORK_WITHOUT_TOKEN = Problem(
    "Input 'token'",
    "The input 'token' is empty because this is a pull request from a fork, which is given no secrets.",
    "Publish after the merge (for example with 'if: github.event_name == 'push''), and set 'dry-run: true' "
    "in pull requests to validate only.",
)
