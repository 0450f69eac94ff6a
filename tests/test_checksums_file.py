from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from localchannel import Answer, Fault, LocalChannel
from prefix_upload.report import Outcome, Report
from prefix_upload.reporting import checksums_file
from prefix_upload.status import Status
from support.building import package
from support.packages import make_package
from support.workflow_commands import annotated

if TYPE_CHECKING:
    from support.action import Action


def report(count: int = 1) -> Report:
    """A run that uploaded so many packages."""
    outcomes = tuple(Outcome(file=make_package(number), status=Status.UPLOADED) for number in range(count))
    return Report(channel="octo", server_url="https://prefix.dev", outcomes=outcomes)


def test_it_has_the_lines_of_the_output(action: Action, workspace: Path) -> None:
    """In a new folder, readable for later steps, and nothing else is left in the workspace."""
    package(workspace / "out")
    before = set(workspace.rglob("*"))
    finished = action(checksums_file="release/new/SHA256SUMS")
    path = workspace / "release" / "new" / "SHA256SUMS"
    assert finished.exit_code == 0
    assert path.read_text() == finished.outputs["checksums"] + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert set(workspace.rglob("*")) - before == {path, path.parent, path.parent.parent}


def test_it_replaces_an_older_one(action: Action, workspace: Path, server: LocalChannel) -> None:
    """A run that publishes nothing leaves an empty file, not the lines of the run before."""
    package(workspace / "out")
    (workspace / "SHA256SUMS").write_text("old\n")
    server.fail(Fault(Answer(403, "no"), path="/upload/"))
    finished = action(checksums_file="SHA256SUMS")
    assert finished.exit_code == 5
    assert (workspace / "SHA256SUMS").read_text() == finished.outputs["checksums"] == ""


def test_a_file_that_cannot_be_written(action: Action, workspace: Path) -> None:
    """The run fails after publishing, because later steps would read nothing; the outputs are there."""
    package(workspace / "out")
    (workspace / "file").write_text("")
    finished = action(checksums_file="file/SHA256SUMS")
    assert finished.exit_code == 5
    (error,) = annotated(finished.log, "error")
    assert "'checksums-file'" in error.data
    assert finished.outputs["uploaded-count"] == "1"
    assert finished.outputs["result"] == "failure"


def test_a_link_that_appears_during_the_run(tmp_path: Path) -> None:
    """It is not followed."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to("elsewhere")
    (error,) = checksums_file.write(report(), tmp_path / "out" / "SHA256SUMS")
    assert "a link leads elsewhere" in error.message
    assert not list((tmp_path / "elsewhere").iterdir())


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    """A device or a pipe is not replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (error,) = checksums_file.write(report(), pipe)
    assert "it is not a regular file" in error.message
    assert pipe.is_fifo()


def test_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the last step fails, the old file is still whole and no temporary one is left."""
    path = tmp_path / "SHA256SUMS"
    path.write_text("old\n")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    (error,) = checksums_file.write(report(), path)
    assert "No space left" in error.message
    assert [(child.name, child.read_text()) for child in tmp_path.iterdir()] == [("SHA256SUMS", "old\n")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_it_belongs_to_the_owner_of_its_folder(tmp_path: Path) -> None:
    """The container runs as root, but a later step has to be able to delete what it leaves."""
    os.chown(tmp_path, 12345, 12346)
    path = tmp_path / "new" / "SHA256SUMS"
    assert not list(checksums_file.write(report(), path))
    assert {(one.stat().st_uid, one.stat().st_gid) for one in (path, path.parent)} == {(12345, 12346)}
