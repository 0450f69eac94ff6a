"""What a package says of itself, read by py-rattler: a second opinion to the action's own reader."""

import re
from dataclasses import dataclass
from pathlib import Path

from rattler import IndexJson, MatchSpec
from rattler.exceptions import InvalidMatchSpecError

_FILE_NAME = re.compile(
    r"(?P<name>[!-.0-~]+)-(?P<version>[!-,.0-~]+)-(?P<build>[!-,.0-~]+)\.(conda|tar\.bz2)", re.ASCII
)
_SUBDIR = re.compile(r"noarch|[a-z0-9]+-[a-z0-9_]+")


class Unreadable(Exception):  # noqa: N818 - says what the package is
    """The file is no package, or its metadata cannot stand."""


@dataclass(frozen=True)
class Metadata:
    """The fields of `info/index.json` that place a package on a channel."""

    name: str
    version: str
    build: str
    build_number: int
    subdir: str
    license: str | None
    needs_v3: bool

    @property
    def stem(self) -> str:
        """The file name this package has to have, without its extension."""
        return f"{self.name}-{self.version}-{self.build}"


def is_package_name(file: str) -> bool:
    """Whether `file` is `<name>-<version>-<build>.<ext>` in printable ASCII, without a slash."""
    return _FILE_NAME.fullmatch(file) is not None and not file.startswith(".")


def describe(path: Path) -> Metadata:
    """Read the metadata of a package.

    Raises:
        Unreadable: There is none, or it names no subdir that could be a folder.
    """
    try:
        index = IndexJson.from_package_archive(path)
    except Exception as error:
        # py-rattler has an exception class per layer, and no common one below `Exception`.
        raise Unreadable(str(error).splitlines()[0]) from error
    if index.subdir is None or not _SUBDIR.fullmatch(index.subdir):
        raise Unreadable(f"info/index.json has no usable subdir: {index.subdir!r}")
    return Metadata(
        name=index.name.source,
        version=str(index.version),
        build=str(index.build),
        build_number=index.build_number,
        subdir=index.subdir,
        license=index.license,
        needs_v3=_needs_v3(index),
    )


def _needs_v3(index: IndexJson) -> bool:
    """Whether only repodata v3 can have the package, as for rattler's indexer."""
    if index.repodata_revision is not None:
        return index.repodata_revision != "v0"
    return any(map(_has_v3_keys, [*index.depends, *index.constrains]))


def _has_v3_keys(spec: str) -> bool:
    return _is_spec(spec, has_v3=True) and not _is_spec(spec, has_v3=False)


def _is_spec(spec: str, *, has_v3: bool) -> bool:
    try:
        MatchSpec(spec, extras=has_v3, conditionals=has_v3, flags=has_v3)
    except InvalidMatchSpecError:
        return False
    return True
