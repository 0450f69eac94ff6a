"""Parsers for the inputs: each turns a text into a value, or raises `InputError`."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from prefix_upload.auth.secret import Secret
from prefix_upload.errors import setting
from prefix_upload.http.urls import DEFAULT_PORTS

if TYPE_CHECKING:
    from collections.abc import Callable


# One part of a channel's path (CEP 26, "Channel base URLs"). prefix.dev also allows upper case.
_CHANNEL_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
# The pages below a channel's page on prefix.dev.
_PAGES = frozenset({"packages", "settings"})
# The spellings of the YAML 1.2 core schema, as in the runner's own toolkits.
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_SIZE = re.compile(r"(\d{1,15})\s*([KMGT]i?)?B?", re.IGNORECASE)
_SIZE_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE_FACTORS |= {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}

# The public instances of Sigstore.
PRODUCTION, STAGING = "production", "staging"

# The number of characters of a value that a message shows: the value may be a whole file by mistake.
_SHOWN = 100

_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True)
class Workspace:
    """The folder that patterns are relative to.

    Attributes:
        path: its resolved path in this process.
        aliases: other paths by which an input may refer to it.
        outside_hint: the hint for a path outside of it.
    """

    path: Path
    aliases: tuple[PurePosixPath, ...] = ()
    outside_hint: str = "Write patterns relative to it."


@dataclass(slots=True)
class Context:
    """What a parser may need besides the text. `server_url` is "" until it is parsed."""

    workspace: Workspace
    server_url: str = ""


class InputError(ValueError):
    """The value of an input is invalid. `problem` completes "<input> …"; `hint` says what to write instead."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


class IfNoFilesFound(StrEnum):
    """What to do when no pattern matches a file."""

    ERROR = "error"
    WARN = "warn"
    IGNORE = "ignore"


def boolean(text: str, _: Context) -> bool:
    """Parses a boolean, in one of the spellings in `BOOLEANS`."""
    try:
        return BOOLEANS[text]
    except KeyError:
        raise InputError(f"is {text!r}, which is not a boolean", "Use 'true' or 'false'.") from None


def integer(low: int, high: int) -> Callable[[str, Context], int]:
    """A parser for whole numbers from `low` to `high`."""

    def parse(text: str, _: Context) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise InputError(f"is {text!r}", f"Use an integer from {low} to {high}.")
        return int(text)

    return parse


def choice(values: type[_Choice]) -> Callable[[str, Context], _Choice]:
    """A parser for the values of an enumeration."""

    def parse(text: str, _: Context) -> _Choice:
        try:
            return values(text)
        except ValueError:
            known = ", ".join(f"'{value}'" for value in values)
            raise InputError(f"is {text!r}", f"Use one of {known}.") from None

    return parse


def size(text: str, _: Context) -> int | None:
    """Parses a size in bytes, with an optional unit; `None` (no limit) for an empty text."""
    if not text:
        return None
    match = _SIZE.fullmatch(text)
    if match is None or not int(match[1]):
        raise InputError(f"is {text!r}", "Write a size such as '500MB' or '1GiB', or leave it empty.")
    return int(match[1]) * _SIZE_FACTORS[(match[2] or "").lower()]


def token(text: str, _: Context) -> Secret | None:
    """Parses an API key; `None` for an empty text."""
    if not text:
        return None
    # NOTE: never quote the key in a message. It goes into an HTTP header, so it must be visible ASCII.
    if not re.fullmatch(r"[!-~]+", text):
        raise InputError(
            "contains white space, a line break or a non-ASCII character",
            "Store the API key again, without quotes or anything else around it.",
        )
    return Secret(text)


