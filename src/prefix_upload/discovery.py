"""Finds the files in the workspace that match the `glob` input."""

from __future__ import annotations

from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from wcmatch import glob

from prefix_upload.globbing import Matches, expand
from prefix_upload.package.formats import PACKAGE_EXTENSIONS
from prefix_upload.package.fs import file_identity, folder_identity
from prefix_upload.patterns import alternatives

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prefix_upload.patterns import Patterns


class Found(NamedTuple):
    """What the patterns find.

    Attributes:
        files: the paths that lead to each matched file, in the order of the patterns and sorted within each.
        unmatched: the patterns without a match.
        left_out: packages that `**` did not look for, in folders named `broken` or `bld`, relative to the workspace.
        outside: linked folders that `**` did not enter, because they are outside the workspace.
        unreadable: folders that could not be searched.
    """

    files: tuple[tuple[Path, ...], ...]
    unmatched: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


def find(patterns: Patterns, workspace: Path) -> Found:
    """Finds the files that match the patterns.

    Folders are skipped, as by `actions/upload-artifact` and `hashFiles`, unless they are named like a package. A file
    that matches under several patterns or links is found once, with all of its paths.

    Args:
        patterns: patterns with at most `MAX_ALTERNATIVES` alternatives each.
        workspace: the folder that they are relative to, as a resolved path.
    """
    is_excluded = _exclusion([expanded for pattern in patterns.exclude for expanded in alternatives(pattern)])
    files: dict[tuple[int, int] | str, dict[str, Path]] = {}
    unmatched = []
    others = Matches()
    for pattern in patterns.include:
        matches = Matches()
        for alternative in alternatives(pattern):
            matches |= expand(alternative, workspace, is_excluded)
        names = [name for name in sorted(matches.names) if not is_excluded(name) and _is_candidate(workspace, name)]
        if not names:
            unmatched.append(pattern)
        for name in names:
            path = workspace / name
            files.setdefault(_identity(path), {})[name] = path
        others |= matches
    found = {name for paths in files.values() for name in paths}
    left_out = (name for name in others.left_out - found if name.endswith(PACKAGE_EXTENSIONS) and not is_excluded(name))
    return Found(
        tuple(tuple(paths.values()) for paths in files.values()),
        tuple(unmatched),
        tuple(sorted(left_out)),
        tuple(sorted(others.outside)),
        tuple(sorted(name or "." for name in others.unreadable if not _is_all_excluded(name, is_excluded))),
    )


def _exclusion(globs: Sequence[str]) -> Callable[[str], bool]:
    """Whether a name relative to the workspace, or a folder above it, matches one of these patterns."""
    if not globs:
        return lambda _: False
    # Includes have to spell the dot of a hidden name; excludes do not. Compiled once: there may be hundreds of them.
    matcher = glob.compile(globs, flags=glob.GLOBSTAR | glob.DOTGLOB, limit=0)

    @cache
    def is_excluded(name: str) -> bool:
        parent = str(PurePosixPath(name).parent)
        return matcher.match(name) or (parent != "." and is_excluded(parent))

    return is_excluded


def _is_all_excluded(folder: str, is_excluded: Callable[[str], bool]) -> bool:
    """Whether no package in a folder would be found."""
    below = (f"{folder}/" if folder else "") + "package{}"
    return all(is_excluded(below.format(extension)) for extension in PACKAGE_EXTENSIONS)


def _is_candidate(workspace: Path, name: str) -> bool:
    return name.endswith(PACKAGE_EXTENSIONS) or folder_identity(workspace / name) is None


def _identity(path: Path) -> tuple[int, int] | str:
    """Identifies a regular file under any of its names, and everything else by its path."""
    return file_identity(path) or str(path)
