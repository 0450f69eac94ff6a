from __future__ import annotations

import bz2
import hashlib
import io
import json
import random
import tarfile
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from prefix_upload.package import archive
from prefix_upload.package.archive import limits
from support.building import (
    METADATA,
    STEM,
    ZipMember,
    conda_bytes,
    conda_members,
    index_of,
    package,
    package_bytes,
    tar,
    tar_bz2_bytes,
    tar_member,
    zip_bytes,
    zstd,
)

if TYPE_CHECKING:
    from pathlib import Path

INDEX, PATHS = json.dumps(index_of()).encode(), b'{"paths": []}'
INFO = [tar_member("info/index.json", INDEX), tar_member("info/paths.json", PATHS)]
PAYLOAD = [tar_member(name) for name in "abc"]

FORMATS = (".conda", ".tar.bz2")
both_formats = pytest.mark.parametrize("extension", FORMATS)


def read(data: bytes, extension: str = ".conda", *, everything: bool = True) -> archive.Contents:
    """What is in the package."""
    return archive.read(io.BytesIO(data), STEM + extension, everything=everything)


def findings(data: bytes, extension: str = ".conda", *, everything: bool = True) -> str:
    """What is wrong with it."""
    return "; ".join(read(data, extension, everything=everything).findings)


@both_formats
def test_reads_what_the_builder_writes(tmp_path: Path, extension: str) -> None:
    """Index, list of paths and every file of the payload with its hash."""
    contents = read(package(tmp_path, extension=extension).read_bytes(), extension)
    assert not contents.findings
    assert not contents.warnings
    assert contents.payload == {"share/demo.txt": archive.PayloadFile(6, hashlib.sha256(b"hello\n").digest())}
    assert contents.index is not None
    assert json.loads(contents.index)["name"] == "demo"
    assert contents.paths is not None
    assert b"share/demo.txt" in contents.paths


@both_formats
def test_every_truncation_is_a_finding(tmp_path: Path, extension: str) -> None:
    """Wherever a package is cut off, it is found out, and nothing is raised."""
    data = package(tmp_path, extension=extension).read_bytes()
    for end in range(len(data)):
        assert findings(data[:end], extension), end


@both_formats
def test_flipped_bytes(tmp_path: Path, extension: str) -> None:
    """Damage anywhere in the file is found by one of the checksums or by what they protect."""
    data = package(tmp_path, extension=extension, content=random.Random(0).randbytes(3000)).read_bytes()
    undetected = []
    for position in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        if not findings(bytes(damaged), extension):
            undetected.append(position)
    # Dates, versions and attributes in the ZIP file's headers protect nothing and mean nothing to a client.
    assert len(undetected) < len(data) // 70


@both_formats
@pytest.mark.parametrize(
    ("member", "message"),
    [
        (tar_member("/etc/passwd"), "absolute path"),
        (tar_member("C:/windows"), "absolute path"),
        (tar_member("c:windows"), "absolute path"),
        (tar_member("\\\\host\\share"), "absolute path"),
        (tar_member("a/../../b"), "'..'"),
        (tar_member("a\\..\\b"), "'..'"),
        (tar_member("dev", b"", kind=tarfile.CHRTYPE), "device or FIFO"),
        (tar_member("fifo", b"", kind=tarfile.FIFOTYPE), "device or FIFO"),
        (tar_member("info", b"", kind=tarfile.SYMTYPE), "'info' is not a folder"),
        (tar_member("info//index.json"), "another spelling"),
        (tar_member("INFO/Index.json"), "another spelling"),
        (tar_member("info/index.json"), "more than once"),
        (tar_member("./info/index.json"), "more than once"),
    ],
)
def test_members_that_no_package_may_have(extension: str, member: bytes, message: str) -> None:
    """Wherever in the package they stand."""
    assert message in findings(package_bytes(extension, payload_members=[member]), extension)


@both_formats
@pytest.mark.parametrize(
    ("index", "message"),
    [
        (tar_member("x"), "has no 'info/index.json'"),
        (tar_member("info/./index.json"), "has no 'info/index.json'"),
        (tar_member("info/index.json", b"", kind=tarfile.SYMTYPE), "not a regular file"),
        (tar_member("info/index.json", b"", kind=tarfile.LNKTYPE), "not a regular file"),
        (tar_member("info/index.json", bytes(4 * 2**20 + 1)), "larger than"),
    ],
)
def test_the_index_is_one_regular_file(extension: str, index: bytes, message: str) -> None:
    """Not a link, not another spelling, not too large."""
    data = tar(index)
    packed = bz2.compress(data) if extension == ".tar.bz2" else conda_bytes(info=zstd(data))
    assert message in findings(packed, extension)


