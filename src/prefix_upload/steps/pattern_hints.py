"""What to do about patterns that match nothing: what is mistyped in them, and which packages the workspace has."""

from __future__ import annotations

import os
import re
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from wcmatch import glob

from prefix_upload.package.formats import PACKAGE_EXTENSIONS
from prefix_upload.package.listing import listed
from prefix_upload.patterns import MAX_ALTERNATIVES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from prefix_upload.patterns import Patterns

# How many files and folders of the workspace are looked at. A checkout with its dependencies may have millions.
MAX_SCANNED = 20_000
# How many packages, and how many patterns, a message names.
_SHOWN = 5

_FLAGS = glob.GLOBSTAR | glob.BRACE

_QUOTES = "'\"`‘’“”«»"  # noqa: RUF001 - what word processors make of quotes
_VARIABLE = r"\$\{\{.*?\}\}|\$\{\w+\}|\$\(.*?\)|\$\w+|%\w+%"
# Variables for folders that the container does not see.
_OUTSIDE = frozenset({"HOME", "RUNNER_TEMP", "RUNNER_TOOL_CACHE", "TEMP", "TMPDIR"})
_WORKSPACE_VARIABLE = r"(?:\$\{?GITHUB_WORKSPACE\}?|%GITHUB_WORKSPACE%|\$\{\{\s*github\.workspace\s*\}\})/*"


class Contents(NamedTuple):
    """What the workspace has, as paths relative to it. Hidden ones come last.

    `is_complete` is whether everything was looked at, and `found` are the files that other patterns match.
    """

    files: tuple[str, ...] = ()
    folders: frozenset[str] = frozenset()
    is_complete: bool = True
    found: frozenset[str] = frozenset()

    @property
    def packages(self) -> list[str]:
        """The files that are named like packages, and that no pattern finds."""
        return [name for name in self.files if name.endswith(PACKAGE_EXTENSIONS) and name not in self.found]


def scan(workspace: Path) -> Contents:
    """Lists the workspace, at most `MAX_SCANNED` entries, folder by folder. Links are not followed."""
    files: list[str] = []
    folders: list[str] = []
    queue = deque([""])
    count = 0
    while queue:
        prefix = queue.popleft()
        below: list[str] = []
        for entry in _entries(workspace / prefix):
            count += 1
            if count > MAX_SCANNED:
                return Contents(tuple(files), frozenset(folders), is_complete=False)
            name = prefix + entry.name
            if not entry.is_dir(follow_symlinks=False):
                files.append(name)
            elif entry.name != ".git":
                folders.append(name)
                # Hidden folders are caches, whose packages are hardly ever the ones to publish.
                (queue if entry.name.startswith(".") else below).append(f"{name}/")
        queue.extendleft(reversed(below))
    return Contents(tuple(files), frozenset(folders))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def available_packages(contents: Contents) -> str:
    """A sentence that says which packages the workspace has; "" if that is not known."""
    if not (contents.is_complete or contents.files or contents.folders):
        return ""
    packages = contents.packages
    more = "" if contents.is_complete else f" among the first {MAX_SCANNED} files and folders"
    if not packages:
        return f"The workspace has no '.conda' or '.tar.bz2' file{more}."
    names = listed(packages, "'{}'".format, _SHOWN)
    return f"The workspace has {names}{more}."


def advice(unmatched: Iterable[str], patterns: Patterns, contents: Contents) -> str:
    """What is probably wrong with the patterns that match nothing; "" if that is not known.

    Args:
        unmatched: those of the patterns that match nothing.
        patterns: all patterns.
        contents: what the workspace has.
    """
    found = [hint for pattern in unmatched for hint in _hints(pattern, patterns.exclude, contents)]
    return " ".join(list(dict.fromkeys(found))[:_SHOWN])


def _hints(pattern: str, exclude: Sequence[str], contents: Contents) -> Iterator[str]:
    """Yields what is wrong with the spelling of a pattern, else the pattern that would match."""
    spelling = list(_spelling(pattern, contents))
    yield from spelling
    if not spelling:
        suggestion = _folder(pattern, contents) or _excluded(pattern, exclude, contents) or _nearby(pattern, contents)
        if suggestion:
            yield suggestion


def _spelling(pattern: str, contents: Contents) -> Iterator[str]:
    if re.search(_VARIABLE, pattern):
        yield _variable(pattern)
    quotes = "".join(dict.fromkeys(char for char in pattern if char in _QUOTES))
    if quotes:
        bare = re.sub(f"[{_QUOTES}]", "", pattern)
        bare = bare[1:-1] if bare.startswith("[") and bare.endswith("]") else bare  # a YAML list of one
        yield f"'{pattern}' contains quotes, which are part of the pattern: write '{bare}'."
    if re.fullmatch(r"-\s.*|\[.*[,'\"].*\]", pattern):
        yield f"'{pattern}' is a YAML list, but the input is a string: write one pattern per line."
    elif _is_separated(pattern):
        yield f"'{pattern}' is treated as one pattern: write each pattern on its own line."
    if re.search(r"\{[^{}]*\s[^{}]*\}", pattern) and not re.search(_VARIABLE, pattern):
        without = re.sub(r"\s", "", pattern)
        yield f"The spaces in the braces of '{pattern}' are part of the names: write '{without}'."
    if "\\" in pattern or re.match("[A-Za-z]:/", pattern):
        yield _backslash(pattern, contents)
    if re.search(r"\s#", pattern):
        yield f"A comment needs a line of its own: '{pattern}' contains '#'."


