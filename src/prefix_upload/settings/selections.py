"""Parses the inputs that choose what is on a channel."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from prefix_upload.package.listing import truncated_repr
from prefix_upload.settings.parsers import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefix_upload.package.selectors import Glob, Selector
    from prefix_upload.settings.parsers import Context

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_MAX_REASON = 500


def selectors(text: str, _: Context) -> tuple[Selector, ...]:
    """Parses selectors, one per line; `#` starts a comment line.

    Raises:
        ExceptionGroup: the `InputError`s of all lines.
    """
    from prefix_upload.package.selectors import SelectorError, parse_selector  # noqa: PLC0415 - slow to load

    found: list[Selector] = []
    errors: list[InputError] = []
    for line in _lines(text):
        try:
            found.append(parse_selector(line))
        except SelectorError as error:
            errors.append(InputError(error.problem, error.hint))
    if not found and not errors:
        errors.append(
            InputError("is missing", "Write the files to select, one per line, such as 'demo-1.0-h0_0.conda'.")
        )
    if errors:
        raise ExceptionGroup("selectors", errors)
    return tuple(dict.fromkeys(found))


def globs(text: str, _: Context) -> tuple[Glob, ...]:
    """Parses patterns for names of files or packages, one per line; `#` starts a comment line."""
    from prefix_upload.package.selectors import Glob  # noqa: PLC0415 - slow to load

    patterns = list(_lines(text))
    for pattern in patterns:
        if not re.fullmatch(r"[\w.*?\[\]!+/-]+", pattern):
            raise InputError(
                f"has the pattern {truncated_repr(pattern)}, which matches no file",
                "Write patterns for names of packages ('demo') or files ('demo-1.*', 'linux-64/*'), one per line.",
            )
    return tuple(Glob(pattern) for pattern in dict.fromkeys(patterns))


def age(text: str, _: Context) -> timedelta:
    """Parses a time such as `30d`, in hours (`h`), days (`d`) or weeks (`w`)."""
    match = re.fullmatch(r"([0-9]{1,5})\s*([hdw])", text)
    if match is None:
        raise InputError(f"is {truncated_repr(text)}", "Write a number of days, hours or weeks: '30d', '12h', '2w'.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def reason(text: str, _: Context) -> str:
    """Parses the reason for a change, a text on one line."""
    if not text:
        raise InputError("is missing", "Write why, in a sentence that users of the package see.")
    if not text.isprintable() or len(text) > _MAX_REASON:
        raise InputError(f"is {truncated_repr(text)}", f"Write one line of at most {_MAX_REASON} characters.")
    return text


def subdirs(text: str, _: Context) -> tuple[str, ...]:
    """Parses subdirs, separated by blanks, commas or line breaks; none for an empty text."""
    from prefix_upload.package.names import is_subdir  # noqa: PLC0415 - slow to load

    found = tuple(dict.fromkeys(filter(None, re.split(r"[\s,]+", text))))
    for subdir in found:
        if not is_subdir(subdir):
            raise InputError(
                f"has {truncated_repr(subdir)}, which is not a subdir", "Write subdirs such as 'linux-64' and 'noarch'."
            )
    return found


def _lines(text: str) -> Iterator[str]:
    return (line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#"))