@both_formats
def test_leading_dot_slash_is_accepted(extension: str) -> None:
    """Older builders write it."""
    data = tar(tar_member("./info/index.json", json.dumps(index_of()).encode()))
    packed = bz2.compress(data) if extension == ".tar.bz2" else conda_bytes(info=zstd(data))
    assert not findings(packed, extension)


def test_the_conda_file_has_exactly_its_members() -> None:
    """One for `info/`, one for the payload, both called after the file, and `metadata.json`."""
    members = conda_members()
    assert "no member 'metadata.json'" in findings(zip_bytes(*members[1:]))
    assert "exactly one 'pkg' member" in findings(zip_bytes(members[0], members[2]))
    assert "exactly one 'info' member" in findings(zip_bytes(*members[:2]))
    twice = [*members, ZipMember("info-other-1.0-h0_0.tar.zst", members[2].content)]
    assert "exactly one 'info' member" in findings(zip_bytes(*twice))


def test_extra_members_with_similar_names() -> None:
    """A member is only `info` or `pkg` if it is a compressed tarball."""
    assert not findings(zip_bytes(*conda_members(), ZipMember("info-notes.txt"), ZipMember("pkg-notes.txt")))


def test_other_members_of_the_zip_file() -> None:
    """Up to 100 are allowed, none may lead out of the archive, and their CRCs must hold."""
    members = conda_members()
    others = [ZipMember(f"extra-{number}", b"x") for number in range(101)]
    assert not findings(zip_bytes(*members, *others[:100]))
    assert "extra members" in findings(zip_bytes(*members, *others))
    assert "'..'" in findings(zip_bytes(*members, ZipMember("../x")))
    assert "CRC-32" in findings(zip_bytes(*members, ZipMember("extra", b"x", crc=1)))
    assert "CRC-32" in findings(zip_bytes(*members, ZipMember("extra", bytes(3 * 2**20), crc=1)))
    metadata = ZipMember("metadata.json", b"{}", crc=1)
    assert "CRC-32" in findings(zip_bytes(metadata, *members[1:]))


def test_overlapping_extra_members_are_not_read() -> None:
    """A hundred members that share the same bytes do not make the reader read them a hundred times."""

    class Counted(io.BytesIO):
        count = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.count += len(data)
            return data

    content = bytes(100_000)
    shared = ZipMember("extra-0", content)
    others = [
        replace(shared, name=f"extra-{number}", content=b"", size=len(content), crc=zlib.crc32(content), offset=0)
        for number in range(1, 100)
    ]
    file = Counted(zip_bytes(shared, *others, *conda_members()))
    contents = archive.read(file, f"{STEM}.conda", everything=True)
    assert any("described differently" in finding for finding in contents.findings)
    assert file.count < 2 * len(file.getvalue())


