from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from prefix_upload.package.formats import ValidationLevel
from prefix_upload.package.model import Package
from prefix_upload.package.validate import ValidationOptions, check
from support.building import STEM, index_of, package_bytes, tar_member, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OUTSIDE = [
    "../evil",
    "share/../../evil",
    "share/..",
    "/etc/cron.d/evil",
    "\\evil",
    "\\\\server\\share\\evil",
    "C:\\evil",
    "c:evil",
    "share\\..\\..\\evil",
]
INSIDE = [
    "share/..demo",
    "share/demo..",
    "share/...",
    "ab:c",
    ".hidden",
    "share/with space",
    "caf\u00e9",
    "site-packages/demo",
]


@pytest.fixture(params=[".conda", ".tar.bz2"])
def result(request: pytest.FixtureRequest, workspace: Path) -> Callable[..., Any]:
    """What becomes of a package, in either format, with such a member of `info/`."""

    def validated(name: str, content: bytes, **index: object) -> Any:
        data = package_bytes(request.param, info_members=[tar_member(name, content)], index=index_of(STEM, **index))
        path = written(workspace / f"{STEM}{request.param}", data)
        return check([path], ValidationOptions(workspace, ValidationLevel.METADATA, None))

    return validated


def paths_json(*paths: str) -> bytes:
    """A list of these paths, and nothing wrong with it otherwise."""
    entries = [{"_path": path, "path_type": "hardlink", "sha256": "0" * 64, "size_in_bytes": 0} for path in paths]
    return json.dumps({"paths": entries, "paths_version": 1}).encode()


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_listed_path_outside_the_environment(result: Callable[..., Any], path: str) -> None:
    """Clients join the path to the environment's, and not all of them check the result."""
    for name, content in (("info/paths.json", paths_json(path)), ("info/files", f"a\n{path}\nb\n".encode())):
        (finding,) = result(name, content).findings
        assert f"{name!r} would install files outside the environment: " in finding
        assert repr(path) in finding


@pytest.mark.parametrize("path", INSIDE)
def test_a_listed_path_inside_the_environment(result: Callable[..., Any], path: str) -> None:
    """Dots and colons alone are harmless."""
    for name, content in (("info/paths.json", paths_json(path)), ("info/files", f"a\n{path}\nb\n".encode())):
        assert isinstance(result(name, content), Package)


@pytest.mark.parametrize(
    "content",
    [
        b'{"paths": [{"_path": "a", "_path": "../evil"}], "paths_version": 1}',
        b'{"paths": [{"_path": "../evil", "_path": "a"}], "paths_version": 1}',
        b'{"paths": [{"\\u005fpath": "..\\u002fevil"}], "paths_version": 1}',
        b'{"paths": [{"_p\\u0061th" : "../evil"}], "paths_version": 2}',
        b'{"paths": [{"_path":\n"\\/evil"}]}',
        b'{"paths": [], "paths": [{"_path": "../evil"}]}',
        b'{"paths": [{"_path": "a\\u0000b"}]}',
    ],
)
def test_paths_json_is_searched_however_it_is_written(result: Callable[..., Any], content: bytes) -> None:
    """Escapes, duplicate keys and versions that this action doesn't know hide no path from it."""
    assert "outside the environment" in "".join(result("info/paths.json", content).findings)


@pytest.mark.parametrize("content", [b"a\r../evil\r", b"  ../evil\n", b"\t/evil\n", b"a\r\n/evil\r\n", b"/evil"])
def test_lines_of_files_are_read_as_clients_do(result: Callable[..., Any], content: bytes) -> None:
    """They strip white space, and conda takes a carriage return for the end of a line."""
    assert "outside the environment" in "".join(result("info/files", content).findings)


def link_json(*entry_points: object) -> bytes:
    """Metadata of a package with entry points."""
    noarch = {"type": "python", "entry_points": list(entry_points)}
    return json.dumps({"noarch": noarch, "package_metadata_version": 1}).encode()


@pytest.mark.parametrize("name", ["info/link.json", "info/package_metadata.json"])
@pytest.mark.parametrize(
    "command", ["../evil", "/etc/evil", "a/b", "..\\evil", "a\\b", "c:evil", "..", ".", "", " ", "a\0b", "a = ../evil"]
)
def test_a_command_outside_the_environment(result: Callable[..., Any], name: str, command: str) -> None:
    """Clients put `bin/` before the command and create that file."""
    (finding,) = result(name, link_json("good = demo:main", f"{command} = demo:main")).findings
    assert f"{name!r} has entry points that are not the name of a command" in finding


def test_commands(result: Callable[..., Any]) -> None:
    """Names of commands, with the dots and hyphens that real ones have."""
    entry_points = ["demo = demo.cli:main", "demo-3.13=demo:main", "d_e.mo = demo : main"]
    package = result("info/link.json", link_json(*entry_points))
    assert isinstance(package, Package)
    assert package.warnings == ()


@pytest.mark.parametrize("entry_point", ["demo", "demo = demo", "demo:main", "demo = 1x:main", "demo = a:b c"])
def test_entry_points_that_clients_cannot_parse(result: Callable[..., Any], entry_point: str) -> None:
    """Nothing is installed outside, but the command is missing or the installation fails."""
    package = result("info/link.json", link_json(entry_point))
    assert isinstance(package, Package)
    assert "can't parse these entry points in 'info/link.json', which should be" in package.warnings[0]
    assert repr(entry_point) in package.warnings[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not valid JSON"),
        (b'{"noarch": {"entry_points": "a = b:c"}}', "not a list of entry points"),
        (b'{"noarch": {"entry_points": [5]}}', "not a list of entry points"),
        (b'{"noarch": {}, "noarch": {"entry_points": ["../a = b:c"]}}', "duplicate key"),
    ],
)
def test_link_json_that_clients_read_otherwise(result: Callable[..., Any], content: bytes, message: str) -> None:
    """What can't be read reliably can't be checked."""
    assert message in "".join(result("info/link.json", content).findings)


@pytest.mark.parametrize("content", [b"{}", b'{"noarch": null}', b'{"noarch": {"type": "generic"}}'])
def test_link_json_without_entry_points(result: Callable[..., Any], content: bytes) -> None:
    """As in most packages."""
    assert isinstance(result("info/link.json", content), Package)


@pytest.mark.parametrize("path", ["../site-packages", "/usr/lib/python3", "C:\\lib"])
def test_site_packages_outside_the_environment(result: Callable[..., Any], path: str) -> None:
    """A Python decides where noarch packages are installed (CEP 17)."""
    (finding,) = result("info/about.json", b"{}", python_site_packages_path=path).findings
    assert "python_site_packages_path" in finding


def test_lists_that_are_not_regular_files(workspace: Path) -> None:
    """Clients would follow a link and read something that was not checked."""
    link = tar_member("info/link.json", b"", kind=b"2")
    path = written(workspace / f"{STEM}.conda", package_bytes(".conda", info_members=[link]))
    result = check([path], ValidationOptions(workspace, ValidationLevel.FULL, None))
    assert "'info/link.json' is not a regular file" in result.findings  # type: ignore[union-attr]
