"""What is inside a conda package: read without unpacking, within limits, whatever the file holds.

`read` is the one entrance. It never raises for what the bytes say: everything wrong becomes a finding.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from dataclasses import dataclass, field
from os import SEEK_END
from typing import TYPE_CHECKING, BinaryIO

from prefix_upload.package.archive.streams import Bzip2, CorruptArchiveError, Zstd, truncated_repr
from prefix_upload.package.archive.tar_headers import Kind, Member
from prefix_upload.package.archive.tarball import Tarball
from prefix_upload.package.archive.zip_container import Entry, ZipContainer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Contents", "PayloadFile", "read", "truncated_repr"]

GIB = 2**30
MIB = 2**20
# The limits of the contract, section 5. What a package's `info/` may expand to:
MAX_INFO_SIZE = 256 * MIB
MAX_INFO_MEMBERS = 100_000
# … and its payload: beyond both of these it is a bomb.
MAX_PAYLOAD_SIZE = GIB
MAX_PAYLOAD_RATIO = 1_000
# … and how many further members its ZIP file may have.
MAX_OTHER_ENTRIES = 100
MAX_INDEX_SIZE = 4 * MIB
# Larger lists, or packages with more members, are not compared: they are beyond any real package.
MAX_PATHS_SIZE = 16 * MIB
MAX_COMPARED_MEMBERS = 200_000
MAX_COMPARED_NAMES = 32 * MIB
MAX_METADATA_SIZE = MIB
# The time to read this many headers is what a payload of nothing but headers may take.
MAX_PAYLOAD_MEMBERS = 1_000_000

MAX_FINDINGS = 25

_INDEX, _PATHS, _METADATA = "info/index.json", "info/paths.json", "metadata.json"
_INFO_WITHOUT_DOTS = frozenset({"info", "infoindexjson"})


@dataclass(frozen=True)
class PayloadFile:
    """A regular file of the payload: its size in bytes and its SHA-256."""

    size: int
    sha256: bytes


@dataclass(slots=True)
class Contents:
    """What a package holds. `findings` make it invalid, `warnings` do not; each is a clause to read alone.

    `payload` has every member outside `info/`: regular files with size and hash, `None` for the others. It is
    `None` itself where not all members were read or there are too many of them. `duplicates` are the names that stand
    in it more than once.
    """

    index: bytes | None = None
    paths: bytes | None = None
    metadata: bytes | None = None
    payload: dict[str, PayloadFile | None] | None = field(default_factory=dict)
    duplicates: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def find(self, finding: str) -> None:
        """Adds a finding, unless there are more already than anybody reads."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)


def read(file: BinaryIO, name: str, *, everything: bool) -> Contents:
    """Reads the package.

    Args:
        file: the package, opened for reading.
        name: the file's name, which tells the format and what a `.conda` package's members are called.
        everything: also decode the payload; otherwise stop after `info/`.
    """
    contents = Contents()
    try:
        if name.endswith(".conda"):
            _read_conda(file, name.removesuffix(".conda"), contents, everything=everything)
        else:
            _read_tar_bz2(file, contents, everything=everything)
    except CorruptArchiveError as error:
        contents.find(f"the file {error}")
    return contents


def _read_tar_bz2(file: BinaryIO, contents: Contents, *, everything: bool) -> None:
    size = file.seek(0, SEEK_END)
    file.seek(0)
    stream = Bzip2(file)
    collector = MemberCollector(contents)
    for member, data in Tarball(_bounded(stream, _payload_limit(size))):
        if not everything and contents.index is not None and not _is_info(member):
            contents.payload = None
            return
        collector.take(member, data)
    collector.expect_index()
    if stream.streams > 1:
        contents.warnings.append(
            f"the file has {stream.streams} bzip2 streams, as parallel compressors write them: some clients read "
            "only the first"
        )


