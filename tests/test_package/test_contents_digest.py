"""What two packages have to have in common to be the same contents."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from prefix_upload.package import validate
from prefix_upload.package.archive import limits
from prefix_upload.package.contents_digest import Difference, UnreadableContentsError, difference, read_local
from prefix_upload.package.formats import ValidationLevel
from prefix_upload.package.model import Package
from support.building import STEM, built, index_of, package_bytes, tar_header, tar_member, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Package]

MODE, OWNER, TIME = 100, 108, 136
TEXT = tar_member("share/demo.txt", b"hello\n")
TOOL = tar_member("bin/tool", b"#!/bin/sh\n")
LINK = tar_member("share/link", b"", kind=tarfile.SYMTYPE, target="demo.txt")
ABOUT = tar_member("info/about.json", b'{"license": "MIT"}')
RUN_EXPORTS = tar_member("info/run_exports.json", b'{"weak": ["demo >=1"]}')
ENTRY_POINTS = tar_member("info/link.json", b'{"noarch": {"type": "python", "entry_points": ["demo = demo:main"]}}')
INFO = [ABOUT, RUN_EXPORTS, ENTRY_POINTS]
PAYLOAD = [TEXT, TOOL, LINK]
INDEX = index_of(STEM, depends=["other >=1"], timestamp=1)


@pytest.fixture(params=[".conda", ".tar.bz2"])
def extension(request: pytest.FixtureRequest) -> str:
    """A package format."""
    return str(request.param)


@pytest.fixture
def make(workspace: Path, extension: str) -> Make:
    """Validated packages, each in a folder of its own, that differ in these parts."""
    numbers = iter(range(100))

    def validated(
        info: list[bytes] = INFO,
        payload: list[bytes] = PAYLOAD,
        level: ValidationLevel = ValidationLevel.FULL,
        **index: object,
    ) -> Package:
        data = package_bytes(extension, info_members=info, payload_members=payload, index=INDEX | index)
        return checked(written(workspace / str(next(numbers)) / f"{STEM}{extension}", data), workspace, level)

    return validated


def checked(path: Path, workspace: Path, level: ValidationLevel = ValidationLevel.FULL) -> Package:
    package = validate.check([path], validate.ValidationOptions(workspace, level, None))
    assert isinstance(package, Package), package
    return package


def compared(here: Package, there: Package) -> Difference:
    return difference(read_local(here), read_local(there))


@pytest.mark.parametrize("noarch", [True, False], ids=["noarch", "native"])
def test_two_builds_of_a_recipe_have_the_same_contents(workspace: Path, extension: str, noarch: bool) -> None:
    """rattler-build writes other bytes each time."""
    first, second = (
        checked(built(workspace / name, noarch=noarch, extension=extension), workspace) for name in ("first", "second")
    )
    assert first.sha256 != second.sha256
    assert not compared(first, second)


DIFFERENCES: dict[str, tuple[dict[str, Any], Difference]] = {
    "one byte": (
        {"payload": [tar_member("share/demo.txt", b"hellO\n"), TOOL, LINK]},
        Difference(changed=("share/demo.txt",)),
    ),
    "mode": ({"payload": [TEXT, tar_header(TOOL, mode=(MODE, b"0000755\0")), LINK]}, Difference(changed=("bin/tool",))),
    "link target": (
        {"payload": [TEXT, TOOL, tar_member("share/link", b"", kind=tarfile.SYMTYPE, target="./demo.txt")]},
        Difference(changed=("share/link",)),
    ),
    "a link instead of a file": (
        {"payload": [TEXT, tar_member("bin/tool", b"", kind=tarfile.SYMTYPE, target="x"), LINK]},
        Difference(changed=("bin/tool",)),
    ),
    "a hard link instead of a symbolic one": (
        {"payload": [TEXT, TOOL, tar_member("share/link", b"", kind=tarfile.LNKTYPE, target="share/demo.txt")]},
        Difference(changed=("share/link",)),
    ),
    "a file more": ({"payload": [*PAYLOAD, tar_member("share/more")]}, Difference(missing=("share/more",))),
    "an empty folder more": (
        {"payload": [*PAYLOAD, tar_member("empty/", b"", kind=tarfile.DIRTYPE)]},
        Difference(missing=("empty/",)),
    ),
    "a file less": ({"payload": [TEXT, LINK]}, Difference(added=("bin/tool",))),
    "a file twice": (
        {"payload": [tar_member("share/demo.txt", b"old\n"), *PAYLOAD]},
        Difference(changed=("share/demo.txt",)),
    ),
    "a renamed file": (
        {"payload": [tar_member("share/other.txt", b"hello\n"), TOOL, LINK]},
        Difference(added=("share/demo.txt",), missing=("share/other.txt",)),
    ),
    "depends": ({"depends": ["other >=2"]}, Difference(changed=("info/index.json",))),
    "a field more": ({"arch": None}, Difference(changed=("info/index.json",))),
    "license": (
        {"info": [tar_member("info/about.json", b'{"license": "BSD"}'), RUN_EXPORTS, ENTRY_POINTS]},
        Difference(changed=("info/about.json",)),
    ),
    "run_exports": (
        {"info": [ABOUT, tar_member("info/run_exports.json", b'{"weak": []}'), ENTRY_POINTS]},
        Difference(changed=("info/run_exports.json",)),
    ),
    "no run_exports": ({"info": [ABOUT, ENTRY_POINTS]}, Difference(added=("info/run_exports.json",))),
    "an entry point": (
        {
            "info": [
                ABOUT,
                RUN_EXPORTS,
                tar_member("info/link.json", b'{"noarch": {"type": "python", "entry_points": ["demo = demo:run"]}}'),
            ]
        },
        Difference(changed=("info/link.json",)),
    ),
}


@pytest.mark.parametrize(("parts", "expected"), DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_a_difference(make: Make, parts: dict[str, Any], expected: Difference) -> None:
    """Whatever is installed, or read by a client, counts."""
    assert compared(make(), make(**parts)) == expected


SAME: dict[str, dict[str, Any]] = {
    "nothing": {},
    "timestamp": {"timestamp": 2},
    "no timestamp": {"timestamp": None},
    "recipe": {"info": [*INFO, tar_member("info/recipe/recipe.yaml", b"a"), tar_member("info/recipe/a/b", b"b")]},
    "time of a member": {"payload": [tar_header(TEXT, time=(TIME, b"14000000000\0")), TOOL, LINK]},
    "owner of a member": {"payload": [tar_header(TEXT, owner=(OWNER, b"0001750\0")), TOOL, LINK]},
    "order": {"payload": [LINK, TOOL, TEXT], "info": [ENTRY_POINTS, RUN_EXPORTS, ABOUT]},
    "mode of a link": {"payload": [TEXT, TOOL, tar_header(LINK, mode=(MODE, b"0000777\0"))]},
    "spelling of a mode": {"payload": [TEXT, tar_header(TOOL, mode=(MODE, b"   644 \0")), LINK]},
}


@pytest.mark.parametrize("parts", SAME.values(), ids=SAME.keys())
def test_what_does_not_count(make: Make, parts: dict[str, Any]) -> None:
    """What is different between builds, and of no effect."""
    first, second = make(), make(**parts)
    if parts:
        assert first.sha256 != second.sha256
    assert not compared(first, second)


def test_a_list_of_files_that_repeats_a_difference(make: Make) -> None:
    """The payload is named, not what says the same about it."""

    def listing(sha256: str) -> bytes:
        entry = {"_path": "share/demo.txt", "path_type": "hardlink", "sha256": sha256, "size_in_bytes": 6}
        return tar_member("info/paths.json", json.dumps({"paths": [entry], "paths_version": 1}).encode())

    one = make(info=[listing("0" * 64)])
    assert compared(one, make(info=[listing("1" * 64)])) == Difference(changed=("info/paths.json",))
    both = make(info=[listing("1" * 64)], payload=[tar_member("share/demo.txt", b"hellO\n"), TOOL, LINK])
    assert compared(one, both) == Difference(changed=("share/demo.txt",))


def test_the_kind_of_a_member_counts(make: Make) -> None:
    """Even if all else is the same."""
    links = (tar_member("x", b"", kind=kind, target="share/demo.txt") for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE))
    first, second = (make(payload=[TEXT, link]) for link in links)
    assert compared(first, second) == Difference(changed=("x",))


def test_the_formats_of_a_mode(make: Make) -> None:
    """Old writers leave garbage after the number."""
    garbage = make(payload=[TEXT, tar_header(TOOL, mode=(MODE, b"0755\0xyz")), LINK])
    plain = make(payload=[TEXT, tar_header(TOOL, mode=(MODE, b"0000755\0")), LINK])
    assert not compared(garbage, plain)


def test_how_a_difference_reads() -> None:
    """The first few names."""
    found = Difference(changed=("a",), added=("b", "c"), missing=("1", "2", "3", "4"))
    assert found.describe("here", "there") == (
        "'a' differs; 'b', 'c' are only here; '1', '2', '3' and 1 more are only there"
    )


def test_a_package_that_is_read_after_it_changed(make: Make) -> None:
    """Only the bytes that were validated count."""
    package = make()
    package.path.write_bytes(package.path.read_bytes() + b"x")
    with pytest.raises(UnreadableContentsError, match="changed since it was validated"):
        read_local(package)
    package.path.unlink()
    with pytest.raises(UnreadableContentsError, match="cannot be read again"):
        read_local(package)


def test_a_payload_that_was_not_validated(workspace: Path) -> None:
    """With `validate: metadata`, it may be damaged."""
    data = package_bytes(".tar.bz2", payload_members=[tar_member("../evil")])
    path = written(workspace / f"{STEM}.tar.bz2", data)
    package = checked(path, workspace, ValidationLevel.METADATA)
    with pytest.raises(UnreadableContentsError, match="evil"):
        read_local(package)


def test_a_sparse_file(make: Make) -> None:
    """Its map is not part of its data, so nothing is known about its contents."""
    sparse = tar_header(tar_member("share/sparse", bytes(512), kind=b"S"), map=(386, b"00000000000\x0000000001000\0"))
    package = make(payload=[tar_header(sparse, size=(483, b"00000001000\0"))])
    with pytest.raises(UnreadableContentsError, match="sparse"):
        read_local(package)


@pytest.mark.parametrize("limit", ["MAX_COMPARED_MEMBERS", "MAX_COMPARED_NAMES"])
def test_too_many_members(make: Make, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """Memory stays bounded."""
    package = make()
    monkeypatch.setattr(limits, limit, 1)
    with pytest.raises(UnreadableContentsError, match="too many members"):
        read_local(package)
