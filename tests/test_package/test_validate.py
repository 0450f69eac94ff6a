from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from prefix_upload.package import archive
from prefix_upload.package.archive import limits
from prefix_upload.package.formats import ValidationLevel
from prefix_upload.package.metadata import KNOWN_SUBDIRS
from prefix_upload.package.model import CandidateFile, Package
from prefix_upload.package.strict_json import parse_json_object
from prefix_upload.package.validate import ValidationOptions, check
from support.building import (
    STEM,
    conda_bytes,
    index_of,
    package,
    package_bytes,
    tar_member,
    written,
)


def checked(
    path: Path, workspace: Path, *, depth: ValidationLevel = ValidationLevel.FULL, max_size: int | None = None
) -> Any:
    """The result for one file."""
    return check([path], ValidationOptions(workspace, depth, max_size))


def findings(path: Path, workspace: Path, **rules: Any) -> str:
    """Why it is invalid; empty if it is not."""
    result = checked(path, workspace, **rules)
    return "; ".join(result.findings) if isinstance(result, CandidateFile) else ""


def of_index(workspace: Path, *, stem: str = STEM, **changes: Any) -> Any:
    """The result for a package with such an index."""
    index = {key: value for key, value in index_of(stem, **changes).items() if value is not ...}
    return checked(written(workspace / f"{stem}.conda", conda_bytes(stem, index=index)), workspace)


@pytest.mark.parametrize("extension", [".conda", ".tar.bz2"])
@pytest.mark.parametrize("subdir", ["noarch", "linux-64", "osx-arm64", "win-64"])
def test_a_real_package_is_valid(workspace: Path, extension: str, subdir: str) -> None:
    """Everything in the report about it comes from its index and its bytes."""
    path = package(workspace / "out", "my-tool", "1!2.0+local_1", "py313h0_3", subdir, extension=extension)
    result = checked(path, workspace)
    assert isinstance(result, Package)
    data = path.read_bytes()
    expected = {
        "path": path,
        "relative_path": f"out/{path.name}",
        "file_name": path.name,
        "name": "my-tool",
        "version": "1!2.0+local_1",
        "build": "py313h0_3",
        "build_number": 0,
        "subdir": subdir,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "depends": (),
        "needs_v3": False,
        "warnings": (),
    }
    assert {name: getattr(result, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("demo-1.0-h0_0.conda", b"", "is empty"),
        ("demo-1.0-h0_0.zip", b"x", "neither '.conda' nor '.tar.bz2'"),
        ("demo-1.0-h0_0.conda", b"text", "not a valid ZIP file"),
        ("demo-1.0-h0_0.tar.bz2", b"text", "not a bzip2 stream"),
        ("demo.conda", b"x", "not '<name>-<version>-<build>'"),
        ("demo.conda", conda_bytes(), "its name should be 'demo-1.0-h0_0.conda'"),
        ("-1.0-h0_0.conda", b"x", "not '<name>-<version>-<build>'"),
        ("demo--h0_0.conda", b"x", "not '<name>-<version>-<build>'"),
        ("demo-1.0-.conda", b"x", "not '<name>-<version>-<build>'"),
    ],
)
def test_no_package_at_all(workspace: Path, name: str, content: bytes, message: str) -> None:
    """Each is reported as what it is."""
    assert message in findings(written(workspace / name, content), workspace)


@pytest.mark.parametrize(
    ("stem", "message"),
    [
        ("a" * 64 + "-1-0", ""),
        ("a" * 65 + "-1-0", "the name in the file name has 65"),
        ("a-" + "1." * 31 + "12-0", ""),
        ("a-" + "1" * 65 + "-0", "the version in the file name has 65"),
        ("a-1-" + "b" * 64, ""),
        ("a-1-" + "b" * 65, "the build in the file name has 65"),
        ("_private-1-0", ""),
        ("__virtual-1-0", "the name in the file name"),
        ("a--b-1-0", "the name in the file name"),
        ("Upper-1-0", "the name in the file name"),
        ("a b-1-0", "the name in the file name"),
        ("a-1:0-0", "the version in the file name"),
        ("a-1-h~0", "the build in the file name"),
        ("caf\u00e9-1-0", "the name in the file name"),
        ("a\n-1-0", "the name in the file name"),
        ("a" * 100 + "-" + "1" * 110 + "-0", "more than 211"),
    ],
)
def test_file_names(workspace: Path, stem: str, message: str) -> None:
    """CEP 26: the characters, the order, the lengths."""
    found = findings(written(workspace / f"{stem}.conda", conda_bytes(stem)), workspace)
    assert message in found
    assert bool(found) == bool(message)


