"""Patterns in, files out: what the `glob` input matches in the workspace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import bracex
from wcmatch import glob

from prefix_upload.errors import ConfigurationError, Diagnostic, setting
from prefix_upload.package.fs import file_identity
from prefix_upload.package.model import PACKAGE_EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


_MAX_ALTERNATIVES = 1000


@dataclass(frozen=True)
class Patterns:
    """Glob patterns relative to the workspace: what to take, and what of it to leave."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """The matched files, in the order of the patterns and sorted within one, and what matched nothing."""

    files: tuple[Path, ...]
    unmatched: tuple[str, ...]


def find(patterns: Patterns, workspace: Path) -> Found:
    """The files that the patterns match.

    Folders are left out, as by `actions/upload-artifact` and `hashFiles`, unless they are named like a
    package. A file that is reached by two patterns or links is found once, by its first path.

    Raises:
        ConfigurationError: a pattern stands for too many.
    """
    excluded = [globbed for pattern in patterns.exclude for globbed in _alternatives(pattern)]
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
    """What the braces of a pattern stand for."""
    try:
        return bracex.expand(pattern, keep_escapes=True, limit=_MAX_ALTERNATIVES)
    except bracex.ExpansionLimitException:
        raise ConfigurationError(
            Diagnostic(
                f"Invalid {setting('glob')}",
                f"The pattern {pattern!r} in {setting('glob')} stands for more than {_MAX_ALTERNATIVES} patterns.",
                "Write fewer alternatives in braces, or '*'.",
            )
        ) from None


def _matches(globs: Sequence[str], excluded: Sequence[str], workspace: Path) -> list[Path]:
    # Hidden folders (`.pixi`, `.git`) match only where a pattern spells the dot: package caches live there.
    names = sorted(glob.glob(globs, flags=glob.GLOBSTAR, root_dir=workspace, limit=0))
    return [workspace / name for name in names if _is_wanted(name, excluded) and _is_candidate(workspace / name)]


def _is_wanted(name: str, excluded: Sequence[str]) -> bool:
    """Whether the name lies inside the workspace and neither it nor a folder above it is excluded."""
    path = PurePath(name)
    if path.is_absolute() or ".." in path.parts:  # as of '{/etc,..}/*'
        return False
    # What is taken has to be asked for by its dot; what is left need not be.
    flags = glob.GLOBSTAR | glob.DOTGLOB
    return not any(glob.globmatch(str(part), excluded, flags=flags, limit=0) for part in (path, *path.parents[:-1]))


def _is_candidate(path: Path) -> bool:
    return not path.is_dir() or path.name.endswith(PACKAGE_EXTENSIONS)


def _identity(path: Path) -> tuple[int, int] | str:
    """What the names of one file share. Whatever is no file is told apart by its name."""
    return file_identity(path) or str(path)
