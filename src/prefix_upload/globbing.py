"""Finds the files that match a glob pattern.

The glob functions of libraries either don't follow links, or follow them again and again. And they enter folders in
which builds keep what should not be published.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Self

from wcmatch import fnmatch, glob

from prefix_upload.package.fs import folder_identity, is_link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Where rattler-build and conda-build put packages whose tests failed, and builds in progress.
_BUILD_FOLDERS = frozenset({"broken", "bld"})
_ANY_FOLDERS = "**"
# The errors of what is not there, or not a folder. After others, there may be something.
_NO_FOLDER = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL})
_ESCAPE = re.compile(r"\\(.)")


class Matches:
    """What a pattern finds, as paths relative to the workspace.

    Attributes:
        names: the files and folders that match.
        left_out: those in folders that `**` does not enter, because builds keep there what failed or is unfinished.
        outside: the linked folders that `**` does not enter, because they are outside the workspace.
        unreadable: the folders that could not be searched; "" for the workspace itself.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.left_out: set[str] = set()
        self.outside: set[str] = set()
        self.unreadable: set[str] = set()

    def __ior__(self, other: Matches) -> Self:
        self.names |= other.names
        self.left_out |= other.left_out
        self.outside |= other.outside
        self.unreadable |= other.unreadable
        return self


def expand(pattern: str, workspace: Path, is_excluded: Callable[[str], bool]) -> Matches:
    """Finds what matches a pattern: `*`, `?` and `[a-z]` in a name, and `**` for any number of folders.

    Names that start with a dot only match if the pattern spells the dot. `**` follows links to folders inside the
    workspace, and enters each folder once. Folders named `broken` or `bld` are only entered if the pattern names them.

    Args:
        pattern: a pattern without braces, relative to the workspace.
        workspace: a resolved path.
        is_excluded: whether everything below a path relative to the workspace can be skipped.
    """
    parts = [part for part in pattern.split("/") if part != "."]
    # Outside (on Windows also by a drive, as in '{a,C:}/*.conda'), or a folder.
    if not parts or "" in (parts[0], parts[-1]) or ".." in parts or PurePath(pattern).anchor:
        return Matches()
    search = _Search(workspace, frozenset(_BUILD_FOLDERS.difference(parts)), is_excluded)
    search.expand("", tuple(part for part in parts if part), is_left_out=False)
    return search.matches


def build_folder_of(path: str) -> str:
    """The innermost folder above a file that `**` does not enter, or else the folder that the file is in."""
    folders = PurePosixPath(path).parents
    return str(next((folder for folder in folders if folder.name in _BUILD_FOLDERS), folders[0]))


class _Search:
    """A search for one pattern. Paths are relative to the workspace, with "" for the workspace itself."""

    def __init__(self, workspace: Path, avoided: frozenset[str], is_excluded: Callable[[str], bool]) -> None:
        self._workspace = workspace
        self._avoided = avoided
        self._is_excluded = is_excluded
        self._expanded: set[tuple[str, tuple[str, ...]]] = set()
        self.matches = Matches()

    def expand(self, folder: str, parts: tuple[str, ...], *, is_left_out: bool) -> None:
        """Adds what matches these parts of the pattern in a folder."""
        if (folder, parts) in self._expanded:  # by way of two '**'
            return
        self._expanded.add((folder, parts))
        part, rest = parts[0], parts[1:]
        if part == _ANY_FOLDERS:
            for below, is_avoided in list(self._folders(folder, is_left_out=is_left_out)):
                self.expand(below, rest or ("*",), is_left_out=is_avoided)
            return
        for name in self._names(folder, part):
            if rest:
                self.expand(name, rest, is_left_out=is_left_out)
            else:
                (self.matches.left_out if is_left_out else self.matches.names).add(name)

    def _names(self, folder: str, part: str) -> Iterator[str]:
        if not glob.is_magic(part):
            name = _joined(folder, _ESCAPE.sub(r"\1", part))
            if self._is_there(name):
                yield name
            return
        pattern = fnmatch.compile(part)
        yield from (_joined(folder, entry.name) for entry in self._entries(folder) if pattern.match(entry.name))

    def _folders(self, folder: str, *, is_left_out: bool) -> Iterator[tuple[str, bool]]:
        """Yields the folder and those below it, each once, and whether it is left out. Links are followed last."""
        seen: set[tuple[int, int] | str] = set()
        folders = [(folder, is_left_out)]
        links: list[tuple[str, bool]] = []
        while folders or links:
            current, is_avoided = folders.pop() if folders else links.pop(0)
            identity = folder_identity(self._workspace / current)
            if identity is None and current != folder:  # it was listed as a folder
                self._note_unreadable(current)
            if identity is None or identity in seen:
                continue
            seen.add(identity)
            yield current, is_avoided
            for entry in self._entries(current):
                name = _joined(current, entry.name)
                if entry.name.startswith(".") or not self._is_folder(entry) or self._is_excluded(name):
                    continue
                if not is_link(entry):
                    folders.append((name, is_avoided or entry.name in self._avoided))
                elif (target := self._target(name)) is None:
                    self.matches.outside.add(name)
                else:
                    links.append((name, is_avoided or not self._avoided.isdisjoint([entry.name, *target.parts])))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._workspace / folder) as entries:
                return list(entries)
        except OSError as error:
            if error.errno not in _NO_FOLDER:
                self._note_unreadable(folder)
            return []

    def _note_unreadable(self, path: str) -> None:
        """Notes a folder, or the one above it if that can be listed, but not entered: then it may be a file as well."""
        try:
            (self._workspace / path).lstat()
        except OSError:
            path = path.rpartition("/")[0]
        self.matches.unreadable.add(path)

    def _is_there(self, name: str) -> bool:
        try:
            (self._workspace / name).lstat()
        except ValueError:  # a null character
            return False
        except OSError as error:
            if error.errno not in _NO_FOLDER:
                self._note_unreadable(name)
            return False
        return True

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        # NOTE: `entry.is_dir()` raises an error for a link to itself.
        return entry.is_dir(follow_symlinks=False) or (is_link(entry) and folder_identity(Path(entry.path)) is not None)

    def _target(self, link: str) -> PurePath | None:
        """Where a link leads, relative to the workspace; `None` if that is outside."""
        target = (self._workspace / link).resolve()
        return target.relative_to(self._workspace) if target.is_relative_to(self._workspace) else None


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