def test_name_version_and_build_are_compared_part_by_part(workspace: Path) -> None:
    """Joined again, another split of the same text would pass."""
    result = of_index(workspace, stem="demo-extra-1.0-h0_0", name="demo", version="extra-1.0")
    assert any("the name is 'demo-extra' in the file name" in finding for finding in result.findings)


def test_every_finding_is_told(workspace: Path) -> None:
    """Not only the first."""
    result = of_index(workspace, name="other", version=2, build_number=-1, subdir="no/where")
    assert len(result.findings) == 4


@pytest.mark.parametrize("number", [-1, 1.0, "1", True, None, ...])
def test_build_number(workspace: Path, number: object) -> None:
    """An integer from 0 up."""
    assert "build_number" in "".join(of_index(workspace, build_number=number).findings)


@pytest.mark.parametrize("subdir", ["Linux-64", "linux", "linux-64-x", "../x", "a" * 30 + "-64", 5])
def test_subdirs_that_are_none(workspace: Path, subdir: object) -> None:
    """CEP 26, "Subdir names"."""
    assert "subdir" in "".join(of_index(workspace, subdir=subdir).findings)


@pytest.mark.parametrize("subdir", ["noarch", "plan9-amd64", "a" * 29 + "-64"])
def test_subdirs(workspace: Path, subdir: str) -> None:
    """Unknown platforms are valid subdirs, up to 32 characters."""
    assert of_index(workspace, subdir=subdir).subdir == subdir


@pytest.mark.parametrize(
    ("platform", "arch", "subdir"),
    [("linux", "x86_64", "linux-64"), ("win", "x86", "win-32"), ("osx", "arm64", "osx-arm64")],
)
def test_old_packages_have_platform_and_arch(workspace: Path, platform: str, arch: str, subdir: str) -> None:
    """They stand for the subdir, with a warning."""
    result = of_index(workspace, subdir=..., platform=platform, arch=arch)
    assert result.subdir == subdir
    assert "has no subdir" in result.warnings[0]


@pytest.mark.parametrize(
    "fields",
    [{"platform": "linux"}, {"arch": "x86_64"}, {"platform": 5, "arch": "64"}, {"platform": "linux", "arch": 64}],
)
def test_neither_subdir_nor_platform(workspace: Path, fields: dict[str, Any]) -> None:
    """Without a subdir, the package needs both a platform and an arch, as strings."""
    assert "and no platform and arch" in "".join(of_index(workspace, subdir=..., **fields).findings)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (b"{}", "None"),
        (b'{"conda_pkg_format_version": 1}', "1"),
        (b'{"conda_pkg_format_version": 2.0}', "2.0"),
        (b'{"conda_pkg_format_version": "2"}', "'2'"),
        (b"[]", "not a JSON object"),
        (b"{", "not valid JSON"),
    ],
)
def test_format_version(workspace: Path, metadata: bytes, message: str) -> None:
    """It is 2 (CEP 35)."""
    found = findings(written(workspace / f"{STEM}.conda", conda_bytes(metadata=metadata)), workspace)
    assert "'metadata.json'" in found
    assert message in found


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": 1, "a": 2}',
        b'{"b": [{"a": 1, "a": 2}]}',
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\xff"}',
        b"[1]",
        b"",
        b"{",
    ],
)
def test_json_that_readers_disagree_about(raw: bytes, workspace: Path) -> None:
    """`json.loads` takes most of these; conda's clients do not, or read something else."""
    with pytest.raises(ValueError, match=r"."):
        parse_json_object(raw)
    assert "'info/index.json' is" in findings(written(workspace / f"{STEM}.conda", conda_bytes(index=raw)), workspace)


