"""Collects what validation needs from the members of a package's tarballs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from prefix_upload.package.archive import limits
from prefix_upload.package.archive.contents import PayloadFile
from prefix_upload.package.archive.extraction import Extraction
from prefix_upload.package.archive.member_names import (
    is_plain,
    leaves_prefix,
    normalized,
    on_other_systems,
    path_violations,
)
from prefix_upload.package.archive.streams import CorruptArchiveError
from prefix_upload.package.archive.tar_headers import Kind
from prefix_upload.package.listing import truncated_repr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prefix_upload.package.archive.contents import Contents
    from prefix_upload.package.archive.tar_headers import Member

_INDEX, _PATHS, _FILES = "info/index.json", "info/paths.json", "info/files"
_INDEX_SPELLINGS = frozenset({_INDEX, f"./{_INDEX}"})
# Other files that tell clients what to install, and their maximum size. conda also reads the last one, an old name of
# `link.json`.
_LISTS = {
    _PATHS: limits.MAX_CHECKED_PATHS_SIZE,
    _FILES: limits.MAX_FILES_SIZE,
    "info/link.json": limits.MAX_INDEX_SIZE,
    "info/package_metadata.json": limits.MAX_INDEX_SIZE,
}
_READ = frozenset({_INDEX, *_LISTS})

_PLAIN_KINDS = frozenset({Kind.FILE, Kind.DIRECTORY, Kind.SPARSE_FILE})
_EMPTY_FILE = PayloadFile(0, hashlib.sha256().digest())
_LEADING_DOT = "starts with './', and rattler does not find the metadata of such a package"
_REPEATED_INFO = "is repeated with the same contents"
# The permissions that an owner needs to put files into a folder.
_USABLE = 0o300
_READ_ONLY_FOLDER = "is a folder that its owner can't write to or enter, and rattler can't unpack the files in it"
# In characters; Linux allows 4095 bytes, and libarchive counts differently.
_MAX_TARGET = 1000
_LONG_TARGET = f"is a symbolic link to a path of more than {_MAX_TARGET} characters, which some clients can't create"
_LEAVES_PREFIX = "is a symbolic link to a path outside the package"


class MemberCollector:
    """Collects the members of a package's tarballs one by one."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._extraction = Extraction()
        self._indexes = 0
        self._info_members = 0
        self._info_size = 0
        self._info_digests: dict[int, bytes] = {}
        self._payload_members = 0
        self._payload_names = 0

    def begin_tarball(self) -> None:
        """Announces that the members that follow are those of another tarball."""
        self._extraction.begin_tarball()

    def take(self, member: Member, data: Iterable[memoryview]) -> None:
        """Checks a member and keeps what the rules need.

        Raises:
            CorruptArchiveError: there are more or larger members than a package may have, or `data` is corrupt.
        """
        path = name = member.name
        has_plain_name = is_plain(name)
        if not has_plain_name:
            path = normalized(name)
            self._check_spelling(path, member)
        if member.kind is Kind.DIRECTORY and member.mode & _USABLE != _USABLE:
            self.add_remark(member, _READ_ONLY_FOLDER)
        if (has_plain_name and member.kind in _PLAIN_KINDS) or self._is_allowed(path, member):
            self._extract(path, member)
        if path[:4].casefold() == "info":
            self._check_info_name(path, member)
        if path.startswith("info/"):
            self._take_info(path, member, data)
        else:
            self._take_payload(path, member, data)

    def _is_allowed(self, path: str, member: Member) -> bool:
        """Whether the member can be extracted below the folder for the package, and is not that folder itself."""
        violations = [*path_violations(member.name), *_kind_violations(member)]
        self._add_findings(member, violations)
        if member.kind is Kind.SYMLINK and not violations and leaves_prefix(path, member.target):
            self.add_remark(member, _LEAVES_PREFIX)
        if member.kind is Kind.SYMLINK and len(member.target) > _MAX_TARGET:
            self.add_remark(member, _LONG_TARGET)
        return not violations and path != ""

    def _extract(self, path: str, member: Member) -> None:
        target = normalized(member.target) if member.kind is Kind.HARD_LINK else ""
        violations = self._extraction.add(path, member.kind, target)
        if violations:
            self._add_findings(member, violations)
        if self._extraction.remark:
            self.add_remark(member, self._extraction.remark)

    def _add_findings(self, member: Member, violations: Iterable[str]) -> None:
        for violation in violations:
            self._contents.add_finding(f"the member {truncated_repr(member.name)} {violation}")

    def check_index(self) -> None:
        """Adds a finding if there was no `info/index.json`. Call this after `info/` has been read."""
        if not self._indexes:
            self._contents.add_finding(f"the package has no {_INDEX!r}")

    def add_remark(self, member: Member, remark: str) -> None:
        """Adds something about a member that does not make the package invalid: a clause."""
        self._contents.add_remark(f"the member {truncated_repr(member.name)}", remark)

    def _check_spelling(self, path: str, member: Member) -> None:
        """Adds a finding for a member that would replace `info/index.json` when extracted, and a remark for dots."""
        if member.name.startswith("./") or not path:
            self.add_remark(member, _LEADING_DOT)
        if path == _INDEX and member.name not in _INDEX_SPELLINGS:
            self._add_findings(member, [f"is another spelling of {_INDEX!r}"])

    def _check_info_name(self, path: str, member: Member) -> None:
        """Adds a finding for a member that would replace a file which is checked on Windows or macOS only."""
        plain = on_other_systems(path)
        if plain in _READ and plain != path:
            self._add_findings(member, [f"is another spelling of {plain!r}"])
        if plain == "info" and member.kind is not Kind.DIRECTORY:
            self._contents.add_finding("the member 'info' is not a folder")

    def _take_info(self, path: str, member: Member, data: Iterable[memoryview]) -> None:
        self._info_members += 1
        self._info_size += member.size
        if self._info_members > limits.MAX_INFO_MEMBERS or self._info_size > limits.MAX_INFO_SIZE:
            raise CorruptArchiveError(
                f"has an 'info' folder of more than {limits.MAX_INFO_MEMBERS} members or {limits.MAX_INFO_SIZE} bytes"
            )
        if member.name in _INDEX_SPELLINGS:
            self._take_index(member, data)
        elif path in _LISTS and member.kind is not Kind.FILE:
            # Whatever else it is, clients would read something that is not checked here.
            self._contents.add_finding(f"{path!r} is not a regular file")
        elif member.kind is Kind.FILE:
            self._take_info_file(path, member, data)

    def _take_info_file(self, path: str, member: Member, data: Iterable[memoryview]) -> None:
        is_repeated = self._extraction.is_repeated
        if path in _LISTS:
            data = self._take_list(path, member, data)
        digest = _digest(data, member.size).sha256
        if is_repeated and self._info_digests.get(hash(path)) != digest:
            self._contents.add_finding(
                f"the package has {truncated_repr(path)} more than once, with other contents: some clients read the "
                "first, others the last"
            )
        elif is_repeated:
            self.add_remark(member, _REPEATED_INFO)
        self._info_digests[hash(path)] = digest

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

    def _take_list(self, path: str, member: Member, data: Iterable[memoryview]) -> Iterable[memoryview]:
        """Keeps a file that tells clients what to install. Returns its data again."""
        if member.size > _LISTS[path]:
            self._contents.add_finding(f"{path!r} is larger than {_LISTS[path]} bytes")
            return data
        content = b"".join(data)
        if path == _PATHS:
            self._contents.paths = content
        elif path == _FILES:
            self._contents.files = content
        else:
            self._contents.links[path] = content
        return (memoryview(content),)

    def _take_payload(self, path: str, member: Member, data: Iterable[memoryview]) -> None:
        self._payload_members += 1
        if self._payload_members > limits.MAX_PAYLOAD_MEMBERS:
            raise CorruptArchiveError(f"has more than {limits.MAX_PAYLOAD_MEMBERS} members")
        self._payload_names += len(path)
        if self._payload_members > limits.MAX_COMPARED_MEMBERS or self._payload_names > limits.MAX_COMPARED_NAMES:
            self._contents.payload = None
        if self._contents.payload is not None and member.kind is not Kind.DIRECTORY:
            if path in self._contents.payload:
                self._contents.duplicates.append(path)
            self._contents.payload[path] = _digest(data, member.size) if member.kind is Kind.FILE else None
            if member.kind is Kind.SYMLINK:
                self._contents.symlinks.append(path)


def is_info(member: Member) -> bool:
    """Whether the member is in the `info/` folder of the package."""
    return member.name.startswith(("info/", "./info/"))


def _kind_violations(member: Member) -> Iterator[str]:
    """Yields reasons why a member of this kind cannot be extracted."""
    if member.kind is Kind.DEVICE or member.kind is Kind.FIFO:
        yield "is a device or FIFO, which packages cannot contain"
    elif member.kind is Kind.HARD_LINK:
        for violation in path_violations(member.target):
            yield f"is a hard link to {truncated_repr(member.target)}, which {violation}"
    elif member.kind is Kind.SYMLINK and (not member.target or "\0" in member.target):
        yield "is a symbolic link without a target"


def _digest(data: Iterable[memoryview], size: int) -> PayloadFile:
    if not size:
        return _EMPTY_FILE
    digest = hashlib.sha256()
    for piece in data:
        digest.update(piece)
    return PayloadFile(size, digest.digest())
