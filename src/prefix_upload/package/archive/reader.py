"""Reads a conda package without extracting it, within limits, whatever the file contains.

`read` is the only entry point. It never raises because of the package's bytes: every problem becomes a finding.
"""

from __future__ import annotations

from os import SEEK_END
from typing import TYPE_CHECKING, BinaryIO

from prefix_upload.package.archive import limits
from prefix_upload.package.archive.collector import MemberCollector, is_info
from prefix_upload.package.archive.contents import Contents
from prefix_upload.package.archive.member_names import path_violations
from prefix_upload.package.archive.streams import Bzip2, CorruptArchiveError, Zstd
from prefix_upload.package.archive.tarball import Tarball
from prefix_upload.package.archive.zip_container import Entry, ZipContainer
from prefix_upload.package.listing import truncated_repr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_METADATA = "metadata.json"
_SIGNATURE = "has a ZIP signature in a skippable zstd frame, where some readers could end it"
_NO_END = "has no end-of-archive marker, although its stream is complete"


def read(
    file: BinaryIO, name: str, *, everything: bool, collect: Callable[[Contents], MemberCollector] = MemberCollector
) -> Contents:
    """Reads a package.

    Args:
        file: the package, opened for reading.
        name: the file name, which determines the format and the names of the members in a `.conda` package.
        everything: whether to decode the payload as well; if not, reading stops after `info/`.
        collect: creates what takes the members.
    """
    contents = Contents()
    collector = collect(contents)
    try:
        if name.endswith(".conda"):
            _read_conda(file, name.removesuffix(".conda"), collector, contents, everything=everything)
        else:
            _read_tar_bz2(file, collector, contents, everything=everything)
    except CorruptArchiveError as error:
        contents.add_finding(f"the file {error}")
    contents.summarize_remarks()
    return contents


def _read_tar_bz2(file: BinaryIO, collector: MemberCollector, contents: Contents, *, everything: bool) -> None:
    size = file.seek(0, SEEK_END)
    file.seek(0)
    stream = Bzip2(file)
    tarball = Tarball(_bounded(stream, _payload_limit(size)), collector.add_remark)
    for member, data in tarball:
        if not everything and contents.index is not None and not is_info(member):
            contents.payload = None
            contents.is_info_complete = False
            return
        collector.take(member, data)
    collector.check_index()
    if not tarball.has_end:
        contents.warnings.append(f"the file {_NO_END}")
    if stream.streams > 1:
        contents.warnings.append(
            f"the file has {stream.streams} bzip2 streams, as parallel compressors write them; some clients only "
            "read the first"
        )


def _read_conda(file: BinaryIO, stem: str, collector: MemberCollector, contents: Contents, *, everything: bool) -> None:
    container = ZipContainer(file)
    for finding in container.findings:
        contents.add_finding(finding)
    info = _find_tarball("info", stem, container, contents)
    payload = _find_tarball("pkg", stem, container, contents)
    metadata = next((entry for entry in container.entries if entry.name == _METADATA), None)
    others = [entry for entry in container.entries if entry not in (info, payload, metadata)]
    for name, remark in container.remarks:
        contents.add_remark(f"the ZIP member {truncated_repr(name)}", remark)
    _check_others(others, stem, contents)
    if metadata is None:
        contents.add_finding(f"the ZIP file has no member {_METADATA!r}")
    elif metadata.size > limits.MAX_METADATA_SIZE:
        contents.add_finding(f"{_METADATA!r} is larger than {limits.MAX_METADATA_SIZE} bytes")
    else:
        contents.metadata = _read_member(container, metadata, contents)
    if info is not None:
        _walk(container, info, limits.MAX_INFO_SIZE, collector, contents)
        collector.check_index()
    if not everything:
        contents.payload = None
        return
    if payload is not None:
        _walk(container, payload, _payload_limit(payload.size), collector, contents)
    # NOTE: if the container has findings, members may overlap. Reading each of them could mean reading the whole file
    # over and over.
    for entry in () if container.findings else others:
        _read_member(container, entry, contents)