def test_the_message_for_a_byte_order_mark() -> None:
    """The message names the byte order mark: editors don't show it."""
    with pytest.raises(ValueError, match=r"^not valid JSON \(it begins with a byte order mark\)$"):
        parse_json_object(b"\xef\xbb\xbf{}")


def test_the_message_for_duplicate_keys() -> None:
    """The message names the duplicate key as the problem, since `json` accepts it."""
    with pytest.raises(ValueError, match=r"^an object with a duplicate key$"):
        parse_json_object(b'{"a": 1, "a": 2}')


@pytest.mark.parametrize("raw", [b'{"a": "\xc3\xa9"}', b'{"a": "\\ud83d\\ude00"}', b' {"a": [1, 2.5, null, true]} '])
def test_json_as_it_is(raw: bytes) -> None:
    """Everything that is JSON is read."""
    assert parse_json_object(raw) == json.loads(raw)


@pytest.mark.parametrize("extension", [".conda", ".tar.bz2"])
@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([("share/demo.txt", b"hello\n", {})], ""),
        ([("share/demo.txt", b"hello\n", {}), ("folder", b"", {"path_type": "directory"})], ""),
        ([("share/demo.txt", b"other", {})], "differ from 'info/paths.json'"),
        ([("share/demo.txt", b"hello\n", {"sha256": "no hash"})], "differ from 'info/paths.json'"),
        ([("share/demo.txt", b"hello\n", {}), ("gone", b"", {})], "'info/paths.json' are missing: 'gone'"),
        ([("share/demo.txt", b"", {"path_type": "softlink"})], ""),
        ([("share/demo.txt", b"", {"sha256": None})], ""),
        ([(f"gone/{number}", b"", {}) for number in range(5)], "and 2 more"),
        ([], "are not listed in 'info/paths.json': 'share/demo.txt'"),
    ],
)
def test_paths_json_is_compared(
    workspace: Path, extension: str, entries: list[tuple[str, bytes, dict[str, Any]]], message: str
) -> None:
    """A difference is a warning with the paths, as conda itself only warns."""
    paths = [paths_entry(path, content) | others for path, content, others in entries]
    listed = tar_member("info/paths.json", json.dumps({"paths": paths, "paths_version": 1}).encode())
    data = package_bytes(extension, info_members=[listed])
    result = checked(written(workspace / f"{STEM}{extension}", data), workspace)
    assert isinstance(result, Package)
    assert message in "".join(result.warnings)
    assert bool(result.warnings) == bool(message)


def test_a_missing_path_is_reported_once(workspace: Path) -> None:
    """A path that is missing from the payload does not count as different as well."""
    paths = [paths_entry("share/demo.txt"), paths_entry("gone")]
    listed = tar_member("info/paths.json", json.dumps({"paths": paths, "paths_version": 1}).encode())
    result = checked(written(workspace / f"{STEM}.conda", conda_bytes(info_members=[listed])), workspace)
    assert [warning.partition(": ")[2] for warning in result.warnings] == ["'gone'"]


def test_a_duplicate_path_is_reported_once(workspace: Path) -> None:
    """A path that the payload has three times is one warning."""
    data = conda_bytes(payload_members=[tar_member("share/a"), *[tar_member("share/b")] * 3])
    result = checked(written(workspace / f"{STEM}.conda", data), workspace)
    assert [warning.partition(": ")[2] for warning in result.warnings] == ["'share/b'"]


def paths_entry(path: str, content: bytes = b"hello\n") -> dict[str, object]:
    """The entry of `paths.json` for a file with this content."""
    digest = hashlib.sha256(content).hexdigest()
    return {"_path": path, "path_type": "hardlink", "sha256": digest, "size_in_bytes": len(content)}


@pytest.mark.parametrize("raw", [b"{", b'{"paths": [5]}'])
def test_paths_json_that_is_none(workspace: Path, raw: bytes) -> None:
    """That, too, is a warning."""
    data = conda_bytes(info_members=[tar_member("info/paths.json", raw)])
    result = checked(written(workspace / f"{STEM}.conda", data), workspace)
    assert "'info/paths.json' is no" in result.warnings[0]


