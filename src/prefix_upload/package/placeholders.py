"""Placeholders: the build's own prefix in files of a package, which clients replace when they install them.

rattler-build (0.73) and conda-build build in a folder whose name has the time of the build, so a file that contains its
path differs in each build of the same sources. What is installed does not: clients replace the path as recorded for the
file, with its `file_mode`, in `info/paths.json` (CEP 34), or in `info/has_prefix` if a package does not have that.

* In a text file, each occurrence is replaced.
* In a binary file, it is replaced within strings that end with a NUL character, which are padded with more of them to
  their old length. So the length of the placeholder matters. conda leaves a string alone that does not end, and all
  clients leave binary files alone on Windows.

This is how rattler (`rattler/src/install/link.rs`) and conda (`conda/core/portability.py`) do it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from prefix_upload.package.archive import limits
from prefix_upload.package.archive.member_names import on_other_systems
from prefix_upload.package.file_lists import path_entries
from prefix_upload.package.strict_json import parse_json_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Stands for the prefix that replaces a placeholder. Random, so that no file of a package can contain it.
_ANY_PREFIX = os.urandom(16)
# What a placeholder may consist of: visible ASCII without quotes. What clients do with others depends on where they
# are, such as spaces in the first line of a script. Short ones would be everywhere.
_USUAL = re.compile(r"[!#-&(-~]{8,1024}")
# Bytes that are searched at once.
_BLOCK = 2**17
# A line of `has_prefix`. One that only has a path stands for a placeholder that is the same in all builds.
_ITEM = r"""(?:"([^"]*)"|([^"'\s]+))"""
_LINE = re.compile(rf"{_ITEM}[ \t]+(text|binary)[ \t]+{_ITEM}|{_ITEM}")


class Placeholder(NamedTuple):
    """A placeholder, and whether the file that contains it is installed as a binary file."""

    text: str
    is_binary: bool


class Listed(NamedTuple):
    """What `info/paths.json` should say about a file as it is in the package: SHA-256 in hexadecimal, and bytes."""

    sha256: str
    size: int


class InstalledDigest:
    """A digest of a file as it is installed into any prefix. Call `update` with its bytes, piece by piece."""

    def __init__(self, placeholder: Placeholder) -> None:
        self._placeholder = placeholder
        self._text = placeholder.text.encode()
        self._installed = hashlib.sha256()
        self._raw = hashlib.sha256()
        self._size = 0
        self._buffer = bytearray()
        # Whether the last placeholder is in a string that has not ended yet.
        self._is_open = False
        self.is_found = False

    def update(self, piece: memoryview) -> None:
        """Adds some bytes."""
        self._raw.update(piece)
        self._size += len(piece)
        self._buffer += piece
        if len(self._buffer) >= _BLOCK:
            self._replace(is_last=False)

    def digest(self) -> bytes:
        """The digest of all bytes so far, which have to be all. `is_found` is then whether they have a placeholder.

        Files without one are installed as they are, so their digest is that of their bytes.
        """
        self._replace(is_last=True)
        if not self.is_found:
            return self._raw.digest()
        text, is_binary = self._placeholder
        # In the first line of a script, clients look for a path that starts with a slash.
        depends_on = (len(text), self._is_open and text) if is_binary else text.startswith("/")
        self._installed.update(repr(depends_on).encode())
        return self._installed.digest()

    @property
    def listed(self) -> Listed:
        """The file as it is in the package."""
        return Listed(self._raw.hexdigest(), self._size)

    def _replace(self, *, is_last: bool) -> None:
        """Hashes what is in the buffer, but for what may be the start of a placeholder that continues."""
        replaced = self._buffer.replace(self._text, _ANY_PREFIX)
        _, found, rest = replaced.rpartition(_ANY_PREFIX)
        if found:
            self.is_found = True
        if found or self._is_open:
            self._is_open = 0 not in rest
        end = len(replaced) if is_last else len(replaced) - min(len(rest), len(self._text) - 1)
        self._installed.update(replaced[:end])
        self._buffer = replaced[end:]


def find_placeholders(index: bytes | None, paths: bytes | None, has_prefix: bytes | None) -> Mapping[str, Placeholder]:
    """The placeholders that clients replace, by the path of the file.

    Those that no client replaces, or not all in the same way, are left out; all of them, if their list is not valid.

    Args:
        index: `info/index.json`.
        paths: `info/paths.json`; `None` if the package has none.
        has_prefix: `info/has_prefix`, which counts only if there is no `info/paths.json`.
    """
    try:
        recorded = list(_in_has_prefix(has_prefix or b"") if paths is None else _in_paths(paths))
        is_for_windows = str(parse_json_object(index or b"").get("subdir")).startswith("win-")
    except ValueError:
        return {}
    placeholders = dict(recorded)
    if len(placeholders) != len(recorded):
        return {}
    return {
        path: placeholder
        for path, placeholder in placeholders.items()
        if _USUAL.fullmatch(placeholder.text)
        and not (placeholder.is_binary and is_for_windows)
        and not on_other_systems(path).startswith("info/")  # which is read as it is
    }


def paths_digest(paths: bytes, replaced: Mapping[str, Listed]) -> bytes:
    """A digest of `info/paths.json` that does not depend on the placeholders of these files."""
    content = parse_json_object(paths)
    for entry in content["paths"]:
        if (listed := replaced.get(entry["_path"])) is not None:
            entry["prefix_placeholder"] = _ANY_PREFIX.hex()
            for key, value in (("sha256", listed.sha256), ("size_in_bytes", listed.size)):
                if entry.get(key) == value and not isinstance(entry[key], float):
                    entry[key] = _ANY_PREFIX.hex()
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()


def has_prefix_digest(has_prefix: bytes, replaced: Mapping[str, Placeholder]) -> bytes:
    """A digest of `info/has_prefix` that does not depend on these placeholders; of its bytes if it is not valid."""
    try:
        recorded = list(_in_has_prefix(has_prefix))
    except ValueError:
        return hashlib.sha256(has_prefix).digest()
    others = [(path, "" if replaced.get(path) == placeholder else placeholder) for path, placeholder in recorded]
    return hashlib.sha256(repr(others).encode()).digest()


def _in_paths(raw: bytes) -> Iterator[tuple[str, Placeholder]]:
    if limits.is_too_large_to_compare(raw):
        raise ValueError("too large")
    entries = path_entries(parse_json_object(raw).get("paths"))
    if len({entry["_path"] for entry in entries}) != len(entries):
        raise ValueError("a list with repeated paths")
    for entry in entries:
        match entry:
            case {"_path": str(path), "prefix_placeholder": str(text), "file_mode": "text" | "binary" as mode}:
                yield path, Placeholder(text, mode == "binary")


def _in_has_prefix(raw: bytes) -> Iterator[tuple[str, Placeholder]]:
    for line in map(str.strip, raw.decode("utf-8").split("\n")):
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError("not a list of prefixes")
        text, bare_text, mode, path, bare_path, alone, bare_alone = found.groups(default="")
        if mode:
            yield path or bare_path, Placeholder(text or bare_text, mode == "binary")
        else:
            yield alone or bare_alone, Placeholder("", is_binary=False)
