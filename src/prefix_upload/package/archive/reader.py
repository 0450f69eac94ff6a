"""What is inside a conda package: read without unpacking, within limits, whatever the file holds.

`read` is the one entrance. It never raises for what the bytes say: everything wrong becomes a finding.
"""

from __future__ import annotations

from os import SEEK_END
from typing import TYPE_CHECKING, BinaryIO

from prefix_upload.package.archive import limits
from prefix_upload.package.archive.collector import MemberCollector, is_info, path_violations
from prefix_upload.package.archive.contents import Contents
from prefix_upload.package.archive.streams import Bzip2, CorruptArchiveError, Zstd, truncated_repr
from prefix_upload.package.archive.tarball import Tarball
from prefix_upload.package.archive.zip_container import Entry, ZipContainer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_METADATA = "metadata.json"


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
        if not everything and contents.index is not None and not is_info(member):
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
    elif metadata.size > limits.MAX_METADATA_SIZE:
        contents.find(f"{_METADATA!r} is larger than {limits.MAX_METADATA_SIZE} bytes")
    else:
        contents.metadata = _content(container, metadata, contents)
    collector = MemberCollector(contents)
    if info is not None:
        _walk(container, info, limits.MAX_INFO_SIZE, collector, contents)
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
    if len(others) > limits.MAX_OTHER_ENTRIES:
        contents.find(f"the ZIP file has {len(others)} members that do not belong to a package")
    for entry in others:
        for violation in path_violations(entry.name):
            contents.find(f"the ZIP member {truncated_repr(entry.name)} {violation}")


def _content(container: ZipContainer, entry: Entry, contents: Contents) -> bytes | None:
    """A small member's bytes; of a large one only the CRC-32 is checked."""
    region = container.open(entry)
    try:
        content = region.read(limits.MAX_METADATA_SIZE)
        while region.read(limits.MIB):
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
    return max(limits.MAX_PAYLOAD_SIZE, limits.MAX_PAYLOAD_RATIO * compressed)


def _bounded(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """The pieces, as long as they do not expand beyond the limit."""
    expanded = 0
    for piece in pieces:
        expanded += len(piece)
        if expanded > limit:
            raise CorruptArchiveError(f"expands to more than {limit} bytes")
        yield piece