def channel(text: str, context: Context) -> str:
    """Parses a channel, written as its path or as one of its addresses on the server. The value is the path."""
    if not text:
        raise InputError("is missing", "Write the channel to publish to: 'namespace' or 'namespace/channel'.")
    if text.startswith("@"):
        raise InputError(f"is {text!r}", f"Write it without the '@': '{text.lstrip('@')}'.")
    url = _as_url(text, context.server_url)
    path = text.rstrip("/") if url is None else _path_of_channel_url(url, context.server_url)
    parts = path.split("/")
    if len(parts) > 2 or not all(_CHANNEL_PART.fullmatch(part) for part in parts):  # noqa: PLR2004 - as the hint below says
        raise InputError(
            f"is {text!r}, which is not a channel name",
            "Write 'namespace' or 'namespace/channel', with letters, digits, '.', '_' and '-'.",
        )
    return path


def _as_url(text: str, server_url: str) -> str | None:
    """The URL in a text, which may lack its scheme; `None` if the text is not a URL."""
    if "://" in text:
        return text
    server = urlsplit(server_url)
    host, slash, _ = text.partition("/")
    is_url = slash and host.lower() in {server.netloc, f"repo.{server.netloc}"}
    return f"{server.scheme}://{text}" if is_url else None


def _path_of_channel_url(text: str, server_url: str) -> str:
    """The channel's path in a URL copied from a browser, `.condarc` or `pixi.toml`."""
    server = urlsplit(server_url)
    try:
        parts = urlsplit(text)
        port = None if parts.port == DEFAULT_PORTS.get(parts.scheme) else parts.port
        origin = (parts.hostname, port)
    except ValueError:
        raise InputError(f"is {text!r}, which is not a URL", "Write 'namespace/channel'.") from None
    if origin not in {(server.hostname, server.port), (f"repo.{server.hostname}", server.port)}:
        raise InputError(
            f"is a URL on {parts.hostname!r}, but the server is {server_url}",
            f"Write 'namespace/channel', or set {setting('server-url')} to the server of that channel.",
        )
    path = parts.path.strip("/")
    is_page = path.partition("/")[0] == "channels"
    return _path_of_page(path.partition("/")[2]) if is_page else path


def _path_of_page(path: str) -> str:
    """The channel's path in the path of its page, or of one of the pages below it: `@namespace/channel/packages/…`."""
    parts = path.removeprefix("@").split("/")
    # The page of a namespace's primary channel has only one part.
    depth = 2 if path.startswith("@") or parts[1:2] not in [[page] for page in _PAGES] else 1
    return "/".join(parts[:depth] if parts[depth : depth + 1] in [[page] for page in _PAGES] else parts)


def truncated_repr(text: str) -> str:
    """The beginning of a value, in quotes: the value may be a whole file by mistake."""
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}…"


def relative_to_workspace(pattern: str, workspace: Workspace) -> str:
    """Makes a pattern relative to the workspace.

    Raises:
        InputError: it is outside the workspace, or has a `..` part.
    """
    # A pattern is not a path, but its leading literal parts are those of a path.
    path = PurePosixPath(pattern)
    if ".." in path.parts:
        raise InputError(
            f"has the pattern {pattern!r}, which contains '..'", "Write patterns without '..', inside the workspace."
        )
    if not path.is_absolute():
        if pattern.startswith("~"):
            raise InputError(f"has the pattern {pattern!r}", workspace.outside_hint)
        return str(path)
    for root in (PurePosixPath(workspace.path), *workspace.aliases):
        if path.is_relative_to(root):
            return str(path.relative_to(root))
    raise InputError(f"has the pattern {pattern!r}, which is outside the workspace", workspace.outside_hint)


def sigstore_instance(text: str, context: Context) -> str | Path:
    """Parses a Sigstore instance: `production`, `staging`, or a file in the workspace that describes a private one."""
    if text in {PRODUCTION, STAGING}:
        return text
    with contextlib.suppress(OSError, ValueError):
        path = (context.workspace.path / relative_to_workspace(text, context.workspace)).resolve()
        if path.is_relative_to(context.workspace.path) and path.is_file():
            return path
    raise InputError(
        f"is {text[:_SHOWN]!r}, but there is no such file in the workspace",
        f"Write '{PRODUCTION}', '{STAGING}', or the path of a trust configuration (JSON) in the workspace.",
    )