def test_paths_json_that_is_too_large(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not decoded at all."""
    monkeypatch.setattr(limits, "MAX_PATHS_OBJECTS", 1)
    data = conda_bytes(info_members=[tar_member("info/paths.json", b'{"paths": []}')])
    result = checked(written(workspace / f"{STEM}.conda", data), workspace)
    assert "too large to compare" in result.warnings[0]


def test_the_subdir_comes_from_the_index(workspace: Path) -> None:
    """A folder that is called after another known subdir is a warning; any other name means nothing."""
    assert "noarch" in KNOWN_SUBDIRS
    assert checked(package(workspace / "my-64", subdir="linux-64"), workspace).warnings == ()
    result = checked(package(workspace / "osx-64", subdir="linux-64"), workspace)
    assert result.subdir == "linux-64"
    assert "a folder named 'osx-64'" in result.warnings[0]


def test_max_size(workspace: Path) -> None:
    """A package may have that many bytes, and no more."""
    path = package(workspace)
    size = path.stat().st_size
    assert not findings(path, workspace, max_size=size)
    assert "⟨max-size⟩ allows" in findings(path, workspace, max_size=size - 1)


def test_metadata_depth_still_hashes_everything(workspace: Path) -> None:
    """Only the payload is not decoded."""
    data = conda_bytes(payload=b"nonsense")
    path = written(workspace / f"{STEM}.conda", data)
    assert "not a zstd stream" in findings(path, workspace)
    result = checked(path, workspace, depth=ValidationLevel.METADATA)
    assert result.sha256 == hashlib.sha256(data).hexdigest()


def test_links(workspace: Path) -> None:
    """A link is followed inside the workspace, and nowhere else."""
    inside = package(workspace / "real")
    outside = package(workspace.parent / "outside")
    link = workspace / inside.name
    link.symlink_to(inside)
    assert isinstance(checked(link, workspace), Package)
    for target, message in (
        (outside, "outside the workspace"),
        (Path("nowhere"), "is missing or not visible here"),
        (link, "is missing or not visible here"),
    ):
        link.unlink()
        link.symlink_to(target)
        assert message in findings(link, workspace)


def test_what_is_no_regular_file(workspace: Path) -> None:
    """A FIFO or a folder is refused without blocking, and its descriptor is closed."""
    os.mkfifo(workspace / f"{STEM}.conda")
    assert "not a regular file" in findings(workspace / f"{STEM}.conda", workspace)
    (workspace / "a-1-0.conda").mkdir()
    assert "not a regular file" in findings(workspace / "a-1-0.conda", workspace)
    opened = [link.resolve() for link in Path("/proc/self/fd").iterdir()]
    assert [path for path in opened if path.is_relative_to(workspace.resolve())] == []


def test_changed_while_it_is_validated(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash and content would be those of two files."""
    path = package(workspace)
    real = archive.read

    def read_and_change(*arguments: Any, **options: Any) -> archive.Contents:
        with path.open("ab") as file:
            file.write(b"x")
        return real(*arguments, **options)

    monkeypatch.setattr(archive, "read", read_and_change)
    assert "changed while it was validated" in findings(path, workspace)


def test_a_change_shows_even_if_size_and_mtime_are_restored(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was touched during validation has another ctime, so it is invalid."""
    path = package(workspace)
    before = path.stat()
    real = archive.read

    def read_and_touch(*arguments: Any, **options: Any) -> archive.Contents:
        while path.stat().st_ctime_ns == before.st_ctime_ns:  # the clock of a file system has large ticks
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return real(*arguments, **options)

    monkeypatch.setattr(archive, "read", read_and_touch)
    assert "changed while it was validated" in findings(path, workspace)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_unreadable_disk(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operating system's message becomes a finding of that file."""

    def fail(*_: Any, **__: Any) -> archive.Contents:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(archive, "read", fail)
    assert "cannot be read (Input/output error)" in findings(package(workspace), workspace)
