"""Files that are for the same place on a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prefix_upload.package import contents_digest, validate
from prefix_upload.package.batch import check_batch
from prefix_upload.package.formats import ValidationLevel
from prefix_upload.package.model import CandidateFile, Package
from support.building import built, package, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Check = Callable[[Path], Package]


@pytest.fixture
def check(workspace: Path) -> Check:
    """Validates a file."""

    def checked(path: Path) -> Package:
        found = validate.check([path], validate.ValidationOptions(workspace, ValidationLevel.FULL, None))
        assert isinstance(found, Package)
        return found

    return checked


def findings(file: Package | CandidateFile) -> str:
    """Why a file is invalid."""
    assert isinstance(file, CandidateFile)
    return "; ".join(file.findings)


def test_one_place_on_the_channel(workspace: Path, check: Check) -> None:
    """The same bytes are one package, other contents make both invalid; both are named, and what differs."""
    one = check(package(workspace / "a"))
    same = check(written(workspace / "b" / one.file_name, one.path.read_bytes()))
    elsewhere = check(package(workspace / "c", subdir="linux-64"))
    other = check(package(workspace / "d", content="other\n"))
    broken = CandidateFile(relative_path="x", file_name="x", findings=("broken",))
    assert check_batch([one, broken, same, elsewhere]) == [one, broken, elsewhere]
    first, second, third, fourth = check_batch([one, other, elsewhere, same])
    assert third is elsewhere
    for file, culprit in ((first, other), (second, one), (fourth, other)):
        assert findings(file) == (
            f"{culprit.relative_path!r} has the same file name and subdir (noarch), but different contents: "
            "'share/demo.txt' differs"
        )


def test_packages_are_not_read_if_another_file_is_invalid(
    workspace: Path, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is uploaded then, so only the bytes are compared."""
    monkeypatch.setattr(contents_digest, "read_local", None)
    one, other = check(package(workspace / "a")), check(package(workspace / "b", content="other\n"))
    broken = CandidateFile(relative_path="x", file_name="x", findings=("broken",))
    first, second, _ = check_batch([one, other, broken])
    assert findings(first).endswith("but different bytes")
    assert findings(second).endswith("but different bytes")


@pytest.mark.parametrize("extension", [".conda", ".tar.bz2"])
def test_two_builds_of_a_recipe_are_one_package(workspace: Path, check: Check, extension: str) -> None:
    """The first one, with a warning that names the others."""
    one, two, three = (check(built(workspace / name, extension=extension)) for name in "abc")
    copy = check(written(workspace / "d" / one.file_name, one.path.read_bytes()))
    assert len({one.sha256, two.sha256, three.sha256}) == 3
    (kept,) = check_batch([one, copy, two, three])
    assert isinstance(kept, Package)
    assert kept.path == one.path
    *_, warning = kept.warnings
    assert (
        f"another build of it with the same contents is left out: 'b/{one.file_name}', 'c/{one.file_name}'" in warning
    )


def test_a_difference_is_told_from_both_sides(workspace: Path, check: Check) -> None:
    """Each finding says what the file itself has."""
    small = check(package(workspace / "a"))
    large = check(package(workspace / "b", files={"share/more.txt": "more\n"}))
    first, second = check_batch([small, large])
    assert "'share/more.txt' is only in the other file" in findings(first)
    assert "'share/more.txt' is only in this file" in findings(second)


def test_one_of_three_differs(workspace: Path, check: Check) -> None:
    """All are invalid, since it is not known which one is meant."""
    one, two = (check(built(workspace / name)) for name in "ab")
    other = check(package(workspace / "c"))
    first, second, third = check_batch([one, two, other])
    assert findings(first).startswith(f"'c/{one.file_name}' has")
    assert findings(second).startswith(f"'c/{one.file_name}' has")
    assert findings(third).startswith(f"'a/{one.file_name}' has")


def test_contents_that_cannot_be_compared(workspace: Path, check: Check) -> None:
    """The reason is part of the finding."""
    one, two = (check(built(workspace / name)) for name in "ab")
    two.path.write_bytes(b"x")
    for file in check_batch([one, two]):
        assert findings(file).endswith(
            "but different bytes, and the contents could not be compared: the file has changed since it was validated"
        )
