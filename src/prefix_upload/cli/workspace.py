"""Files named on the command line: patterns may lead to any folder, whereas the library's are below one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAGIC = re.compile(r"[*?\[{]")


def patterns_below(current: Path, patterns: Sequence[str]) -> tuple[Path, list[str]]:
    """The deepest folder that contains the current one and all files that the patterns can match.

    Args:
        current: the current folder.
        patterns: patterns relative to it, or absolute ones. One that names an existing file is that file, whatever its
            characters mean in a pattern.

    Returns:
        The folder, and the patterns relative to it.
    """
    current = current.resolve()
    signs = ["!" if pattern.startswith("!") else "" for pattern in patterns]
    bare = (pattern.removeprefix(sign) for pattern, sign in zip(patterns, signs, strict=True))
    paths = [os.path.normpath(current / pattern) for pattern in bare]
    fixed = [path if os.path.exists(path) else _fixed_part(path) for path in paths]  # noqa: PTH110 - text, not a path
    folder = Path(os.path.commonpath([str(current), *map(os.path.dirname, fixed)]))
    relative = [os.path.relpath(path, folder) for path in paths]
    names = [_escaped(name) if os.path.exists(path) else name for path, name in zip(paths, relative, strict=True)]  # noqa: PTH110
    return folder, [sign + name for sign, name in zip(signs, names, strict=True)]


def _fixed_part(path: str) -> str:
    """The path up to the first part that is a pattern."""
    magic = _MAGIC.search(path)
    return path[: magic.start()] if magic else path


def _escaped(name: str) -> str:
    """A pattern that matches this name only."""
    return re.sub(r"([*?\[\]{}!#\\])", r"\\\1", name)
