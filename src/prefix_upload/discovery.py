"""Patterns in, files out: what the `glob` input matches in the workspace."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from wcmatch import glob

from prefix_upload.errors import ConfigurationError, Problem
from prefix_upload.models import PACKAGE_EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prefix_upload.models import Patterns

# Hidden folders (`.pixi`, `.git`) are matched only where a pattern spells the dot: package caches live there.
_FLAGS = glob.GLOBSTAR | glob.BRACE


@dataclass(frozen=True, slots=True)
class Found:
    """The matched files, in the order of the patterns and sorted within one, and what matched nothing."""

    files: tuple[Path, ...]
    unmatched: tuple[str, ...]


def find(patterns: Patterns, workspace: Path) -> Found:
    """The files that the patterns match.

    Folders are left out, as by `actions/upload-artifact` and `hashFiles`, unless they are named like a
    package. A file that is reached by two patterns or links is found once, by its first path.

    Raises:
        ConfigurationError: a pattern has too many alternatives.
    """
    paths: dict[tuple[int, int] | str, Path] = {}
    unmatched = []
    for pattern in patterns.include:
        matches = [path for path in _matches(pattern, patterns, workspace) if _is_candidate(path)]
        if not matches:
            unmatched.append(pattern)
        for path in matches:
            paths.setdefault(_identity(path), path)
    return Found(tuple(paths.values()), tuple(unmatched))


def _matches(pattern: str, patterns: Patterns, workspace: Path) -> Iterator[Path]:
    try:
        names = sorted(glob.glob(pattern, flags=_FLAGS, root_dir=workspace))
        for name in names:
            # NOTE: alternatives such as '{..,a}/*' can lead out of the workspace, where nothing is ours.
            inside = ".." not in PurePath(name).parts
            if inside and not any(glob.globmatch(part, patterns.exclude, flags=_FLAGS) for part in _ancestry(name)):
                yield workspace / name
    except glob.PatternLimitException:
        raise ConfigurationError(
            Problem(
                "Input 'glob'",
                f"The input 'glob' has the pattern {pattern!r} or an exclusion, which stands for over 1000 patterns.",
                "Write fewer alternatives in braces.",
            )
        ) from None


def _ancestry(name: str) -> Iterator[str]:
    """The path and each folder above it, so that excluding a folder excludes what is in it."""
    while name:
        yield name
        name = os.path.dirname(name)  # noqa: PTH120 - a string that ends at "", where Path has "."


def _is_candidate(path: Path) -> bool:
    return not path.is_dir() or path.name.endswith(PACKAGE_EXTENSIONS)


def _identity(path: Path) -> tuple[int, int] | str:
    """What two names of one file share. A link that leads nowhere is a file of its own, for validation."""
    try:
        status = os.stat(path)  # noqa: PTH116 - the name may hold what Path cannot
    except OSError:
        return str(path)
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else str(path)
