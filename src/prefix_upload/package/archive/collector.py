"""Collects what validation needs from the members of a package's tarballs."""

from __future__ import annotations

import hashlib
import posixpath
import re
from typing import TYPE_CHECKING

from prefix_upload.package.archive import limits
from prefix_upload.package.archive.contents import PayloadFile
from prefix_upload.package.archive.streams import CorruptArchiveError, truncated_repr
from prefix_upload.package.archive.tar_headers import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prefix_upload.package.archive.contents import Contents
    from prefix_upload.package.archive.tar_headers import Member

_INDEX, _PATHS, _FILES = "info/index.json", "info/paths.json", "info/files"
# Other files that tell clients what to install, and their maximum size. conda also reads the last one, an old name of
# `link.json`.
_LISTS = {
    _PATHS: limits.MAX_CHECKED_PATHS_SIZE,
    _FILES: limits.MAX_FILES_SIZE,
    "info/link.json": limits.MAX_INDEX_SIZE,
    "info/package_metadata.json": limits.MAX_INDEX_SIZE,
}
_READ = frozenset({_INDEX, *_LISTS})
_WITHOUT_DOTS = frozenset({"info", *(name.replace("/", "").replace(".", "") for name in _READ)})


class MemberCollector:
    """Collects the members of a package's tarballs one by one, regardless of which tarball they are in."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._indexes = 0
        self._info_members = 0
        self._info_size = 0
        self._payload_members = 0
        self._payload_names = 0

    def take(self, member: Member, data: Iterable[memoryview]) -> None:
        """Checks a member and keeps what the rules need.

        Raises:
            CorruptArchiveError: there are more or larger members than a package may have, or `data` is corrupt.
        """
        name = member.name.removeprefix("./")
        for violation in path_violations(member.name):
            self._contents.add_finding(f"the member {truncated_repr(member.name)} {violation}")
        if member.kind is Kind.DEVICE or member.kind is Kind.FIFO:
            self._contents.add_finding(
                f"the member {truncated_repr(member.name)} is a device or FIFO, which packages cannot contain"
            )
        self._check_info_spelling(name, member)
        if is_info(member):
            self._take_info(name, member, data)
        else:
            self._take_payload(name, member, data)

    def check_index(self) -> None:
        """Adds a finding if there was no `info/index.json`. Call this after `info/` has been read."""
        if not self._indexes:
            self._contents.add_finding(f"the package has no {_INDEX!r}")

    def _check_info_spelling(self, name: str, member: Member) -> None:
        """Adds a finding for a member that would replace a file which is checked, such as `info/index.json`.

        Case is ignored, as on some file systems.
        """
        # A cheap check first: there may be a million members with long names.
        if name.replace("/", "").replace(".", "").lower() not in _WITHOUT_DOTS:
            return
        plain = posixpath.normpath(member.name).lower()
        if plain == "info" and member.kind is not Kind.DIRECTORY:
            self._contents.add_finding("the member 'info' is not a folder")
        if plain in _READ and plain != name:
            self._contents.add_finding(f"the member {truncated_repr(member.name)} is another spelling of {plain!r}")

    def _take_info(self, name: str, member: Member, data: Iterable[memoryview]) -> None:
        self._info_members += 1
        self._info_size += member.size
        if self._info_members > limits.MAX_INFO_MEMBERS or self._info_size > limits.MAX_INFO_SIZE:
            raise CorruptArchiveError(
                f"has an 'info' folder of more than {limits.MAX_INFO_MEMBERS} members or {limits.MAX_INFO_SIZE} bytes"
            )
        if name == _INDEX:
            self._take_index(member, data)
        elif name in _LISTS:
            self._take_list(name, member, data)

    def _take_index(self, member: Member, data: Iterable[memoryview]) -> None:
        self._indexes += 1
        if self._indexes > 1:
            self._contents.add_finding(f"the package has {_INDEX!r} more than once")
        if member.kind is not Kind.FILE:
            self._contents.add_finding(f"{_INDEX!r} is not a regular file")
        elif member.size > limits.MAX_INDEX_SIZE:
            self._contents.add_finding(f"{_INDEX!r} is larger than {limits.MAX_INDEX_SIZE} bytes")
        else:
            self._contents.index = b"".join(data)

    def _take_list(self, name: str, member: Member, data: Iterable[memoryview]) -> None:
        # Whatever else it is, clients would read something that is not checked here.
        if member.kind is not Kind.FILE:
            self._contents.add_finding(f"{name!r} is not a regular file")
        elif member.size > _LISTS[name]:
            self._contents.add_finding(f"{name!r} is larger than {_LISTS[name]} bytes")
        elif name == _PATHS:
            self._contents.paths = b"".join(data)
        elif name == _FILES:
            self._contents.files = b"".join(data)
        else:
            self._contents.links[name] = b"".join(data)

    def _take_payload(self, name: str, member: Member, data: Iterable[memoryview]) -> None:
        self._payload_members += 1
        if self._payload_members > limits.MAX_PAYLOAD_MEMBERS:
            raise CorruptArchiveError(f"has more than {limits.MAX_PAYLOAD_MEMBERS} members")
        self._payload_names += len(name)
        if self._payload_members > limits.MAX_COMPARED_MEMBERS or self._payload_names > limits.MAX_COMPARED_NAMES:
            self._contents.payload = None
        if self._contents.payload is not None and member.kind is not Kind.DIRECTORY:
            if name in self._contents.payload:
                self._contents.duplicates.append(name)
            self._contents.payload[name] = _digest(data, member.size) if member.kind is Kind.FILE else None
            if member.kind is Kind.LINK:
                self._contents.symlinks.append(name)


def is_info(member: Member) -> bool:
    """Whether the member is in the `info/` folder of the package."""
    return member.name.removeprefix("./").startswith("info/")


def path_violations(name: str) -> Iterator[str]:
    """Yields reasons why a member with this name could be extracted to another path. Clients also run on Windows."""
    if not name:
        yield "has no name"
    elif name[0] in "/\\" or re.match(r"[A-Za-z]:", name):
        yield "has an absolute path"
    if "/../" in f"/{name}/".replace("\\", "/"):
        yield "has '..' in its path"
    if "\0" in name:
        yield "has a NUL character in its path, where some readers stop"


def _digest(data: Iterable[memoryview], size: int) -> PayloadFile:
    digest = hashlib.sha256()
    for piece in data:
        digest.update(piece)
    return PayloadFile(size, digest.digest())
