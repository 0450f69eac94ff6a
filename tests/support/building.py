"""Packages to publish: real ones by rattler-build, and hand-made ones that no builder would write.

The hand-made ones are put together from bytes: `tar_member`s make a `tar`, which is compressed by `zstd` or `bz2`
and stands in a `zip_bytes`. At each step a test can change what it needs, and `conda_bytes` and `tar_bz2_bytes` do
the rest of the work.
"""

from __future__ import annotations

import bz2
import json
import shutil
import struct
import tarfile
import tempfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import zstandard
from rattler_build import ArchiveType, FileEntry, Stage0Recipe, ToolConfiguration, assemble_package

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ARCHIVE_TYPES = {".conda": ArchiveType.Conda, ".tar.bz2": ArchiveType.TarBz2}

STEM = "demo-1.0-h0_0"
METADATA = b'{"conda_pkg_format_version": 2}'
TAR_END = bytes(1024)


def package(
    folder: Path,
    name: str = "demo",
    version: str = "1.0",
    build: str = "h0_0",
    subdir: str = "noarch",
    *,
    extension: str = ".conda",
    content: str | bytes = "hello\n",
    files: Mapping[str, str] | None = None,
) -> Path:
    """A package of one file, `share/<name>.txt`, and these, put together by rattler-build in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    contents: dict[str, str | bytes] = {f"share/{name}.txt": content, **(files or {})}
    with tempfile.TemporaryDirectory() as scratch:
        entries = [
            FileEntry.from_paths(written(Path(scratch, path), text.encode() if isinstance(text, str) else text), path)
            for path, text in contents.items()
        ]
        output = assemble_package(
            name,
            version,
            subdir,
            build,
            folder,
            files=entries,
            noarch="generic" if subdir == "noarch" else None,
            archive_type=_ARCHIVE_TYPES[extension],
        )
    return output.path


RECIPE: Mapping[str, Any] = {
    "package": {"name": "demo", "version": "1.0"},
    "build": {
        "noarch": "generic",
        "string": "h0_0",
        "script": [
            "mkdir -p $PREFIX/share $PREFIX/bin",
            "echo hello > $PREFIX/share/demo.txt",
            "ln -s demo.txt $PREFIX/share/link.txt",
            "echo '#!/bin/sh' > $PREFIX/bin/demo",
            "chmod 755 $PREFIX/bin/demo",
        ],
    },
    "requirements": {"run": ["other >=1"], "run_exports": ["demo >=1"]},
    "about": {"license": "MIT", "summary": "A demo"},
    "tests": [{"package_contents": {"files": ["share/demo.txt"]}}],
}


def built(folder: Path, *, noarch: bool = True, extension: str = ".conda", script: Iterable[str] = ()) -> Path:
    """The package of `RECIPE`, with a whole build by rattler-build: other bytes each time.

    The commands of `script` come after those of the recipe.
    """
    build = {**RECIPE["build"], "script": [*RECIPE["build"]["script"], *script]}
    recipe = {**RECIPE, "build": build if noarch else {**build, "noarch": None}}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = written(Path(scratch, "recipe.yaml"), json.dumps(recipe).encode())
        (result,) = Stage0Recipe.from_file(path).run_build(
            output_dir=Path(scratch, "output"),
            channels=[],
            package_format=extension.removeprefix("."),
            tool_config=ToolConfiguration(allow_symlinks_on_windows=True),
        )
        (package_path,) = result.packages
        return Path(shutil.move(package_path, folder))


def written(path: Path, content: bytes) -> Path:
    """The file, with this content and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def index_of(stem: str = STEM, **changes: object) -> dict[str, Any]:
    """The index that belongs to a file name without its extension, but for these changes."""
    name, version, build = stem.rsplit("-", 2)
    return {"name": name, "version": version, "build": build, "build_number": 0, "subdir": "noarch", **changes}


