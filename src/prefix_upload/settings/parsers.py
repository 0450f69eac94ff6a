"""Parsers for the inputs: each turns a text into a value, or raises `InputError`."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from prefix_upload.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path, PurePath


# The spellings of the YAML 1.2 core schema, as in the runner's own toolkits.
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_SIZE = r"(?i)([0-9]{1,15}(?:\.[0-9]{1,15})?|\.[0-9]{1,15})\s*([KMGT]i?)?B?"
_SIZE_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE_FACTORS |= {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}

_STORE_AGAIN = "Store the API key again, without quotes or anything else around it."

_USER = r"(?i)^((?:(?:[a-z][a-z0-9+.-]*:)?//)?)(?:[^/]*:.*|[^/]*)@(?!$)"
_QUERY = r"(?s)[?#].*"
# As conda writes the token of a private channel into its URL.
_CREDENTIAL_IN_PATH = r"/t/[^/]+"

_Choice = TypeVar("_Choice", bound=StrEnum)
_Value = TypeVar("_Value")


class Workspace(NamedTuple):
    """The folder that patterns are relative to.

    Attributes:
        path: its resolved path in this process.
        aliases: other paths by which an input may refer to it.
        outside_hint: the hint for a path outside of it.
    """

    path: Path
    aliases: tuple[PurePath, ...] = ()
    outside_hint: str = "Write patterns relative to it."


class Context:
    """What a parser may need besides the text. `server_url` is "" until it is parsed."""

    def __init__(self, workspace: Workspace, server_url: str = "") -> None:
        self.workspace = workspace
        self.server_url = server_url


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


def optional(parse: Callable[[str, Context], _Value]) -> Callable[[str, Context], _Value | None]:
    """A parser like `parse`, with `None` for an empty text."""
    return lambda text, context: parse(text, context) if text else None


def integer(low: int, high: int, what: str = "an integer") -> Callable[[str, Context], int]:
    """A parser for whole numbers from `low` to `high`; `what` is what the number is to a user."""

    def parse(text: str, _: Context) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise InputError(f"is {text!r}", f"Use {what} from {low} to {high}.")
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
    match = re.fullmatch(_SIZE, text)
    count = _bytes(match[1], _SIZE_FACTORS[(match[2] or "").lower()]) if match else 0
    if not count:
        raise InputError(f"is {text!r}", f"Write a size such as {_size_example(text)}, or leave it empty.")
    return count


def _bytes(number: str, factor: int) -> int:
    """A decimal number of units in bytes, rounded down."""
    whole, _, decimals = number.partition(".")
    return int(int(whole + decimals) * factor // 10 ** len(decimals))


def _size_example(text: str) -> str:
    """What was probably meant, where a comma stands for the decimal point; else sizes of both kinds of units."""
    # '1,500MB' has a comma between thousands.
    corrected = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text).replace(",", ".", 1)
    return f"'{corrected}'" if "," in text and re.fullmatch(_SIZE, corrected) else "'500MB', '1.5GB' or '1GiB'"


def token(text: str, _: Context) -> Secret | None:
    """Parses an API key; `None` for an empty text."""
    if not text:
        return None
    # NOTE: never quote the key in a message. It goes into an HTTP header, so it must be visible ASCII.
    if not re.fullmatch(r"[!-~]+", text):
        raise InputError("contains whitespace, a line break or a non-ASCII character", _STORE_AGAIN)
    if text[0] == text[-1] and text[0] in "'\"":
        raise InputError("is in quotes", _STORE_AGAIN)
    return Secret(text)


def without_credentials(text: str) -> str:
    """A URL as it may be shown: without user, password, query, and the token in a path such as `/t/<token>/channel`."""
    text = re.sub(_QUERY, "?…", re.sub(_USER, r"\1***@", text))
    return re.sub(_CREDENTIAL_IN_PATH, "/t/***", text)
