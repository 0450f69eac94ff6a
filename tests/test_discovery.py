from __future__ import annotations

import os
from pathlib import Path

import pytest

from prefix_upload.discovery import find
from prefix_upload.patterns import Patterns, has_too_many_alternatives


def touch(workspace: Path, *names: str) -> None:
    """Files with these names."""
    for name in names:
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(name)


def names(workspace: Path, *include: str, exclude: tuple[str, ...] = ()) -> list[str]:
    """What the patterns find, relative to the workspace."""
    found = find(Patterns(include, exclude), workspace)
    return [path.relative_to(workspace).as_posix() for path, *_ in found.files]


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (["*.conda"], [], ["a.conda"]),
        (["**/*.conda"], [], ["a.conda", "out/b.conda", "out/deep/c.conda"]),
        (["out/**"], [], ["out/b.conda", "out/deep/c.conda", "out/log.txt"]),
        (["out/{b,deep/c}.conda"], [], ["out/b.conda", "out/deep/c.conda"]),
        (["?.conda", "out/[a-c].conda"], [], ["a.conda", "out/b.conda"]),
        (["out/*", "*.conda"], [], ["out/b.conda", "out/log.txt", "a.conda"]),
        (["**/*.conda"], ["out/deep"], ["a.conda", "out/b.conda"]),
        (["**/*.conda"], ["**/{b,c}.conda"], ["a.conda"]),
        (["**/*.conda"], ["out/**"], ["a.conda"]),
        ([".pixi/*.conda"], [], [".pixi/cache.conda"]),
        (["{..,out}/*.conda"], [], ["out/b.conda"]),
        (["dist"], [], []),
    ],
)
def test_patterns(workspace: Path, include: list[str], exclude: list[str], expected: list[str]) -> None:
    """Order of the patterns, sorted within one; folders, hidden folders and the outside left out."""
    touch(workspace, "a.conda", "out/b.conda", "out/deep/c.conda", "out/log.txt", ".pixi/cache.conda", "dist/x")
    touch(workspace.parent, "outside.conda")
    assert names(workspace, *include, exclude=tuple(exclude)) == expected


def test_exclude_patterns_match_hidden_files(workspace: Path) -> None:
    """A wildcard of an exclude pattern matches hidden names; one of an include pattern does not."""
    touch(workspace, ".pixi/cache.conda", ".pixi/deep/b.conda")
    assert names(workspace, ".pixi/**", exclude=("**/cache.conda",)) == [".pixi/deep/b.conda"]


@pytest.mark.parametrize("name", ["log.txt", "link.conda"])
def test_a_link_whose_target_cannot_be_looked_at(workspace: Path, name: str) -> None:
    """It is found like a broken link, whatever the error is; validation says what is wrong with it."""
    (workspace / name).symlink_to("x" * 300)  # more than a file system allows
    assert names(workspace, "*") == [name]


def test_absolute_alternatives_find_nothing(workspace: Path) -> None:
    """An absolute path in braces does not match files outside the workspace."""
    touch(workspace, "out/b.conda")
    touch(workspace.parent, "outside.conda")
    assert names(workspace, f"{{{workspace.parent},out}}/*.conda") == ["out/b.conda"]


def test_special_characters_can_be_escaped(workspace: Path) -> None:
    """An escaped special character matches itself, even if the pattern has braces."""
    touch(workspace, "a[1].conda", "a1.conda", "b[1].conda")
    assert names(workspace, r"{a,b}\[1\].conda") == ["a[1].conda", "b[1].conda"]


def test_a_file_is_found_once(workspace: Path) -> None:
    """Two patterns, a symbolic and a hard link lead to one file."""
    touch(workspace, "a.conda")
    (workspace / "b.conda").symlink_to("a.conda")
    os.link(workspace / "a.conda", workspace / "c.conda")
    assert names(workspace, "b.*", "*.conda") == ["b.conda"]


def test_what_is_no_file_is_left_to_validation(workspace: Path) -> None:
    """Dangling links, FIFOs and folders that are named like packages are found, to be refused with a reason."""
    (workspace / "folder.conda").mkdir()
    (workspace / "link.conda").symlink_to("nowhere")
    (workspace / "same.conda").symlink_to("folder.conda")
    os.mkfifo(workspace / "fifo.conda")
    assert names(workspace, "*.conda") == ["fifo.conda", "folder.conda", "link.conda", "same.conda"]


def test_names_that_are_not_utf8(workspace: Path) -> None:
    """They are found like any other."""
    Path(os.fsdecode(os.fsencode(workspace) + b"/caf\xe9.conda")).write_text("x")
    assert names(workspace, "*.conda") == ["caf\udce9.conda"]


def test_patterns_without_a_match_are_told(workspace: Path) -> None:
    """In the words of the workflow."""
    touch(workspace, "a.conda")
    assert find(Patterns(("*.conda", "{b,c}.conda"), ()), workspace).unmatched == ("{b,c}.conda",)


def test_many_alternatives(workspace: Path) -> None:
    """The limit of a thousand alternatives applies to each pattern separately."""
    touch(workspace, "1.conda", "2.conda", "999.conda", "1000.conda")
    exclude = ("{2..1001}.conda", "{1001..2000}.conda")
    assert names(workspace, "{1..1000}.conda", exclude=exclude) == ["1.conda"]


@pytest.mark.parametrize(
    ("pattern", "is_too_much"),
    [("{1..1000}.conda", False), ("{1..1001}.conda", True), ("{1..100}{1..100}.conda", True), ("*" * 2000, False)],
)
def test_patterns_without_bound(pattern: str, is_too_much: bool) -> None:
    """Braces that stand for too many patterns are found out without expanding them all."""
    assert has_too_many_alternatives(pattern) is is_too_much
