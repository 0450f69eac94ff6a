"""What identifies the contents of a package, whatever its bytes.

Two builds of the same sources differ in their bytes: builders record when and where they ran. rattler-build (0.73)
writes that to `timestamp` in `info/index.json`, to `info/recipe/` and to the times of the members; none of it changes
what is installed. Everything else identifies the contents: all other members, with the names, kinds, modes, link
targets and data that they have, and all other fields of `info/index.json`. Files that contain the prefix of the build
are compared as they are installed (see `placeholders`).
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from prefix_upload.package import archive
from prefix_upload.package.archive import limits
from prefix_upload.package.archive.member_names import normalized
from prefix_upload.package.fs import open_regular
from prefix_upload.package.hashing import Hashing
from prefix_upload.package.listing import listed, truncated_repr
from prefix_upload.package.placeholders import (
    InstalledDigest,
    Listed,
    Placeholder,
    find_placeholders,
    has_prefix_digest,
    paths_digest,
)
from prefix_upload.package.strict_json import parse_json_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prefix_upload.package.model import Package

_INDEX, _PATHS, _HAS_PREFIX = "info/index.json", "info/paths.json", "info/has_prefix"
_TIMESTAMP = "timestamp"
_RECIPE = "info/recipe/"
_TOO_MANY = "the package has too many members to compare"
_LINKS = frozenset({archive.Kind.SYMLINK, archive.Kind.HARD_LINK})


class UnreadableContentsError(Exception):
    """The contents of a package cannot be identified. The message is a clause that says why."""


class Difference(NamedTuple):
    """How the contents of two packages differ, as sorted names of members."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether the contents differ."""
        return bool(self.changed or self.added or self.missing)

    def describe(self, here: str, there: str) -> str:
        """The first few names, such as `'share/a' differs; 'share/b' is only here`.

        Args:
            here: where the first package is, such as "here".
            there: where the second package is.
        """
        parts = (
            (self.changed, "differs", "differ"),
            (self.added, f"is only {here}", f"are only {here}"),
            (self.missing, f"is only {there}", f"are only {there}"),
        )
        return "; ".join(f"{listed(names)} {one if len(names) == 1 else more}" for names, one, more in parts if names)


def read_local(package: Package) -> Mapping[str, bytes]:
    """The contents of a package, as `read_contents` returns them.

    Raises:
        UnreadableContentsError: the file has changed since it was validated, or its payload is invalid.
    """
    try:
        with os.fdopen(open_regular(package.path), "rb") as file:
            return read_contents(file, package.file_name, package.sha256, "the file has changed since it was validated")
    except OSError as error:
        raise UnreadableContentsError(f"the file cannot be read again ({error.strerror})") from error


def read_contents(file: BinaryIO, name: str, sha256: str | None, mismatch: str) -> Mapping[str, bytes]:
    """The members of a package by name, each with a digest of what identifies it.

    Args:
        file: the package, opened for reading.
        name: its file name.
        sha256: the hash that it has to have, in lower-case hexadecimal.
        mismatch: the message if it does not.

    Raises:
        UnreadableContentsError: it has another hash, is invalid, or has more members than are compared.
    """
    if Hashing().sha256(file.fileno()) != sha256:
        raise UnreadableContentsError(mismatch)
    found = _Members(_placeholders(file, name))
    contents = archive.read(file, name, everything=True, collect=lambda contents: _DigestCollector(contents, found))
    if contents.findings:
        raise UnreadableContentsError(contents.findings[0])
    if contents.payload is None:
        raise UnreadableContentsError(_TOO_MANY)
    if contents.index is not None:
        found.digests[_INDEX] = _index_digest(contents.index)
    if found.replaced and contents.paths is not None:
        found.digests[_PATHS] = paths_digest(contents.paths, found.replaced)
    if found.replaced and found.has_prefix is not None:
        replaced = {path: found.placeholders[path] for path in found.replaced}
        found.digests[_HAS_PREFIX] = has_prefix_digest(found.has_prefix, replaced)
    return found.digests


def _placeholders(file: BinaryIO, name: str) -> Mapping[str, Placeholder]:
    """The placeholders in the payload, by path. They have to be known before the payload is read."""
    found = _Members()

    def read(*, everything: bool) -> archive.Contents:
        return archive.read(file, name, everything=everything, collect=lambda contents: _ListCollector(contents, found))

    contents = read(everything=False)
    if contents.paths is None:  # it could also come after the payload
        contents = read(everything=True)
    return find_placeholders(contents.index, contents.paths, found.has_prefix)


