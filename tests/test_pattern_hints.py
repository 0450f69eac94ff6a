from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prefix_upload.patterns import Patterns
from prefix_upload.steps import pattern_hints
from support.workflow_commands import annotated

if TYPE_CHECKING:
    from pathlib import Path

    from support.action import Action

FILES = (
    "output/noarch/a-1-0.conda",
    "output/linux-64/b-1-0.conda",
    "output/log.txt",
    "dist/c-1-0.tar.bz2",
    "mixed/d-1-0.conda",
    "mixed/e-1-0.tar.bz2",
    "Case/f-1-0.conda",
    ".hidden/g-1-0.conda",
)


@pytest.fixture
def checkout(workspace: Path) -> Path:
    """A workspace with packages here and there."""
    (workspace / "empty").mkdir()
    for name in FILES:
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(name)
    return workspace


@pytest.mark.parametrize(
    ("pattern", "advice"),
    [
        (r"output\**\*.conda", "write '/' instead of '\\': 'output/**/*.conda'"),
        (r"output\noarch\a-1-0.conda", "'output/noarch/a-1-0.conda'"),
        (r"output\\noarch\\*.conda", "'output/noarch/*.conda'"),
        (r"D:\a\tools\tools\output\*.conda", "relative to the workspace, with '/'"),
        ("C:/tools/*.conda", "relative to the workspace"),
        (r".*\.conda", "regular expression"),
        ("output", "'output' is a folder: write 'output/**/*.conda'"),
        ("output/noarch", "'output/noarch' is a folder: write 'output/noarch/**/*.conda'"),
        ("output/no*", "'output/no*' matches only folders: write 'output/no*/**/*.conda'"),
        ("dist", "'dist/**/*.tar.bz2'"),
        ("mixed", "'mixed/**/*.{conda,tar.bz2}'"),
        ("empty", "'empty/**/*.conda'"),
        ('"output/**/*.conda"', "contains quotes, which are part of the pattern: write 'output/**/*.conda'"),
        ("'output/**/*.conda'", "contains quotes"),
        ("`output/**/*.conda`", "contains quotes"),
        ("“output/**/*.conda”", "contains quotes"),
        ("output/**/*.conda,", "write each pattern on its own line"),
        ("a/*.conda, b/*.conda", "write each pattern on its own line"),
        ("a/*.conda;b/*.conda", "write each pattern on its own line"),
        ("a/*.conda b/*.conda", "write each pattern on its own line"),
        ("- output/**/*.conda", "is a YAML list"),
        ("['a/*.conda', 'b/*.conda']", "is a YAML list"),
        ('["output/**/*.conda"]', "write 'output/**/*.conda'"),
        ("output/**/*.conda # all", "A comment needs a line of its own"),
        ("output/{noarch, linux-64}/*.conda", "'output/{noarch,linux-64}/*.conda'"),
        ("$OUT/*.conda", "'$OUT' in '$OUT/*.conda' is not expanded: write '${{ env.OUT }}'"),
        ("${OUT}/**/*.conda", "'${OUT}' in"),
        ("$(pwd)/*.conda", "'$(pwd)' in '$(pwd)/*.conda' is not expanded."),
        ("%OUT%/*.conda", "'%OUT%' in"),
        ("${RUNNER_TEMP}/*.conda", "that folder is outside the workspace"),
        ("$HOME/*.conda", "that folder is outside the workspace"),
        ("$GITHUB_SHA/*.conda", "write '${{ github.sha }}'"),
        ("$GITHUB_WORKSPACE/output/*.conda", "variables are not expanded: write 'output/*.conda'"),
        ("output/*.conda", "The packages are in folders below: write 'output/**/*.conda'"),
        ("output/**.conda", "write 'output/**/*.conda'"),
        ("case/*.conda", "Upper and lower case differ: 'case/*.conda' would match 'Case/f-1-0.conda'"),
        ("hidden/*.conda", ""),
        ("*/g-1-0.conda", "spell the dot of a hidden folder, as in '.hidden/g-1-0.conda'"),
        ("noarch/*.conda", "write '**/noarch/*.conda'"),
        ("dist/*.conda", "Did you mean 'dist/*.tar.bz2'?"),
        ("dist/*.tar.gz", "Did you mean 'dist/*.tar.bz2'?"),
        ("dist/c-1-0", "Did you mean 'dist/c-1-0.tar.bz2'?"),
        ("none/{a,b}*.conda", ""),
    ],
)
def test_what_is_mistyped(checkout: Path, pattern: str, advice: str) -> None:
    """Each kind of mistake has its own advice, with the pattern to write where that is known."""
    found = pattern_hints.advice([pattern], Patterns((pattern,), ()), pattern_hints.scan(checkout))
    assert advice in found
    assert bool(advice) == bool(found)


@pytest.mark.parametrize("line", ["output/noarch", "**/a-*", "output/**"])
def test_an_exclusion_that_leaves_nothing(checkout: Path, line: str) -> None:
    """The line is named, with a file that it excludes."""
    patterns = Patterns(("output/noarch/*.conda",), ("dist", line))
    found = pattern_hints.advice(patterns.include, patterns, pattern_hints.scan(checkout))
    assert found == f"The line '!{line}' excludes 'output/noarch/a-1-0.conda'."


def test_the_workspace_is_listed(checkout: Path) -> None:
    """The first few packages, those of hidden folders last, and the number of the others."""
    sentence = pattern_hints.available_packages(pattern_hints.scan(checkout))
    assert sentence.count(".conda'") + sentence.count(".tar.bz2'") == 5
    assert "'Case/f-1-0.conda'" in sentence
    assert ".hidden" not in sentence
    assert sentence.endswith(" and 2 more.")


def test_a_workspace_without_packages(workspace: Path) -> None:
    """The sentence says that nothing was built."""
    (workspace / "log.txt").write_text("x")
    sentence = pattern_hints.available_packages(pattern_hints.scan(workspace))
    assert sentence == "The workspace has no '.conda' or '.tar.bz2' file."


def test_the_scan_is_bounded(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A huge workspace is looked at in part, and the sentence says so; links and `.git` are not entered."""
    (checkout / "loop").symlink_to(".")
    (checkout / ".git").mkdir()
    (checkout / ".git" / "x-1-0.conda").write_text("x")
    assert sorted(pattern_hints.scan(checkout).packages) == sorted(name for name in FILES if name != "output/log.txt")
    monkeypatch.setattr(pattern_hints, "MAX_SCANNED", 3)
    contents = pattern_hints.scan(checkout)
    assert not contents.is_complete
    assert "the first 3 files and folders" in pattern_hints.available_packages(contents)


@pytest.mark.parametrize(("choice", "kind"), [("error", "error"), ("warn", "warning")])
def test_nothing_matches(action: Action, checkout: Path, choice: str, kind: str) -> None:
    """The annotation has the packages of the workspace and the advice."""
    assert checkout.is_dir()
    finished = action(glob=r"output\*.conda", if_no_files_found=choice)
    (one,) = annotated(finished.log, kind)
    assert "The workspace has 'Case/f-1-0.conda'" in one.data
    assert "write '/' instead of '\\'" in one.data


def test_one_pattern_of_two(action: Action, checkout: Path) -> None:
    """A pattern without a match beside others has its advice too."""
    for name in FILES:
        (checkout / name).unlink()
    (checkout / "output" / "noarch" / "x-1.0-0.conda").write_bytes(b"")
    finished = action(glob="output\noutput/noarch/*.conda")
    (warning,) = annotated(finished.log, "warning")
    assert "'output' is a folder" in warning.data