def _find_tarball(kind: str, stem: str, container: ZipContainer, contents: Contents) -> Entry | None:
    """The ZIP member with `info/` or the payload. Adds a finding unless there is exactly one.

    If the only one is named after another package, that is recorded in `contents.tarballs` instead: the file may have
    been renamed.
    """
    expected = f"{kind}-{stem}.tar.zst"
    candidates = [
        entry for entry in container.entries if entry.name.startswith(f"{kind}-") and entry.name.endswith(".tar.zst")
    ]
    if len(candidates) == 1:
        contents.tarballs[kind] = candidates[0].name
    else:
        found = ", ".join(truncated_repr(entry.name) for entry in candidates[:3]) or "none"
        contents.add_finding(f"the ZIP file should have exactly one {kind!r} member, {expected!r}, but has {found}")
    return next((entry for entry in candidates if entry.name == expected), next(iter(candidates), None))


def _check_others(others: list[Entry], stem: str, contents: Contents) -> None:
    if len(others) > limits.MAX_OTHER_ENTRIES:
        contents.add_finding(f"the ZIP file has {len(others)} extra members")
    for entry in others:
        for violation in path_violations(entry.name):
            contents.add_finding(f"the ZIP member {truncated_repr(entry.name)} {violation}")
        if _may_be_tarball(entry.name, stem):
            contents.add_finding(
                f"the ZIP member {truncated_repr(entry.name)} is one that some clients extract as well"
            )


def _may_be_tarball(name: str, stem: str) -> bool:
    """Whether a client takes a ZIP member for `info/` or the payload.

    rattler extracts all members that end in `.tar.zst`, mamba those in any folder that begin with `info-` or `pkg-` and
    end in `.zst`, and conda fails if more than one begins with `info-` or `pkg-` and the name of the package.
    """
    base = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return base.lower().endswith(".zst") or name.startswith((f"info-{stem}", f"pkg-{stem}"))


def _read_member(container: ZipContainer, entry: Entry, contents: Contents) -> bytes | None:
    """The first `MAX_METADATA_SIZE` bytes of a member. Reads all of it to check its CRC-32; `None` if it is corrupt."""
    region = container.open(entry)
    try:
        content = region.read(limits.MAX_METADATA_SIZE)
        while region.read(limits.MIB):
            pass
    except CorruptArchiveError as error:
        contents.add_finding(f"the ZIP member {truncated_repr(entry.name)} {error}")
        return None
    return content


def _walk(container: ZipContainer, entry: Entry, limit: int, collector: MemberCollector, contents: Contents) -> None:
    stream = Zstd(container.open(entry))
    try:
        tarball = Tarball(_bounded(stream, limit), collector.add_remark)
        collector.begin_tarball()
        for member, data in tarball:
            collector.take(member, data)
        if not tarball.has_end:
            contents.warnings.append(f"the ZIP member {truncated_repr(entry.name)} {_NO_END}")
    except CorruptArchiveError as error:
        contents.add_finding(f"the ZIP member {truncated_repr(entry.name)} {error}")
        contents.payload = None
    if stream.has_zip_signature:
        add = contents.add_finding if entry.is_streamed else contents.warnings.append
        add(f"the ZIP member {truncated_repr(entry.name)} {_SIGNATURE}")
    if stream.frames > 1:
        contents.warnings.append(
            f"the ZIP member {truncated_repr(entry.name)} has {stream.frames} zstd frames; some clients only read the "
            "first"
        )


def _payload_limit(compressed: int) -> int:
    return max(limits.MAX_PAYLOAD_SIZE, limits.MAX_PAYLOAD_RATIO * compressed)


def _bounded(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Yields the pieces. Raises `CorruptArchiveError` if they have more than `limit` bytes in total."""
    expanded = 0
    for piece in pieces:
        expanded += len(piece)
        if expanded > limit:
            raise CorruptArchiveError(f"expands to more than {limit} bytes")
        yield piece