def difference(here: Mapping[str, bytes], there: Mapping[str, bytes]) -> Difference:
    """How the contents of two packages differ."""
    changed = {name for name, digest in here.items() if there.get(name, digest) != digest}
    added, missing = here.keys() - there.keys(), there.keys() - here.keys()
    if len(changed) + len(added) + len(missing) > 1:
        changed.discard(_PATHS)  # it repeats what the payload says
    return Difference(*(tuple(sorted(names)) for names in (changed, added, missing)))


@dataclass(slots=True)
class _Members:
    """What was found out about the members of a package.

    Attributes:
        placeholders: the placeholders that clients replace, by the path of the file.
        has_prefix: `info/has_prefix`; `None` if there is none, or it is too large.
        digests: a digest of what identifies each member, by name.
        replaced: the regular files that contain their placeholder, by path.
    """

    placeholders: Mapping[str, Placeholder] = field(default_factory=dict)
    has_prefix: bytes | None = None
    digests: dict[str, bytes] = field(default_factory=dict)
    replaced: dict[str, Listed] = field(default_factory=dict)


class _ListCollector(archive.MemberCollector):
    """Also keeps `info/has_prefix`."""

    def __init__(self, contents: archive.Contents, found: _Members) -> None:
        super().__init__(contents)
        self._found = found

    def take(self, member: archive.Member, data: Iterable[memoryview]) -> None:
        """Checks a member, and keeps it if it is that file."""
        if member.name == _HAS_PREFIX and member.size <= limits.MAX_FILES_SIZE:
            self._found.has_prefix = b"".join(data)
            data = (memoryview(self._found.has_prefix),)
        super().take(member, data)


class _DigestCollector(_ListCollector):
    """Also digests each member. A name that occurs again, and is thus replaced, has a digest of all its members."""

    def __init__(self, contents: archive.Contents, found: _Members) -> None:
        super().__init__(contents, found)
        self._names = 0
        # The files that contain their placeholder, and the hard links to them, by path.
        self._linkable: dict[str, Listed] = {}

    def take(self, member: archive.Member, data: Iterable[memoryview]) -> None:
        """Checks a member, and digests it with all its data."""
        path = normalized(member.name) if self._found.placeholders else ""
        placeholder = self._found.placeholders.get(path)
        digest = hashlib.sha256() if placeholder is None else InstalledDigest(placeholder)
        pieces = _hashed(data, digest)
        super().take(member, pieces)
        for _ in pieces:
            pass
        plain_name = member.name.removeprefix("./")
        if plain_name.startswith(_RECIPE) or plain_name == _INDEX:
            return
        if member.kind is archive.Kind.SPARSE_FILE:
            raise UnreadableContentsError(f"{truncated_repr(member.name)} is a sparse file")
        self._names += len(member.name)
        if self._contents.payload is None or self._names > limits.MAX_COMPARED_NAMES:
            raise UnreadableContentsError(_TOO_MANY)
        self._add(member, path, digest)

    def _add(self, member: archive.Member, path: str, digest: hashlib._Hash | InstalledDigest) -> None:
        data = digest.digest()
        size: int | None = member.size
        if isinstance(digest, InstalledDigest) and digest.is_found:
            size = None  # it depends on the placeholder
            self._found.replaced[path] = self._linkable[path] = digest.listed
        elif member.kind is archive.Kind.HARD_LINK and (linked := self._linkable.get(normalized(member.target))):
            # Nothing is replaced in the data that it shares with the file.
            self._linkable[path] = linked
            data = linked.sha256.encode()
        # Clients ignore the mode of a link, and some builders write one that depends on the system.
        mode = 0 if member.kind in _LINKS else member.mode
        identity = (member.kind.name, mode, member.target, size, data)
        earlier = self._found.digests.get(member.name, b"")
        self._found.digests[member.name] = hashlib.sha256(earlier + repr(identity).encode()).digest()


def _hashed(data: Iterable[memoryview], digest: hashlib._Hash | InstalledDigest) -> Iterator[memoryview]:
    """Yields the pieces, which are hashed as they go."""
    for piece in data:
        digest.update(piece)
        yield piece


def _index_digest(raw: bytes) -> bytes:
    """A digest of `info/index.json` without its timestamp.

    Raises:
        UnreadableContentsError: it is not a JSON object that every parser reads alike.
    """
    try:
        fields = parse_json_object(raw)
    except ValueError as error:
        raise UnreadableContentsError(f"{_INDEX!r} is {error}") from None
    fields.pop(_TIMESTAMP, None)
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).digest()
