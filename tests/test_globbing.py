from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest
from wcmatch import glob

from prefix_upload.discovery import Found, find
from prefix_upload.patterns import Patterns

if TYPE_CHECKING:
    from pathlib import Path


def touch(workspace: Path, *names: str) -> None:
    """Files with these names, each with the folders above it."""
    for name in names:
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(name)


def found(workspace: Path, *include: str, exclude: tuple[str, ...] = ()) -> Found:
    """What the patterns find."""
    return find(Patterns(include, exclude), workspace)


def names(workspace: Path, *include: str, exclude: tuple[str, ...] = ()) -> list[str]:
    """The first path to each file, relative to the workspace."""
    return [path.relative_to(workspace).as_posix() for path, *_ in found(workspace, *include, exclude=exclude).files]


@pytest.mark.parametrize(
    ("pattern", "function", "refused", "files", "unreadable"),
    [
        ("**/*.conda", "scandir", "out/locked", ["out/open/a.conda"], "out/locked"),
        ("**/*.conda", "stat", "out/locked", ["out/open/a.conda"], "out"),
        ("out/*/*.conda", "scandir", "out/locked", ["out/open/a.conda"], "out/locked"),
        ("out/locked/*.conda", "scandir", "out/locked", [], "out/locked"),
        ("out/locked/b.conda", "stat", "out/locked/b.conda", [], "out/locked"),
    ],
)
def test_a_folder_that_cannot_be_read(
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    function: str,
    refused: str,
    files: list[str],
    unreadable: str,
) -> None:
    """It is reported, as what is in it may be missing, and the others are searched. An excluded one is not."""
    touch(workspace, "out/locked/b.conda", "out/open/a.conda")
    real = getattr(os, function)

    def refuse(path: Any, **options: Any) -> Any:
        if str(path) == str(workspace / refused):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, **options)

    monkeypatch.setattr(os, function, refuse)
    matches = found(workspace, pattern)
    assert matches.unreadable == (unreadable,)
    assert not found(workspace, pattern, exclude=(f"{unreadable}/**",)).unreadable
    assert [path.relative_to(workspace).as_posix() for path, *_ in matches.files] == files


def test_any_folders_include_linked_ones(workspace: Path) -> None:
    """A linked folder is entered, once, and its own path comes before that of the link."""
    touch(workspace, ".cache/out/a.conda", "real/b.conda")
    (workspace / "first").symlink_to(".cache/out")
    (workspace / "second").symlink_to(workspace / ".cache" / "out")
    (workspace / "a-link").symlink_to("real")
    assert names(workspace, "**/*.conda") == ["first/a.conda", "real/b.conda"]


def test_links_in_a_circle(workspace: Path) -> None:
    """Each folder is entered once, however many links lead back to it."""
    touch(workspace, "a/b/c.conda")
    (workspace / "a" / "b" / "up").symlink_to("..")
    (workspace / "a" / "b" / "top").symlink_to(workspace)
    (workspace / "a" / "self").symlink_to("self")
    assert names(workspace, "**/*.conda") == ["a/b/c.conda"]
    assert names(workspace, "**/**/*.conda") == ["a/b/c.conda"]


def test_links_out_of_the_workspace(workspace: Path) -> None:
    """They are not followed, and reported unless they are excluded."""
    touch(workspace.parent / "elsewhere", "a.conda")
    touch(workspace, "b.conda")
    (workspace / "link").symlink_to(workspace.parent / "elsewhere")
    result = found(workspace, "**/*.conda")
    assert result.files == ((workspace / "b.conda",),)
    assert result.outside == ("link",)
    assert found(workspace, "**/*.conda", exclude=("link",)).outside == ()


@pytest.mark.parametrize("folder", ["broken", "bld"])
def test_folders_that_are_left_out(workspace: Path, folder: str) -> None:
    """Builds keep there what failed or is unfinished: packages in them are reported, and other files ignored."""
    touch(workspace, "out/a.conda", f"out/{folder}/b.conda", f"out/{folder}/deep/c.tar.bz2", f"out/{folder}/log.txt")
    result = found(workspace, "**/*", "out/**")
    assert [path.name for (path,) in result.files] == ["a.conda"]
    assert result.left_out == (f"out/{folder}/b.conda", f"out/{folder}/deep/c.tar.bz2")
    assert result.unmatched == ()