def tar_member(
    name: str = "share/demo.txt",
    content: bytes = b"hello\n",
    *,
    kind: bytes = tarfile.REGTYPE,
    size: int | None = None,
    style: Literal[0, 1, 2] = tarfile.GNU_FORMAT,
    target: str = "",
) -> bytes:
    """A member as it stands in a tar archive; `size` is what its header claims, `target` what a link points to."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    info.size = len(content) if size is None else size
    info.mode = 0o755 if kind == tarfile.DIRTYPE or name.endswith("/") else info.mode
    return info.tobuf(style, "utf-8", "surrogateescape") + _padded(content)


def with_list(members: Iterable[bytes]) -> list[bytes]:
    """The members of `info/`, with a list of the files in the old form unless there is one already.

    That list is not compared with the payload.
    """
    members = list(members)
    is_listed = any(member.startswith((b"info/files\0", b"info/paths.json\0")) for member in members)
    return members if is_listed else [tar_member("info/files", b"share/demo.txt\n"), *members]


def pax_header(*records: tuple[str, bytes], kind: bytes = tarfile.XHDTYPE, name: str = "pax") -> bytes:
    """A header with records for the member that follows it."""
    data = b"".join(_pax_record(key.encode(), value) for key, value in records)
    return tar_member(name, data, kind=kind, style=tarfile.USTAR_FORMAT)


def tar_header(member: bytes, **fields: tuple[int, bytes]) -> bytes:
    """The member with different bytes at these offsets of its header, which gets the checksum that belongs to them."""
    header = bytearray(member[:512])
    for offset, value in fields.values():
        header[offset : offset + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + member[512:]


def tar(*members: bytes) -> bytes:
    """A whole archive."""
    return b"".join(members) + TAR_END


def zstd(data: bytes, **parameters: Any) -> bytes:
    """One frame with a checksum."""
    return zstandard.ZstdCompressor(write_checksum=True, **parameters).compress(data)


def repeated_zstd(unit: bytes, count: int, *, start: bytes = b"", end: bytes = b"") -> bytes:
    """A frame of the same bytes over and over, which is small and expands to much."""
    compressor = zstandard.ZstdCompressor(level=1, write_checksum=True).compressobj()
    at_once = max(1, 2**20 // len(unit))
    pieces = [start, *[unit * at_once] * (count // at_once), unit * (count % at_once), end]
    return b"".join(map(compressor.compress, pieces)) + compressor.flush()


@dataclass(frozen=True)
class ZipMember:
    """A member as the directory describes it. `local` is what its own header says instead.

    `crc`, `size` and `offset` are those of its content where they are not given. `after` stands between its
    content and the next member. `made_by` is the system whose `attributes` the directory has.
    """

    name: str
    content: bytes = b""
    method: int = 0
    flags: int = 0
    crc: int | None = None
    size: int | None = None
    extra: bytes = b""
    offset: int | None = None
    after: bytes = b""
    made_by: int = 0
    attributes: int = 0
    local: Mapping[str, Any] = field(default_factory=dict)

    def described(self) -> bytes:
        """What both headers have in common."""
        crc = zlib.crc32(self.content) if self.crc is None else self.crc
        size = len(self.content) if self.size is None else self.size
        name_size = len(self.name.encode())
        return struct.pack("<5H3L2H", 20, self.flags, self.method, 0, 0x21, crc, size, size, name_size, len(self.extra))

    def in_place(self) -> bytes:
        """The local header and the content."""
        local = replace(self, **self.local)
        return b"PK\3\4" + local.described() + local.name.encode() + local.extra + self.content + self.after

    def in_directory(self, offset: int) -> bytes:
        """The directory's entry."""
        offset = offset if self.offset is None else self.offset
        place = struct.pack("<3H2L", 0, 0, 0, self.attributes, offset)
        return (
            b"PK\1\2"
            + struct.pack("<H", self.made_by << 8 | 20)
            + self.described()
            + place
            + self.name.encode()
            + self.extra
        )


def zip_bytes(
    *members: ZipMember, count: int | None = None, directory_offset: int | None = None, comment: bytes = b""
) -> bytes:
    """A ZIP file. `count` and `directory_offset` are what its end record says instead of the truth."""
    content = directory = b""
    for member in members:
        directory += member.in_directory(len(content))
        content += member.in_place()
    count = len(members) if count is None else count
    offset = len(content) if directory_offset is None else directory_offset
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), offset, len(comment))
    return content + directory + end + comment


def with_zip64_end(data: bytes, count: int | None = None) -> bytes:
    """The ZIP file with an end record for large archives, as small ones may have it; `count` is what it claims."""
    members, size, offset = struct.unpack("<10xH2L2x", data[-22:])
    count = members if count is None else count
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(data) - 22, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:-22] + end64 + locator + end


def conda_members(
    stem: str = STEM,
    *,
    index: Mapping[str, Any] | bytes | None = None,
    info_members: Iterable[bytes] = (),
    payload_members: Iterable[bytes] | None = None,
    metadata: bytes = METADATA,
    info: bytes | None = None,
    payload: bytes | None = None,
) -> list[ZipMember]:
    """The three members of a `.conda` package: `metadata.json`, the payload, `info/`.

    `index` is the one that belongs to the stem if none is given, the payload one file; `info` and `payload` are
    compressed tars to take instead of those that hold the index and the other members.
    """
    info_tar = tar(_index_member(stem, index), *with_list(info_members))
    payload_tar = tar(*((tar_member(),) if payload_members is None else payload_members))
    return [
        ZipMember("metadata.json", metadata),
        ZipMember(f"pkg-{stem}.tar.zst", zstd(payload_tar) if payload is None else payload),
        ZipMember(f"info-{stem}.tar.zst", zstd(info_tar) if info is None else info),
    ]


def conda_bytes(stem: str = STEM, **parts: Any) -> bytes:
    """A `.conda` package of these parts: see `conda_members`."""
    return zip_bytes(*conda_members(stem, **parts))


def tar_bz2_bytes(
    stem: str = STEM,
    *,
    index: Mapping[str, Any] | bytes | None = None,
    info_members: Iterable[bytes] = (),
    payload_members: Iterable[bytes] | None = None,
) -> bytes:
    """A `.tar.bz2` package; its parts are those of `conda_members`."""
    payload = (tar_member(),) if payload_members is None else payload_members
    return bz2.compress(tar(_index_member(stem, index), *with_list(info_members), *payload))


def package_bytes(extension: str, stem: str = STEM, **parts: Any) -> bytes:
    """A package in either format, of the parts that both have."""
    return {".conda": conda_bytes, ".tar.bz2": tar_bz2_bytes}[extension](stem, **parts)


def _index_member(stem: str, index: Mapping[str, Any] | bytes | None) -> bytes:
    content = index if isinstance(index, bytes) else json.dumps(index_of(stem) if index is None else index).encode()
    return tar_member("info/index.json", content)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def _pax_record(key: bytes, value: bytes) -> bytes:
    """The record's length counts its own digits."""
    text = b" %b=%b\n" % (key, value)
    length = len(text)
    while len(b"%d" % length) + len(text) != length:
        length += 1
    return b"%d" % length + text
