"""Finds the files in the workspace that match the `glob` input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import bracex
from wcmatch import glob

from prefix_upload.package.fs import file_identity
from prefix_upload.package.model import PACKAGE_EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


MAX_ALTERNATIVES = 1000


@dataclass(frozen=True)
class Patterns:
    """Glob patterns relative to the workspace: files to include, and files to exclude from those."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """The matched files, in the order of the patterns and sorted within each, and the patterns without a match."""

    files: tuple[Path, ...]
    unmatched: tuple[str, ...]


def find(patterns: Patterns, workspace: Path) -> Found:
    """Finds the files that match the patterns.

    Folders are skipped, as by `actions/upload-artifact` and `hashFiles`, unless they are named like a package. A file
    that matches under several patterns or links is found once, under its first path.

    Args:
        patterns: patterns with at most `MAX_ALTERNATIVES` alternatives each.
        workspace: the folder that they are relative to.
    """
    excluded = [expanded for pattern in patterns.exclude for expanded in _alternatives(pattern)]
    files: dict[tuple[int, int] | str, Path] = {}
    unmatched = []
    for pattern in patterns.include:
        matches = _matches(_alternatives(pattern), excluded, workspace)
        if not matches:
            unmatched.append(pattern)
        for path in matches:
            files.setdefault(_identity(path), path)
    return Found(tuple(files.values()), tuple(unmatched))


def _alternatives(pattern: str) -> list[str]:
    """The patterns that the braces in a pattern expand to."""
    return bracex.expand(pattern, keep_escapes=True, limit=MAX_ALTERNATIVES)


def has_too_many_alternatives(pattern: str) -> bool:
    """Whether the braces in a pattern expand to more than `MAX_ALTERNATIVES` patterns."""
    try:
        _alternatives(pattern)
    except bracex.ExpansionLimitException:
        return True
    return False


def _matches(globs: Sequence[str], excluded: Sequence[str], workspace: Path) -> list[Path]:
    # Hidden folders (`.pixi`, `.git`) match only if a pattern spells the dot: package caches live there.
    names = sorted(glob.glob(globs, flags=glob.GLOBSTAR, root_dir=workspace, limit=0))
    return [workspace / name for name in names if _is_wanted(name, excluded) and _is_candidate(workspace / name)]


def _is_wanted(name: str, excluded: Sequence[str]) -> bool:
    """Whether the name is inside the workspace and neither it nor a parent folder is excluded."""
    path = PurePath(name)
    if path.is_absolute() or ".." in path.parts:  # such as from '{/etc,..}/*'
        return False
    # Includes have to spell the dot of a hidden name; excludes do not.
    flags = glob.GLOBSTAR | glob.DOTGLOB
    return not any(glob.globmatch(str(part), excluded, flags=flags, limit=0) for part in (path, *path.parents[:-1]))


def _is_candidate(path: Path) -> bool:
    return not path.is_dir() or path.name.endswith(PACKAGE_EXTENSIONS)


def _identity(path: Path) -> tuple[int, int] | str:
    """Identifies a regular file under any of its names, and everything else by its path."""
    return file_identity(path) or str(path)