@both_formats
def test_limits(extension: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What expands without end, or has members without end, is a finding."""
    data = package_bytes(
        extension, payload_members=[tar_member("noise", random.Random(2).randbytes(200_000)), tar_member("b")]
    )
    assert not findings(data, extension)
    with monkeypatch.context() as patch:
        patch.setattr(limits, "MAX_PAYLOAD_SIZE", 100_000)
        assert not findings(data, extension), "not beyond the ratio as well"
        patch.setattr(limits, "MAX_PAYLOAD_RATIO", 0)
        assert "expands to more than" in findings(data, extension)
    with monkeypatch.context() as patch:
        patch.setattr(limits, "MAX_PAYLOAD_MEMBERS", 1)
        assert "more than 1 members" in findings(data, extension)
    with monkeypatch.context() as patch:
        patch.setattr(limits, "MAX_INFO_SIZE", 50)
        assert "more than" in findings(data, extension)
    with monkeypatch.context() as patch:
        patch.setattr(limits, "MAX_INFO_MEMBERS", 1)
        many = package_bytes(extension, info_members=[tar_member("info/a"), tar_member("info/b")])
        assert "more than 1 members" in findings(many, extension)
    with monkeypatch.context() as patch:
        patch.setattr(limits, "MAX_COMPARED_MEMBERS", 1)
        assert read(data, extension).payload is None
    with monkeypatch.context() as patch:
        patch.setattr(limits, "MAX_FINDINGS", 2)
        bad = package_bytes(extension, payload_members=[tar_member(f"/{number}") for number in range(9)])
        assert len(read(bad, extension).findings) == 2


@pytest.mark.parametrize(
    ("extension", "limit", "value"),
    [
        *((extension, "MAX_INFO_MEMBERS", 2) for extension in FORMATS),
        *((extension, "MAX_INDEX_SIZE", len(INDEX)) for extension in FORMATS),
        *((extension, "MAX_PAYLOAD_MEMBERS", 3) for extension in FORMATS),
        (".conda", "MAX_METADATA_SIZE", len(METADATA)),
        (".conda", "MAX_INFO_SIZE", len(tar(*INFO))),
        (".conda", "MAX_PAYLOAD_SIZE", len(tar(*PAYLOAD))),
        (".tar.bz2", "MAX_INFO_SIZE", len(INDEX) + len(PATHS)),
        (".tar.bz2", "MAX_PAYLOAD_SIZE", len(tar(*INFO, *PAYLOAD))),
    ],
)
def test_limits_are_inclusive(extension: str, limit: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package at a limit is valid, and one beyond it is not."""
    data = package_bytes(extension, index=INDEX, info_members=INFO[1:], payload_members=PAYLOAD)
    monkeypatch.setattr(limits, "MAX_PAYLOAD_RATIO", 0)
    monkeypatch.setattr(limits, limit, value)
    assert not findings(data, extension)
    monkeypatch.setattr(limits, limit, value - 1)
    assert findings(data, extension)


@both_formats
@pytest.mark.parametrize(
    ("limit", "value"),
    [("MAX_COMPARED_MEMBERS", 3), ("MAX_COMPARED_NAMES", len("abc"))],
)
def test_the_limits_of_the_comparison_are_inclusive(
    extension: str, limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a limit, the payload is compared with `paths.json`; beyond it, it is not, without a finding."""
    data = package_bytes(extension, index=INDEX, info_members=INFO[1:], payload_members=PAYLOAD)

    def is_compared() -> bool:
        contents = read(data, extension)
        assert not contents.findings
        return contents.paths is not None and contents.payload is not None

    monkeypatch.setattr(limits, limit, value)
    assert is_compared()
    monkeypatch.setattr(limits, limit, value - 1)
    assert not is_compared()


@both_formats
def test_folders_are_not_part_of_the_payload(extension: str) -> None:
    """The payload only has files and links, as `paths.json` does."""
    folder = tar_member("share", b"", kind=tarfile.DIRTYPE)
    contents = read(package_bytes(extension, payload_members=[folder, tar_member("share/a")]), extension)
    assert contents.payload is not None
    assert list(contents.payload) == ["share/a"]


@both_formats
def test_paths_json_must_be_a_regular_file(extension: str) -> None:
    """A link named `info/paths.json` is ignored."""
    link = tar_member("info/paths.json", b"", kind=tarfile.SYMTYPE)
    assert read(package_bytes(extension, info_members=[link]), extension).paths is None


@both_formats
def test_metadata_depth_stops_after_info(extension: str) -> None:
    """A damaged payload is not noticed, and not decoded."""
    good = package_bytes(extension, payload_members=[tar_member("a", random.Random(1).randbytes(2_000_000))])
    damaged = conda_bytes(payload=b"nonsense") if extension == ".conda" else good[:-1000]
    assert findings(damaged, extension)
    assert not findings(damaged, extension, everything=False)
    assert read(damaged, extension, everything=False).payload is None


def test_streams_that_some_clients_cannot_read() -> None:
    """Several streams or frames are accepted with a warning."""
    whole = bz2.decompress(tar_bz2_bytes())
    several = read(bz2.compress(whole[:1000]) + bz2.compress(whole[1000:]), ".tar.bz2")
    assert not several.findings
    assert "2 bzip2 streams" in several.warnings[0]
    payload = tar(tar_member())
    frames = read(conda_bytes(payload=zstd(payload[:600]) + zstd(payload[600:])))
    assert not frames.findings
    assert "2 zstd frames" in frames.warnings[0]
