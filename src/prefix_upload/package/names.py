"""The names of packages: what CEP 26 and CEP 33 allow, and which one belongs to the metadata (CEP 35)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from prefix_upload.package.formats import PACKAGE_EXTENSIONS
from prefix_upload.package.listing import truncated_repr
from prefix_upload.package.strict_json import parse_json_object
from prefix_upload.package.versions import is_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Allowed characters and lengths (CEP 26, "Identifying package artifacts").
_NAME = re.compile(r"(([a-z0-9])|([a-z0-9_](?!_)))[._-]?([a-z0-9]+(\.|-|_|$))*")
_VERSION = re.compile(r"[0-9a-z._+!]+")
_BUILD = re.compile(r"[a-zA-Z0-9_.+]+")
_MAX_PART, _MAX_FILE_NAME = 64, 211
# CEP 26, "Subdir names".
_SUBDIR = re.compile(r"noarch|[a-z0-9]+-[a-z0-9]+")
_MAX_SUBDIR = 32
_PARTS = (("name", _NAME), ("version", _VERSION), ("build", _BUILD))


def file_name_findings(file_name: str) -> Iterator[str]:
    """Yields violations of the rules for file names (CEP 26, "Filenames") and versions (CEP 33)."""
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
            yield f"the {field_name} in the file name, {truncated_repr(value)}, is not allowed by CEP 26"
        elif field_name == "version" and not is_version(value):
            yield f"the version in the file name, {value!r}, is not a version (CEP 33)"


def is_subdir(text: str) -> bool:
    """Whether a text can be the name of a subdir (CEP 26, "Subdir names"), known or not."""
    return len(text) <= _MAX_SUBDIR and _SUBDIR.fullmatch(text) is not None


def split_file_name(file_name: str) -> tuple[str, str, str] | None:
    """The name, version and build in a file name, split at its last two hyphens; `None` if one of them is missing."""
    match file_name.removesuffix(extension_of(file_name)).rsplit("-", 2):
        case [name, version, build] if name and version and build:
            return name, version, build
    return None


def extension_of(file_name: str) -> str:
    """The extension of a package (CEP 35), with its dot; "" if the file name has none of them."""
    return next((extension for extension in PACKAGE_EXTENSIONS if file_name.endswith(extension)), "")


def name_of_contents(fields: Mapping[str, Any], extension: str) -> str | None:
    """The file name that belongs to the fields of `info/index.json`; `None` if that is not allowed either."""
    parts = [fields.get(field_name) for field_name, _ in _PARTS]
    if not all(isinstance(part, str) for part in parts):
        return None
    name = f"{'-'.join(map(str, parts))}{extension}"
    # NOTE: compare part by part. Joined, 'demo' and 'extra-1.0' would equal 'demo-extra' and '1.0'.
    return name if split_file_name(name) == tuple(parts) and not list(file_name_findings(name)) else None


def identity_findings(file_name: str, fields: Mapping[str, Any]) -> Iterator[str]:
    """Yields differences between a file name and the fields of its `info/index.json` (CEP 35)."""
    for (field_name, _), expected in zip(_PARTS, split_file_name(file_name) or (), strict=False):
        value = fields.get(field_name)
        if isinstance(value, str) and value != expected:
            yield (
                f"the {field_name} is {truncated_repr(expected)} in the file name, but {truncated_repr(value)} in "
                "'info/index.json' (was the file renamed?)"
            )


def tarball_findings(file_name: str, tarballs: Mapping[str, str]) -> Iterator[str]:
    """Yields the ZIP members of a `.conda` package that are named after another package (CEP 35).

    Args:
        file_name: the name of the package.
        tarballs: the names of the members, by the kind that they start with.
    """
    for kind, name in tarballs.items():
        expected = tarball_name(kind, file_name)
        if name != expected:
            yield (
                f"the ZIP file should have exactly one {kind!r} member, {truncated_repr(expected)}, but has "
                f"{truncated_repr(name)}"
            )


def tarball_name(kind: str, file_name: str) -> str:
    """The name of the ZIP member of this kind, `info` or `pkg`, in a `.conda` package (CEP 35)."""
    return f"{kind}-{file_name.removesuffix('.conda')}.tar.zst"


def format_findings(raw: bytes) -> Iterator[str]:
    """Yields a finding unless `metadata.json` declares version 2 of the `.conda` format (CEP 35)."""
    try:
        version = parse_json_object(raw).get("conda_pkg_format_version")
    except ValueError as error:
        yield f"'metadata.json' is {error}"
        return
    if version != 2 or isinstance(version, float):  # noqa: PLR2004 - the version of the format
        yield f"'metadata.json' has the conda_pkg_format_version {truncated_repr(version)}, which is not 2"
