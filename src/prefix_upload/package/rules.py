"""The rules for publishable packages: small functions that yield findings or warnings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from prefix_upload.package import archive
from prefix_upload.package.archive import limits
from prefix_upload.package.model import PACKAGE_EXTENSIONS
from prefix_upload.package.strict_json import parse_json_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# Allowed characters and lengths (CEP 26, "Identifying package artifacts").
_NAME = re.compile(r"(([a-z0-9])|([a-z0-9_](?!_)))[._-]?([a-z0-9]+(\.|-|_|$))*")
_VERSION = re.compile(r"[0-9a-z._+!]+")
_BUILD = re.compile(r"[a-zA-Z0-9_.+]+")
_MAX_PART, _MAX_FILE_NAME = 64, 211
_PARTS = (("name", _NAME), ("version", _VERSION), ("build", _BUILD))

# The number of paths that a message lists; further ones are only counted.
_LISTED_PATHS = 3
# A `paths.json` with more opening brackets is too large to compare. Each of them would become an object in memory.
_MAX_PATHS_OBJECTS = limits.MAX_COMPARED_MEMBERS + 10


def file_name_findings(file_name: str) -> Iterator[str]:
    """Yields violations of the file name rules (CEP 26, "Filenames")."""
    parts = split_file_name(file_name)
    if parts is None:
        yield "the file name is not '<name>-<version>-<build>' plus an extension"
        return
    if len(file_name) > _MAX_FILE_NAME:
        yield f"the file name has {len(file_name)} characters, more than {_MAX_FILE_NAME}"
    for (field_name, pattern), value in zip(_PARTS, parts, strict=True):
        if len(value) > _MAX_PART:
            yield f"the {field_name} in the file name has {len(value)} characters, more than {_MAX_PART}"
        elif not pattern.fullmatch(value):
            yield f"the {field_name} in the file name, {value!r}, is not allowed by CEP 26"


def split_file_name(file_name: str) -> tuple[str, str, str] | None:
    """The name, version and build in a file name, split at its last two hyphens; `None` if one of them is missing."""
    for extension in PACKAGE_EXTENSIONS:
        file_name = file_name.removesuffix(extension)
    match file_name.rsplit("-", 2):
        case [name, version, build] if name and version and build:
            return name, version, build
    return None


def identity_findings(index: Mapping[str, Any], parts: tuple[str, str, str] | None) -> Iterator[str]:
    """Yields differences between a file name and the fields of its `info/index.json` (CEP 35).

    Args:
        index: the fields.
        parts: the result of `split_file_name`. If it is `None`, only the types of the fields are checked.
    """
    # NOTE: compare part by part. Joined again, 'demo' + 'extra-1.0' would equal 'demo-extra' + '1.0'.
    for position, (field_name, _) in enumerate(_PARTS):
        value = index.get(field_name)
        if not isinstance(value, str):
            yield f"'info/index.json' has the {field_name} {archive.truncated_repr(value)}, which is not a string"
        elif parts is not None and value != parts[position]:
            yield (
                f"the {field_name} is {parts[position]!r} in the file name, but {archive.truncated_repr(value)} in "
                "'info/index.json' (was the file renamed?)"
            )


def metadata_findings(raw: bytes) -> Iterator[str]:
    """Yields a finding unless `metadata.json` declares version 2 of the `.conda` format (CEP 35)."""
    try:
        version = parse_json_object(raw).get("conda_pkg_format_version")
    except ValueError as error:
        yield f"'metadata.json' is {error}"
        return
    if version != 2 or isinstance(version, float):  # noqa: PLR2004 - the version of the format
        yield f"'metadata.json' has the conda_pkg_format_version {archive.truncated_repr(version)}, which is not 2"


def paths_warnings(raw: bytes, payload: Mapping[str, archive.PayloadFile | None]) -> Iterator[str]:
    """Yields differences between `info/paths.json` (CEP 34) and the payload. conda also only warns about them."""
    if raw.count(b"{") + raw.count(b"[") > _MAX_PATHS_OBJECTS:
        yield "'info/paths.json' is too large to compare with the payload"
        return
    try:
        listed = dict(_listed_files(parse_json_object(raw).get("paths")))
    except ValueError as error:
        yield f"'info/paths.json' is {error}"
        return
    yield from _differences("listed in 'info/paths.json' are missing", listed.keys() - payload.keys())
    yield from _differences("are not listed in 'info/paths.json'", payload.keys() - listed.keys())
    yield from _differences(
        "differ from 'info/paths.json' in size or SHA-256",
        (path for path, expected in listed.items() if not _is_as_listed(payload.get(path), expected)),
    )


def _listed_files(paths: object) -> Iterator[tuple[str, archive.PayloadFile | None]]:
    """Yields the listed paths except folders, with size and SHA-256 for regular files.

    Raises:
        ValueError: an entry has no path.
    """
    for entry in paths if isinstance(paths, list) else ():
        match entry:
            case {"path_type": "directory"}:
                pass
            case {"_path": str(path), "path_type": "softlink"}:
                yield path, None
            case {"_path": str(path), "sha256": str(sha256), "size_in_bytes": int(size)}:
                yield path, archive.PayloadFile(size, _from_hex(sha256))
            case {"_path": str(path)}:
                yield path, None
            case _:
                raise ValueError("not a list of paths")


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _is_as_listed(actual: archive.PayloadFile | None, expected: archive.PayloadFile | None) -> bool:
    return actual is None or expected is None or actual == expected


def duplicate_warnings(duplicates: Iterable[str]) -> Iterator[str]:
    """Yields a warning if payload files occur more than once: clients extract one over the other."""
    yield from _differences("appear more than once", set(duplicates))


def _differences(what: str, paths: Iterable[str]) -> Iterator[str]:
    ordered = sorted(paths)
    if ordered:
        listed = ", ".join(archive.truncated_repr(path) for path in ordered[:_LISTED_PATHS])
        more = f" and {len(ordered) - _LISTED_PATHS} more" if len(ordered) > _LISTED_PATHS else ""
        yield f"payload files {what}: {listed}{more}"