def _variable(pattern: str) -> str:
    relative = re.sub(_WORKSPACE_VARIABLE, "", pattern)
    variable = re.search(_VARIABLE, relative)
    if variable is None:
        return f"Patterns are relative to the workspace, and variables are not expanded: write '{relative}'."
    name = variable[0].strip("${}()% ")
    if name in _OUTSIDE:
        return f"'{variable[0]}' in '{pattern}' is not expanded, and that folder is outside the workspace."
    if name.startswith("GITHUB_"):
        return f"'{variable[0]}' in '{pattern}' is not expanded: write '${{{{ github.{name[7:].lower()} }}}}'."
    instead = f": write '${{{{ env.{name} }}}}'" if name.isidentifier() and "(" not in variable[0] else ""
    return f"'{variable[0]}' in '{pattern}' is not expanded{instead}."


def _is_separated(pattern: str) -> bool:
    """Whether there are several patterns on one line, separated by commas, semicolons or blanks."""
    outside_braces = re.sub(r"\{[^{}]*\}", "", pattern)
    parts = re.split(r"[,;]\s*|\s+(?!#)", outside_braces)
    looks_like_pattern = [bool(re.search(r"[*?/]|\.conda|\.tar\.bz2", part)) for part in parts]
    return sum(looks_like_pattern) > 1 or outside_braces.endswith((",", ";"))


def _backslash(pattern: str, contents: Contents) -> str:
    corrected = re.sub(r"/+", "/", pattern.replace("\\", "/"))
    if re.match("[A-Za-z]:/", corrected):  # such as 'D:\a\tools\tools\output\*.conda'
        return f"'{pattern}' is a path on Windows: write a pattern relative to the workspace, with '/' instead of '\\'."
    if re.search(r"\\[.+()]", pattern) and not _matches(corrected, contents.files):
        return f"'{pattern}' is a regular expression: write a pattern such as 'output/**/*.conda'."
    return f"In '{pattern}', write '/' instead of '\\': '{corrected}'."


def _folder(pattern: str, contents: Contents) -> str:
    """The pattern for the packages in folders, if it matches folders only."""
    if not _matches(pattern, contents.folders):
        return ""
    what = f"'{pattern}' is a folder" if pattern in contents.folders else f"'{pattern}' matches only folders"
    base = "" if pattern == "**" else f"{pattern.removesuffix('/**')}/"
    inside = _matches(f"{base}**", contents.packages)
    endings = [ending for ending in PACKAGE_EXTENSIONS if any(name.endswith(ending) for name in inside)]
    last = "*.{conda,tar.bz2}" if len(endings) > 1 else f"*{(endings or PACKAGE_EXTENSIONS)[0]}"
    return f"{what}: write '{base}**/{last}'."


def _excluded(pattern: str, exclude: Sequence[str], contents: Contents) -> str:
    matches = _matches(pattern, contents.files)
    if not matches:
        return ""
    lines = [f"'!{line}'" for line in exclude if _is_excluding(line, matches[0])]
    return f"The line {lines[0]} excludes '{matches[0]}'." if lines else ""


def _is_excluding(line: str, name: str) -> bool:
    parts = name.split("/")
    parents = ["/".join(parts[:size]) for size in range(1, len(parts) + 1)]
    return any(glob.globmatch(parent, line, flags=_FLAGS | glob.DOTGLOB, limit=MAX_ALTERNATIVES) for parent in parents)


def _nearby(pattern: str, contents: Contents) -> str:
    """A pattern that differs a little, and matches a package."""
    if not contents.packages:
        return ""
    folder, slash, last = pattern.rpartition("/")
    deeper = f"{folder}{slash}**/{last.replace('**', '*')}"
    if "**" not in folder.split("/") and _matches(deeper, contents.packages):
        return f"The packages are in folders below: write '{deeper}'."
    if _matches(pattern, contents.packages, glob.IGNORECASE):
        return f"Upper and lower case differ: '{pattern}' would match {_first(pattern, contents, glob.IGNORECASE)}."
    if _matches(pattern, contents.packages, glob.DOTGLOB):
        return f"A pattern has to spell the dot of a hidden folder, as in {_first(pattern, contents, glob.DOTGLOB)}."
    if not pattern.startswith("**/") and _matches(f"**/{pattern}", contents.packages):
        return f"The folder is further down: write '**/{pattern}'."
    stem = re.sub(r"\.(conda|tar\.\w+|tgz|zip|whl)$", "", pattern)
    endings = [ending for ending in PACKAGE_EXTENSIONS if _matches(stem + ending, contents.packages)]
    # The closest one: '.tar.bz' is meant to be '.tar.bz2'.
    closest = next((ending for ending in endings if ending.startswith(pattern[len(stem) :])), (endings or [""])[0])
    return f"Did you mean '{stem}{closest}'?" if endings else ""


def _first(pattern: str, contents: Contents, flags: int) -> str:
    return f"'{_matches(pattern, contents.packages, flags)[0]}'"


def _matches(pattern: str, names: Iterable[str], flags: int = 0) -> list[str]:
    return [str(name) for name in glob.globfilter(names, pattern, flags=_FLAGS | flags, limit=MAX_ALTERNATIVES)]