def _read_conda(file: BinaryIO, stem: str, contents: Contents, *, everything: bool) -> None:
    container = ZipContainer(file)
    for finding in container.findings:
        contents.find(finding)
    info = _the_tarball("info", stem, container, contents)
    payload = _the_tarball("pkg", stem, container, contents)
    metadata = next((entry for entry in container.entries if entry.name == _METADATA), None)
    others = [entry for entry in container.entries if entry not in (info, payload, metadata)]
    _check_others(others, contents)
    if metadata is None:
        contents.find(f"the ZIP file has no member {_METADATA!r}")
    elif metadata.size > MAX_METADATA_SIZE:
        contents.find(f"{_METADATA!r} is larger than {MAX_METADATA_SIZE} bytes")
    else:
        contents.metadata = _content(container, metadata, contents)
    collector = MemberCollector(contents)
    if info is not None:
        _walk(container, info, MAX_INFO_SIZE, collector, contents)
        collector.expect_index()
    if not everything:
        contents.payload = None
        return
    if payload is not None:
        _walk(container, payload, _payload_limit(payload.size), collector, contents)
    # NOTE: where the directory has a finding, members can overlap: reading each could take a file's size each.
    for entry in () if container.findings else others:
        _content(container, entry, contents)


def _the_tarball(kind: str, stem: str, container: ZipContainer, contents: Contents) -> Entry | None:
    """The one member that holds `info/` or the payload; one of a wrong name is taken, and told."""
    expected = f"{kind}-{stem}.tar.zst"
    candidates = [
        entry for entry in container.entries if entry.name.startswith(f"{kind}-") and entry.name.endswith(".tar.zst")
    ]
    if [entry.name for entry in candidates] != [expected]:
        found = ", ".join(truncated_repr(entry.name) for entry in candidates[:3]) or "none"
        contents.find(f"the ZIP file should have exactly one {kind!r} member, {expected!r}, but has {found}")
    return next((entry for entry in candidates if entry.name == expected), next(iter(candidates), None))


def _check_others(others: list[Entry], contents: Contents) -> None:
    if len(others) > MAX_OTHER_ENTRIES:
        contents.find(f"the ZIP file has {len(others)} members that do not belong to a package")
    for entry in others:
        for violation in path_violations(entry.name):
            contents.find(f"the ZIP member {truncated_repr(entry.name)} {violation}")


def _content(container: ZipContainer, entry: Entry, contents: Contents) -> bytes | None:
    """A small member's bytes; of a large one only the CRC-32 is checked."""
    region = container.open(entry)
    try:
        content = region.read(MAX_METADATA_SIZE)
        while region.read(MIB):
            pass
    except CorruptArchiveError as error:
        contents.find(f"the ZIP member {truncated_repr(entry.name)} {error}")
        return None
    return content


def _walk(container: ZipContainer, entry: Entry, limit: int, collector: MemberCollector, contents: Contents) -> None:
    stream = Zstd(container.open(entry))
    try:
        for member, data in Tarball(_bounded(stream, limit)):
            collector.take(member, data)
    except CorruptArchiveError as error:
        contents.find(f"the ZIP member {truncated_repr(entry.name)} {error}")
        contents.payload = None
    if stream.frames > 1:
        contents.warnings.append(
            f"the ZIP member {truncated_repr(entry.name)} has {stream.frames} zstd frames: some clients read only the "
            "first"
        )


def _payload_limit(compressed: int) -> int:
    return max(MAX_PAYLOAD_SIZE, MAX_PAYLOAD_RATIO * compressed)


