"""What is tried with each input, and what must hold whatever it is. Works without the fuzzer, too.

The first byte of an input chooses the target, so that one corpus serves all; the checksums and compressed streams
around the part that is fuzzed are made here, since no mutation would ever get them right.
"""

from __future__ import annotations

import bz2
import io
import json
import re
import struct
import tarfile
import zipfile
from typing import TYPE_CHECKING

from fuzz.index_targets import INDEX_TARGETS
from prefix_upload.package import archive, file_lists, names, placeholders
from prefix_upload.package.archive.streams import Bzip2, CorruptArchiveError, Zstd
from prefix_upload.package.archive.tar_headers import Kind
from prefix_upload.package.archive.tarball import Tarball
from prefix_upload.package.archive.zip_container import ZipContainer
from prefix_upload.package.install_paths import entry_point_warnings, install_findings
from prefix_upload.package.metadata import read_index
from prefix_upload.package.strict_json import parse_json_object
from support.building import STEM, ZipMember, conda_bytes, conda_members, index_of, tar, tar_member, zip_bytes, zstd
from support.contents import contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOCAL = struct.Struct("<4s5H3L2H")
_INDEX = json.dumps(index_of()).encode()
_PLAIN = {Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.HARD_LINK}


def try_input(data: bytes) -> None:
    """Raises for what must never happen; `data` is a target's number and its input."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])


def _conda(data: bytes) -> None:
    _read(data, ".conda")


def _tar_bz2(data: bytes) -> None:
    _read(data, ".tar.bz2")


def _payload(data: bytes) -> None:
    data = with_checksums(data)
    _compare_with_tarfile(data)
    _read(conda_bytes(payload=zstd(data)), ".conda")


def _info(data: bytes) -> None:
    _read(conda_bytes(info=zstd(with_checksums(data))), ".conda")


def _packed_tar(data: bytes) -> None:
    _read(bz2.compress(with_checksums(data), 1), ".tar.bz2")


def _zstd(data: bytes) -> None:
    try:
        pieces = list(Zstd(io.BytesIO(data)))
    except CorruptArchiveError:
        return
    assert all(len(piece) <= 2**17 for piece in pieces)


def _bzip2(data: bytes) -> None:
    try:
        expanded = b"".join(Bzip2(io.BytesIO(data)))
    except CorruptArchiveError:
        return
    assert expanded == bz2.decompress(data)


def _index(data: bytes) -> None:
    try:
        index = parse_json_object(data)
    except ValueError:
        return
    assert parse_json_object(data) == index
    list(names.identity_findings(f"{STEM}.conda", index))
    read_index(data)


def _metadata(data: bytes) -> None:
    list(names.format_findings(data))


def _paths(data: bytes) -> None:
    payload = {"share/demo.txt": archive.PayloadFile(6, bytes(32)), "link": None}
    read = contents(paths=data, files=data, links={"info/link.json": data}, payload=payload)
    list(file_lists.list_warnings(read))
    list(install_findings(read, {}))
    list(entry_point_warnings(read))
    for paths, has_prefix in ((data, None), (None, data)):
        found = placeholders.find_placeholders(_INDEX, paths, has_prefix)
        replaced = dict.fromkeys(found, placeholders.Listed("0", 6))
        if paths is not None and replaced:
            placeholders.paths_digest(paths, replaced)
        placeholders.has_prefix_digest(data, found)


def _file_name(data: bytes) -> None:
    name = data.decode("utf-8", "surrogateescape")
    if not list(names.file_name_findings(name)):
        parts = names.split_file_name(name)
        assert parts is not None
        assert name.startswith("-".join(parts))
        assert name.isascii()


def _zip_file(data: bytes) -> None:
    """A ZIP file whose members and headers are what the input says."""
    draw = _Draw(data)
    names = [member.name for member in conda_members()] + ["further", "../out", "caf\u00e9"]
    members = []
    for _ in range(draw.number() % 5):
        content = draw.bytes()
        lies = {key: draw.number(4) for key in ("crc", "size") if draw.number() % 8 == 0}
        local = {key: draw.number(4) for key in ("crc", "size") if draw.number() % 8 == 0}
        members.append(
            ZipMember(
                names[draw.number() % len(names)],
                content,
                method=0 if draw.number() % 8 else draw.number(),
                flags=0 if draw.number() % 4 else draw.number(2) & 0xFF7F,
                extra=draw.bytes() if draw.number() % 4 == 0 else b"",
                offset=draw.number(2) if draw.number() % 8 == 0 else None,
                after=draw.bytes() if draw.number() % 4 == 0 else b"",
                local=local,
                **lies,
            )
        )
    whole = zip_bytes(
        *members,
        count=draw.number() if draw.number() % 8 == 0 else None,
        directory_offset=draw.number(2) if draw.number() % 8 == 0 else None,
        comment=draw.bytes() if draw.number() % 4 == 0 else b"",
    )
    _compare_zip_readers(draw.bytes() + whole if draw.number() % 8 == 0 else whole)


TARGETS: tuple[Callable[[bytes], None], ...] = (
    _conda,
    _tar_bz2,
    _payload,
    _info,
    _packed_tar,
    _zstd,
    _bzip2,
    _index,
    _metadata,
    _paths,
    _file_name,
    _zip_file,
    *INDEX_TARGETS,
)


class _Draw:
    """Numbers and strings out of the input; zeros when it is used up."""

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)

    def number(self, size: int = 1) -> int:
        return int.from_bytes(self._stream.read(size), "little")

    def bytes(self) -> bytes:
        return self._stream.read(self.number())


def with_checksums(data: bytes) -> bytes:
    """The tar archive with the checksums that belong to its headers, wherever they seem to stand."""
    whole = bytearray(data)
    at = 0
    while at + 512 <= len(whole):
        header = whole[at : at + 512]
        if any(header):
            header[148:156] = b" " * 8
            whole[at + 148 : at + 156] = b"%06o\0 " % sum(header)
        digits = bytes(header[124:136]).split(b"\0")[0].strip(b" ")
        size = int(digits, 8) if re.fullmatch(rb"[0-7]+", digits) else 0
        at += 512 + size + -size % 512
    return bytes(whole)


def _read(data: bytes, extension: str) -> None:
    """Nothing is raised, and what has no finding has an index."""
    if extension == ".conda":
        _compare_zip_readers(data)
    for everything in (True, False):
        contents = archive.read(io.BytesIO(data), STEM + extension, everything=everything)
        assert contents.findings or contents.index is not None


def _compare_zip_readers(data: bytes) -> None:
    """What has no finding is the same to a reader of the directory and to one that starts at the front."""
    try:
        container = ZipContainer(io.BytesIO(data))
    except CorruptArchiveError:
        return
    if container.findings:
        return
    ours = [(entry.name, entry.start, entry.size) for entry in container.entries]
    with zipfile.ZipFile(io.BytesIO(data)) as reader:
        infos = sorted(reader.infolist(), key=lambda info: info.header_offset)
    assert sorted(name for name, _, _ in ours) == sorted(info.orig_filename for info in infos)
    if not any(info.flag_bits & 8 for info in infos):  # only a reader of the directory knows where those end
        assert sorted(ours) == sorted(_from_the_front(data))


def _from_the_front(data: bytes) -> Iterator[tuple[str, int, int]]:
    at = 0
    while data[at : at + 4] == b"PK\3\4":
        _, _, flags, _, _, _, _, size, long_size, name_size, extra_size = _LOCAL.unpack_from(data, at)
        start = at + _LOCAL.size + name_size + extra_size
        name = data[at + _LOCAL.size : at + _LOCAL.size + name_size]
        if 0xFFFFFFFF in (size, long_size):
            size = _long_size(data[start - extra_size : start])
        yield name.decode("utf-8" if flags & 0x800 else "cp437"), start, size
        at = start + size


def _long_size(extra: bytes) -> int:
    while extra:
        identifier, length = struct.unpack_from("<2H", extra)
        if identifier == 1:
            return int(struct.unpack_from("<Q", extra, 4)[0])
        extra = extra[4 + length :]
    raise AssertionError("no zip64 field")


def _compare_with_tarfile(data: bytes) -> None:
    """What is read to its end has the members that `tarfile` finds, which conda unpacks with."""
    try:
        ours = [(member, b"".join(content)) for member, content in Tarball([data], lambda *_: None)]
    except CorruptArchiveError:
        return
    if any(member.kind not in _PLAIN or not member.name for member, _ in ours):
        return
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:", errors="surrogateescape", encoding="utf-8") as reader:
        theirs = [(info.name.rstrip("/"), _content(reader, info)) for info in reader]
    assert [(member.name.rstrip("/"), content) for member, content in ours] == theirs


def _content(reader: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    is_file = info.isreg() or info.type not in tarfile.SUPPORTED_TYPES  # as which it is extracted
    file = reader.extractfile(info) if is_file else None
    return file.read() if file else b""


def seeds() -> Iterator[bytes]:
    """An input to start from for each target."""
    packages = (conda_bytes(), bz2.compress(tar(tar_member())), tar(tar_member(), tar_member("b" * 150)))
    starts: dict[Callable[[bytes], None], bytes] = {
        _conda: packages[0],
        _tar_bz2: packages[1],
        _payload: packages[2],
        _info: packages[2],
        _packed_tar: packages[2],
        _zstd: zstd(packages[2]),
        _bzip2: packages[1],
        _index: b'{"name": "demo", "version": "1.0", "build": "h0_0", "build_number": 0, "subdir": "noarch"}',
        _metadata: b'{"conda_pkg_format_version": 2}',
        _paths: b'{"paths": [{"_path": "share/demo.txt", "path_type": "hardlink", "sha256": "0", "size_in_bytes": 6, '
        b'"prefix_placeholder": "/build/placehold", "file_mode": "text"}]}',
        _file_name: b"demo-1.0-h0_0.conda",
        _zip_file: bytes(range(200)),
        **INDEX_TARGETS,
    }
    for number, target in enumerate(TARGETS):
        yield bytes([number]) + starts[target]
