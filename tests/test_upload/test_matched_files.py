"""What a run makes of the files that its patterns match, and of those that they don't."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from prefix_upload.commands.upload import upload
from prefix_upload.status import Status
from support import building

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prefix_upload.report import Report
    from support.publishing import MakeRun


@pytest.fixture
def publish(make_run: MakeRun) -> Callable[[str], Report]:
    """Publishes what a pattern matches."""

    def run(glob: str) -> Report:
        started = make_run(glob=glob)
        upload(started)
        return started.report()

    return run


def statuses(report: Report) -> dict[str, Status]:
    """By relative path."""
    return {outcome.file.label: outcome.status for outcome in report.outcomes}


@pytest.mark.parametrize("link", ["aaa-latest.conda", "zzz-latest.conda"])
@pytest.mark.parametrize("make", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_a_link_of_another_name(
    publish: Callable[[str], Report], workspace: Path, link: str, make: Callable[[Path, Path], None]
) -> None:
    """The package is published once, and a warning names the link."""
    path = building.package(workspace)
    make(path, workspace / link)
    report = publish("**/*.conda")
    assert statuses(report) == {path.name: Status.UPLOADED}
    (outcome,) = report.outcomes
    assert outcome.file.warnings  # type: ignore[union-attr]


def test_a_folder_that_cannot_be_read(
    publish: Callable[[str], Report], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is published, with a warning that names it."""
    path = building.package(workspace / "noarch")
    building.package(workspace / "linux-64", "native", subdir="linux-64")
    scandir = os.scandir

    def refuse(folder: Path) -> Any:
        if folder == workspace / "linux-64":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    report = publish("**/*.conda")
    assert statuses(report) == {f"noarch/{path.name}": Status.UPLOADED}
    (warning,) = report.warnings
    assert (warning.title, "'linux-64'" in warning.message) == ("Folders not searched", True)


def test_packages_in_a_folder_of_failed_builds(publish: Callable[[str], Report], workspace: Path) -> None:
    """They are left out, with a warning that names them."""
    path = building.package(workspace / "noarch")
    broken = building.package(workspace / "broken", "failed")
    report = publish("**/*.conda")
    assert statuses(report) == {f"noarch/{path.name}": Status.UPLOADED}
    (warning,) = report.warnings
    assert warning.title == "Packages left out"
    assert f"'broken/{broken.name}'" in warning.message
    assert warning.hint.endswith("To silence this warning, add '!broken'.")
    assert not publish("**/*.conda\n!broken").warnings


def test_a_linked_folder_outside_the_workspace(publish: Callable[[str], Report], workspace: Path) -> None:
    """It is not followed, with a warning that names it."""
    path = building.package(workspace / "noarch")
    building.package(workspace.parent / "elsewhere", "other")
    (workspace / "link").symlink_to(workspace.parent / "elsewhere")
    report = publish("**/*.conda")
    assert statuses(report) == {f"noarch/{path.name}": Status.UPLOADED}
    (warning,) = report.warnings
    assert (warning.title, "'link'" in warning.message) == ("Links not followed", True)


def test_a_renamed_copy(publish: Callable[[str], Report], workspace: Path) -> None:
    """It can't get the name that the metadata give it, if the original is beside it."""
    original = building.package(workspace)
    building.written(workspace / "copy-1.0-h0_0.conda", original.read_bytes())
    (copy,) = (
        outcome.error for outcome in publish("*.conda").outcomes if outcome.error and "copy" in outcome.file.label
    )
    assert f"its name should be '{original.name}'" in copy.message
    assert "A file with that name exists beside it: delete this one" in copy.hint


def test_the_remedy_fits_the_file(publish: Callable[[str], Report], workspace: Path) -> None:
    """Rebuilding doesn't help against a log file, two files of one name, a new name, or a wrong extension."""
    building.package(workspace / "a")
    building.package(workspace / "b", content="other\n")
    building.package(workspace, "tool").rename(workspace / "tool.conda")
    building.written(workspace / "build.log", b"log")
    building.package(workspace, "shout").rename(workspace / "shout-1.0-h0_0.CONDA")
    content = (workspace / "shout-1.0-h0_0.CONDA").read_bytes()
    building.written(workspace / "shout-1.0-h0_0.conda.gz", content)
    building.written(workspace / "shout-1.0-h0_0.tar.bz2", content)
    report = publish("**/*")
    hints = {outcome.file.label: outcome.error.hint for outcome in report.outcomes if outcome.error}
    assert "Rename the file" in hints["tool.conda"]
    assert "not meant for a channel" in hints["build.log"]
    assert "Extensions are lower case" in hints["shout-1.0-h0_0.CONDA"]
    assert "decompress it" in hints["shout-1.0-h0_0.conda.gz"]
    assert "was a '.conda' file renamed" in hints["shout-1.0-h0_0.tar.bz2"]
    assert {hints[label] for label in hints if label.startswith(("a/", "b/"))} == {
        "Decide which one to publish, and exclude the other with a '!' line in ⟨glob⟩."
    }
    assert not any("ebuild" in hint for hint in hints.values())