@pytest.mark.parametrize(
    "pattern", ["out/broken/*.conda", "**/broken/*.conda", "**/broken/**/*.conda", "out/{broken,bld}/**", "broken/../x"]
)
def test_folders_that_the_pattern_names(workspace: Path, pattern: str) -> None:
    """They are entered, since that is what the pattern asks for."""
    touch(workspace, "out/broken/b.conda")
    result = found(workspace, pattern)
    assert result.left_out == ()
    assert len(result.files) == (0 if ".." in pattern else 1)


def test_a_named_folder_is_entered_at_any_depth(workspace: Path) -> None:
    """A pattern that names a folder also means those of this name below it."""
    touch(workspace, "broken/deep/broken/a.conda")
    assert names(workspace, "broken/**/*.conda") == ["broken/deep/broken/a.conda"]


def test_one_pattern_finds_what_another_leaves_out(workspace: Path) -> None:
    """Nothing is reported that is published, or excluded."""
    touch(workspace, "broken/a.conda", "broken/b.conda")
    result = found(workspace, "**/*.conda", "broken/a.conda")
    assert result.files == ((workspace / "broken" / "a.conda",),)
    assert result.left_out == ("broken/b.conda",)
    assert found(workspace, "**/*.conda", exclude=("**/broken",)).left_out == ()
    assert found(workspace, "**/*.conda", exclude=("broken/*",)).left_out == ()


def test_a_link_to_a_folder_that_is_left_out(workspace: Path) -> None:
    """Another name doesn't make a failed package a good one."""
    touch(workspace, "broken/deep/a.conda")
    (workspace / "fine").symlink_to("broken/deep")
    result = found(workspace, "**/*.conda")
    assert result.files == ()
    assert result.left_out == ("broken/deep/a.conda",)
    (workspace / "links").mkdir()
    (workspace / "links" / "fine").symlink_to("../broken/deep")
    assert found(workspace, "links/**/*.conda").left_out == ("links/fine/a.conda",)


def test_every_path_to_a_file(workspace: Path) -> None:
    """Which of them is its name depends on its metadata."""
    touch(workspace, "b.conda")
    (workspace / "a.conda").symlink_to("b.conda")
    os.link(workspace / "b.conda", workspace / "c.conda")
    paths = tuple(workspace / name for name in ("b.conda", "a.conda", "c.conda"))
    assert found(workspace, "b.*", "*.conda").files == (paths,)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a\\*b.conda", ["a*b.conda"]),
        ("a[*]b.conda", ["a*b.conda"]),
        ("[[]x].conda", ["[x].conda"]),
        ("\\[x\\].conda", ["[x].conda"]),
        ("./out/./d.conda", ["out/d.conda"]),
        ("out//d.conda", ["out/d.conda"]),
        ("out/", []),
        ("/out/d.conda", []),
        ("out/../a*b.conda", []),
        ("a*b.conda/x", []),
        ("**/.hidden/*", [".hidden/e.conda"]),
        ("**/.*", []),
        ("**", ["[x].conda", "a*b.conda", "out/d.conda"]),
        ("**/out/**/*", ["out/d.conda"]),
    ],
)
def test_patterns(workspace: Path, pattern: str, expected: list[str]) -> None:
    """Escapes and sets are for one name; nothing above the workspace is found."""
    touch(workspace, "a*b.conda", "[x].conda", "out/d.conda", ".hidden/e.conda")
    assert sorted(names(workspace, pattern)) == expected


def test_exclusions_are_compiled_once(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of them are as fast as one, for any number of files."""
    compiled = []
    compile_patterns = glob.compile

    def counting(patterns: list[str], **options: Any) -> Any:
        compiled.append(len(patterns))
        return compile_patterns(patterns, **options)

    monkeypatch.setattr(glob, "compile", counting)
    monkeypatch.delattr(glob, "globmatch")
    touch(workspace, *(f"{number}.conda" for number in range(20)))
    exclude = tuple(f"{number}.conda" for number in range(1, 600))
    assert names(workspace, "*.conda", "**/*.conda", exclude=exclude) == ["0.conda"]
    assert compiled == [599]
