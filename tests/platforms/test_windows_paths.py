"""Patterns and paths as Windows writes them."""

from __future__ import annotations

from pathlib import Path, PurePath, PureWindowsPath
from typing import cast

import pytest

from prefix_upload import globbing
from prefix_upload.settings import Workspace
from prefix_upload.settings.parsers import Context, InputError
from prefix_upload.settings.paths import patterns, relative_to_workspace

FOLDER = PureWindowsPath(r"D:\a\tools\tools")
# As Windows may write it before links, and short names, are resolved.
SHORT = PureWindowsPath(r"C:\RUNNER~1\tools")


def workspace(folder: PurePath) -> Workspace:
    """A job's workspace in this folder, which need not be a path of the system that runs the test."""
    return Workspace(cast("Path", folder), (SHORT,) if folder is FOLDER else ())


INSIDE = {
    "output/**/*.conda": "output/**/*.conda",
    r"output\**\*.conda": "output/**/*.conda",
    r"output\{linux-64,win-64}\*.conda": "output/{linux-64,win-64}/*.conda",
    r"output\[a-m]*.conda": "output/[a-m]*.conda",
    r".\output\a.conda": "output/a.conda",
    r"{output\a,b}.conda": "{output/a,b}.conda",
    r"D:\a\tools\tools\output\*.conda": "output/*.conda",
    "D:/a/tools/tools/output/*.conda": "output/*.conda",
    r"D:\a\tools\tools/output/*.conda": "output/*.conda",
    r"d:\A\Tools\TOOLS\Output\*.conda": "Output/*.conda",
    "/d/a/tools/tools/output/*.conda": "output/*.conda",
    r"C:\RUNNER~1\tools\output\*.conda": "output/*.conda",
}
OUTSIDE = (
    r"C:\a\tools\tools\*.conda",
    r"D:\a\tools\*.conda",
    r"D:\a\tools\tools2\*.conda",
    r"\a\tools\tools\*.conda",
    "/a/tools/tools/*.conda",
    "D:*.conda",
    r"\\server\share\*.conda",
    r"\\?\D:\a\tools\tools\*.conda",
    r"~\*.conda",
    r"output\..\..\*.conda",
)


@pytest.mark.parametrize(("pattern", "expected"), INSIDE.items())
def test_patterns_on_windows(pattern: str, expected: str) -> None:
    """Both separators, drives in any case, Git Bash's spelling of them, and other names of the workspace."""
    assert relative_to_workspace(pattern, workspace(FOLDER)) == expected


@pytest.mark.parametrize("pattern", OUTSIDE)
def test_patterns_outside_the_workspace_on_windows(pattern: str) -> None:
    """Other drives, paths without a drive, shares, and everything that leads upward."""
    with pytest.raises(InputError):
        relative_to_workspace(pattern, workspace(FOLDER))


def test_every_line_may_have_a_drive() -> None:
    """Also lines that exclude, and those after the first."""
    text = "out\\*.conda\nD:\\a\\tools\\tools\\b\\*.conda\n!d:/a/tools/tools/b/left-*"
    parsed = patterns(text, Context(workspace(FOLDER)))
    assert (parsed.include, parsed.exclude) == (("out/*.conda", "b/*.conda"), ("b/left-*",))


@pytest.mark.parametrize("pattern", [r"output\*.conda", r"D:\a\*.conda", "d:/x.conda"])
def test_elsewhere_backslashes_and_colons_are_parts_of_names(pattern: str) -> None:
    """As on Linux, where a backslash escapes."""
    assert relative_to_workspace(pattern, workspace(Path("/work"))) == pattern


def test_braces_cannot_name_a_drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alternative such as `C:` would lead out of the workspace on Windows; elsewhere it is a name."""
    (tmp_path / "C:").mkdir()
    (tmp_path / "C:" / "a.conda").touch()
    assert globbing.expand("C:/*.conda", tmp_path, lambda _: False).names == {"C:/a.conda"}
    monkeypatch.setattr(globbing, "PurePath", PureWindowsPath)
    assert globbing.expand("C:/*.conda", tmp_path, lambda _: False).names == set()
