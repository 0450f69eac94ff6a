"""The parser of the input `glob`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.discovery import MAX_ALTERNATIVES, Patterns, has_too_many_alternatives
from prefix_upload.settings.parsers import InputError, relative_to_workspace, truncated_repr

if TYPE_CHECKING:
    from prefix_upload.settings.parsers import Context


def patterns(text: str, context: Context) -> Patterns:
    """Parses glob patterns, one per line. `!` excludes; `#` starts a comment line.

    Raises:
        ExceptionGroup: the `InputError`s of all lines.
    """
    include: list[str] = []
    exclude: list[str] = []
    errors: list[InputError] = []
    for line in map(str.strip, text.splitlines()):
        if line and not line.startswith("#"):
            kind, pattern = (exclude, line[1:].strip()) if line.startswith("!") else (include, line)
            try:
                kind.append(_bounded(relative_to_workspace(pattern, context.workspace)))
            except InputError as error:
                errors.append(error)
                kind.append(pattern)
    if not any(include):
        errors.append(InputError("has no pattern", "Write one pattern per line, such as 'output/**/*.conda'."))
    if errors:
        raise ExceptionGroup("patterns", errors)
    return Patterns(tuple(dict.fromkeys(include)), tuple(dict.fromkeys(exclude)))


def _bounded(pattern: str) -> str:
    if has_too_many_alternatives(pattern):
        raise InputError(
            f"has the pattern {truncated_repr(pattern)}, which expands to more than {MAX_ALTERNATIVES} patterns",
            "Use fewer alternatives in braces, or '*'.",
        )
    return pattern
