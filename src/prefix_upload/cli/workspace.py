"""Files named on the command line: patterns may lead to any folder, whereas the library's are below one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from prefix_upload.errors import ConfigurationError, Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MAGIC = re.compile(r"[*?\[{]")


def absolute(current: Path, text: str) -> str:
    """A path, or a pattern, that is relative to a folder, without '..'."""
    path = os.path.join(current, text)  # noqa: PTH118 - text, not a path
    end = text[len(text.rstrip("/")) :] and "/"  # which says that it is a folder
    head = os.path.dirname(path if os.path.exists(path) else _fixed_part(path))  # noqa: PTH110, PTH120
    if os.pardir in Path(head).parts:  # after a link, that is the folder above where it leads to
        path = os.path.realpath(head) + path[len(head) :]
    return os.path.normpath(path) + end


def patterns_below(current: Path, patterns: Sequence[str], others: Sequence[str] = ()) -> tuple[Path, list[str]]:
    """The deepest folder that contains the current one and all files that the patterns can match.

    Args:
        current: the current folder.
        patterns: patterns relative to it, or absolute ones. One that names an existing file is that file, whatever its
            characters mean in a pattern.
        others: absolute paths of other files that have to be in the folder.

    Returns:
        The folder, and the patterns relative to it.

    Raises:
        ConfigurationError: a pattern is empty, or names a file that does not exist, or a folder outside the current one
            that does not.
    """
    current = current.resolve()
    signs = ["!" if pattern.startswith("!") else "" for pattern in patterns]
    bare = (pattern.removeprefix(sign) for pattern, sign in zip(patterns, signs, strict=True))
    paths = [absolute(current, pattern) for pattern in bare]
    included = [item for item in zip(patterns, paths, strict=True) if not item[0].startswith("!")]
    errors = [error for pattern, path in included for error in _errors(current, pattern, path)]
    if errors:
        raise ConfigurationError(*errors)
    fixed = [path if os.path.exists(path) else _fixed_part(path) for path in paths]  # noqa: PTH110 - text, not a path
    folder = Path(os.path.commonpath([str(current), *map(os.path.dirname, (*fixed, *others))]))
    relative = [os.path.relpath(path, folder) for path in paths]
    names = [_escaped(name) if os.path.exists(path) else name for path, name in zip(paths, relative, strict=True)]  # noqa: PTH110
    return folder, [sign + name for sign, name in zip(signs, names, strict=True)]


def _errors(current: Path, pattern: str, path: str) -> Iterator[Diagnostic]:
    """Yields why a pattern can't match anything."""
    folder = Path(f"{_fixed_part(path)}*").parent
    if _MAGIC.search(path) is None and not os.path.lexists(path):
        # A backslash may be a mistake for a slash, which the patterns' own messages explain.
        if "\\" not in pattern:
            yield Diagnostic("No such file", f"There is no file '{pattern}'.", "Check the spelling.")
    # Below the current folder, it matches nothing, as in the action: a build may not have made the folder.
    # NOTE: `Path.is_dir` fails if a name is too long.
    elif not os.path.isdir(folder) and not folder.is_relative_to(current):  # noqa: PTH112
        yield Diagnostic("No such folder", f"'{pattern}' is in a folder that does not exist.", "Check the spelling.")


def _fixed_part(path: str) -> str:
    """The path up to the first part that is a pattern."""
    magic = _MAGIC.search(path)
    return path[: magic.start()] if magic else path


def _escaped(name: str) -> str:
    """A pattern that matches this name only."""
    return re.sub(r"([*?\[\]{}!#\\])", r"\\\1", name)