def _bounded(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """The pieces, as long as they do not expand beyond the limit."""
    expanded = 0
    for piece in pieces:
        expanded += len(piece)
        if expanded > limit:
            raise CorruptArchiveError(f"expands to more than {limit} bytes")
        yield piece


class MemberCollector:
    """Takes the members of a package's tarballs one by one, whichever tarball they stand in."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._indexes = 0
        self._info_members = 0
        self._info_size = 0
        self._payload_members = 0
        self._payload_names = 0

    def take(self, member: Member, data: Iterable[memoryview]) -> None:
        """Checks the member and keeps of it what the rules ask for.

        Raises:
            CorruptArchiveError: there are more members, or larger ones, than a package may have.
        """
        name = member.name.removeprefix("./")
        for violation in path_violations(member.name):
            self._contents.find(f"the member {truncated_repr(member.name)} {violation}")
        if member.kind is Kind.DEVICE or member.kind is Kind.FIFO:
            self._contents.find(
                f"the member {truncated_repr(member.name)} is a device or FIFO, which no package can hold"
            )
        self._expect_plain_info(name, member)
        if _is_info(member):
            self._take_info(name, member, data)
        else:
            self._take_payload(name, member, data)

    def expect_index(self) -> None:
        """To be called when `info/` has been read."""
        if not self._indexes:
            self._contents.find(f"the package has no {_INDEX!r}")

    def _expect_plain_info(self, name: str, member: Member) -> None:
        """Unpacked, these would put something else in the place of `info/index.json`; some file systems ignore case."""
        # The first test is for speed: millions of long names are looked through.
        if name.replace("/", "").replace(".", "").lower() not in _INFO_WITHOUT_DOTS:
            return
        plain = posixpath.normpath(member.name).lower()
        if plain == "info" and member.kind is not Kind.DIRECTORY:
            self._contents.find("the member 'info' is no folder")
        if plain == _INDEX != name:
            self._contents.find(f"the member {truncated_repr(member.name)} is another spelling of {_INDEX!r}")

    def _take_info(self, name: str, member: Member, data: Iterable[memoryview]) -> None:
        self._info_members += 1
        self._info_size += member.size
        if self._info_members > MAX_INFO_MEMBERS or self._info_size > MAX_INFO_SIZE:
            raise CorruptArchiveError(
                f"has an 'info' folder of more than {MAX_INFO_MEMBERS} members or {MAX_INFO_SIZE} bytes"
            )
        if name == _INDEX:
            self._take_index(member, data)
        elif name == _PATHS and member.kind is Kind.FILE and member.size <= MAX_PATHS_SIZE:
            self._contents.paths = b"".join(data)

    def _take_index(self, member: Member, data: Iterable[memoryview]) -> None:
        self._indexes += 1
        if self._indexes > 1:
            self._contents.find(f"the package has {_INDEX!r} more than once")
        if member.kind is not Kind.FILE:
            self._contents.find(f"{_INDEX!r} is no regular file")
        elif member.size > MAX_INDEX_SIZE:
            self._contents.find(f"{_INDEX!r} is larger than {MAX_INDEX_SIZE} bytes")
        else:
            self._contents.index = b"".join(data)

    def _take_payload(self, name: str, member: Member, data: Iterable[memoryview]) -> None:
        self._payload_members += 1
        if self._payload_members > MAX_PAYLOAD_MEMBERS:
            raise CorruptArchiveError(f"has more than {MAX_PAYLOAD_MEMBERS} members")
        self._payload_names += len(name)
        if self._payload_members > MAX_COMPARED_MEMBERS or self._payload_names > MAX_COMPARED_NAMES:
            self._contents.payload = None
        if self._contents.payload is not None and member.kind is not Kind.DIRECTORY:
            if name in self._contents.payload:
                self._contents.duplicates.append(name)
            self._contents.payload[name] = _digest(data, member.size) if member.kind is Kind.FILE else None


def _digest(data: Iterable[memoryview], size: int) -> PayloadFile:
    digest = hashlib.sha256()
    for piece in data:
        digest.update(piece)
    return PayloadFile(size, digest.digest())


def _is_info(member: Member) -> bool:
    return member.name.removeprefix("./").startswith("info/")


def path_violations(name: str) -> Iterator[str]:
    """Why a member of this name could be unpacked elsewhere than it says. Clients also run on Windows."""
    if not name:
        yield "has no name"
    elif name[0] in "/\\" or re.match(r"[A-Za-z]:", name):
        yield "has an absolute name"
    if "/../" in f"/{name}/".replace("\\", "/"):
        yield "has a name with '..'"
    if "\0" in name:
        yield "has a name with a NUL character, where some readers end it"
