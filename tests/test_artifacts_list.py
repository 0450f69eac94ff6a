from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING

import pytest

from prefix_upload.github.artifacts_list import MAX_ARTIFACTS
from prefix_upload.github.log import Log
from prefix_upload.github.results import publish_results
from prefix_upload.report import Outcome, Report
from prefix_upload.status import Status
from support.building import conda_bytes, index_of, package, written
from support.packages import make_package
from support.workflow_commands import POISON, annotated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localchannel import LocalChannel
    from support.action import Action

# A runner that does not give later steps an empty list may read what this step lists.
_READ = {"GITHUB_ARTIFACTS_LIST": ""}


def read_by_the_runner(text: str, workspace: Path, earlier: Mapping[str, str] | None = None) -> dict[str, str]:
    """The subjects of a job by name, with their digests (actions/runner, CreateArtifactsFileCommand).

    Fails where the runner fails the step.
    """
    assert len(text.encode()) <= 1024 * 1024
    subjects = dict(earlier or {})
    for line in map(str.strip, re.split("\r\n|\r|\n", text)):
        if line == "" or line.startswith("#"):
            continue
        assert "=" not in line
        assert "://" not in line
        path = workspace / line
        digest = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        assert subjects.setdefault(path.name, digest) == digest, "conflicting digest"
        assert len(subjects) <= 500
    return subjects


def warnings_of(log: str) -> list[str]:
    """The warnings about the list."""
    return [warning.data for warning in annotated(log, "warning") if "list of artifacts" in warning.data]


def subjects_file(path: Path, subjects: Mapping[str, str]) -> Path:
    """The list as later steps read it (actions/runner, ArtifactsListFileCommand)."""
    entries = [{"name": name, "digest": digest, "kind": "file"} for name, digest in subjects.items()]
    return written(path, json.dumps({"version": 1, "subjects": entries}).encode())


@pytest.fixture
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The step's file, as the only one of the runner."""
    for name in [name for name in os.environ if name.startswith("GITHUB_")]:
        monkeypatch.delenv(name)
    path = written(tmp_path / "artifacts", b"")
    monkeypatch.setenv("GITHUB_ARTIFACTS", str(path))
    return path


def publish(*outcomes: Outcome, dry_run: bool = False) -> None:
    """Writes the results of a run with these outcomes."""
    publish_results(Report(channel="octo", outcomes=outcomes, dry_run=dry_run), Log(), with_summary=False)


def uploaded(number: int = 0, **changes: object) -> Outcome:
    """A package that was uploaded."""
    return Outcome(file=make_package(number, **changes), status=Status.UPLOADED)


def test_published_files_are_listed(action: Action, workspace: Path) -> None:
    """By their paths in the workspace, in the first run and in one that finds them on the channel."""
    hashes = {path.name: path for path in (package(workspace / "out"), package(workspace / "out" / "more", "other"))}
    expected = {name: f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for name, path in hashes.items()}
    for _ in range(2):
        finished = action()
        assert finished.artifacts == ["out/demo-1.0-h0_0.conda", "out/more/other-1.0-h0_0.conda"]
        assert read_by_the_runner("\n".join(finished.artifacts), workspace) == expected


@pytest.mark.parametrize("status", Status)
def test_only_what_is_on_the_channel_with_these_bytes_is_listed(artifacts: Path, status: Status) -> None:
    """Packages that were uploaded or overwritten, or were there before."""
    publish(Outcome(file=make_package(), status=status))
    is_listed = status in {Status.UPLOADED, Status.OVERWRITTEN, Status.ALREADY_PRESENT}
    assert artifacts.read_text() == "out/tool-0-1.0-h0_0.conda\n" * is_listed


def test_a_dry_run_lists_nothing(artifacts: Path) -> None:
    """It publishes nothing, so there is nothing to attest."""
    publish(Outcome(file=make_package(), status=Status.ALREADY_PRESENT), dry_run=True)
    assert artifacts.read_text() == ""


def test_lines_are_appended(artifacts: Path) -> None:
    """What is in the file stays."""
    artifacts.write_text("earlier\n")
    publish(uploaded())
    assert artifacts.read_text() == "earlier\nout/tool-0-1.0-h0_0.conda\n"


@pytest.mark.parametrize(
    "folder",
    ["a\nb", "a\rb", "a\u2028b", "a=b", " a", "#a", "\ufeffa", "a\udcffb", "a" * 2100],
    ids=["LF", "CR", "line separator", "equals", "space", "comment", "BOM", "not UTF-8", "long"],
)
def test_paths_that_the_runner_cannot_read(artifacts: Path, capsys: pytest.CaptureFixture[str], folder: str) -> None:
    """They would fail the step after publishing, or list another file: they are left out, and a warning says so."""
    publish(uploaded(0, relative_path=f"{folder}/tool-0-1.0-h0_0.conda"), uploaded(1))
    assert artifacts.read_text() == "out/tool-1-1.0-h0_0.conda\n"
    (warning,) = warnings_of(capsys.readouterr().out)
    assert "can't read a path with '='" in warning
    assert "'subject-checksums'" in warning


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_paths_from_outside(artifacts: Path, poison: str) -> None:
    """A path becomes one line, or none, whatever it contains."""
    path = f"{poison}/tool-0-1.0-h0_0.conda"
    publish(uploaded(0, relative_path=path))
    assert re.split("\r\n|\r|\n", artifacts.read_text()) in ([""], [path, ""])


def test_a_real_path_that_the_runner_cannot_read(action: Action, workspace: Path, server: LocalChannel) -> None:
    """The package is published all the same."""
    package(workspace / "version=1")
    finished = action(_READ)
    assert (finished.exit_code, finished.artifacts) == (0, [])
    assert len(warnings_of(finished.log)) == 1
    assert len(server.files("octo/stable")) == 1


def test_one_name_in_two_subdirs(action: Action, workspace: Path, server: LocalChannel) -> None:
    """The list has one file per name: the first is listed, and a warning names the other."""
    for subdir in ("linux-64", "noarch"):
        content = conda_bytes(index=index_of(subdir=subdir))
        written(workspace / subdir / "demo-1.0-h0_0.conda", content)
    finished = action(_READ)
    assert len(server.files("octo/stable")) == 2
    assert read_by_the_runner("\n".join(finished.artifacts), workspace).keys() == {"demo-1.0-h0_0.conda"}
    (warning,) = warnings_of(finished.log)
    assert "'noarch/demo-1.0-h0_0.conda'" in warning


@pytest.mark.parametrize(
    ("count", "earlier", "warns"), [(500, 0, False), (501, 0, True), (400, 100, False), (400, 101, True)]
)
def test_a_job_lists_at_most_500_files(
    artifacts: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    count: int,
    earlier: int,
    warns: bool,
) -> None:
    """Those that earlier steps listed count; a warning names those left out."""
    listed_before = subjects_file(
        artifacts.with_name("list"), {f"file-{number}": "sha256:0" for number in range(earlier)}
    )
    monkeypatch.setenv("GITHUB_ARTIFACTS_LIST", str(listed_before))
    publish(*map(uploaded, range(count)))
    assert len(artifacts.read_text().splitlines()) == min(count, MAX_ARTIFACTS - earlier)
    warnings = warnings_of(capsys.readouterr().out)
    assert ["can have 500 files" in warning for warning in warnings] == [True] * warns


@pytest.mark.parametrize(("digest", "warns"), [("0" * 64, False), ("f" * 64, True)], ids=["same", "other"])
def test_a_file_that_an_earlier_step_listed(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], digest: str, warns: bool
) -> None:
    """The same file is not listed again; another one of that name would fail the step."""
    before = subjects_file(artifacts.with_name("list"), {"tool-0-1.0-h0_0.conda": f"sha256:{digest}"})
    monkeypatch.setenv("GITHUB_ARTIFACTS_LIST", str(before))
    publish(uploaded())
    assert artifacts.read_text() == ""
    warnings = warnings_of(capsys.readouterr().out)
    assert ["another file of the same name" in warning for warning in warnings] == [True] * warns


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"subjects": [1]}', b'{"subjects": 1}', b"\xff"])
def test_a_list_of_another_form(artifacts: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Whatever is in the list of the earlier steps, the packages are listed."""
    monkeypatch.setenv("GITHUB_ARTIFACTS_LIST", str(written(artifacts.with_name("list"), content)))
    publish(uploaded())
    assert artifacts.read_text() == "out/tool-0-1.0-h0_0.conda\n"


def test_a_file_that_cannot_be_written(action: Action, workspace: Path) -> None:
    """The packages are published and the run succeeds, with a warning that says what to do."""
    package(workspace / "out")
    finished = action({**_READ, "GITHUB_ARTIFACTS": str(workspace)})
    assert finished.exit_code == 0
    (warning,) = warnings_of(finished.log)
    assert warning.startswith(f"Could not write the list of artifacts to {workspace}")
    assert "'subject-checksums'" in warning


@pytest.mark.parametrize("value", [None, ""])
def test_a_runner_without_a_list(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str | None
) -> None:
    """Nothing is written, and nothing is said about packages that would not be in it."""
    monkeypatch.delenv("GITHUB_ARTIFACTS") if value is None else monkeypatch.setenv("GITHUB_ARTIFACTS", value)
    publish(*map(uploaded, range(MAX_ARTIFACTS + 1)))
    assert artifacts.read_text() == ""
    assert warnings_of(capsys.readouterr().out) == []


def test_a_runner_that_ignores_the_list(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It gives later steps an empty file, so nothing that could not be listed is missed."""
    monkeypatch.setenv("GITHUB_ARTIFACTS_LIST", str(written(artifacts.with_name("list"), b"")))
    publish(*map(uploaded, range(MAX_ARTIFACTS + 1)))
    assert len(artifacts.read_text().splitlines()) == MAX_ARTIFACTS
    assert warnings_of(capsys.readouterr().out) == []


def test_nothing_to_list_and_nowhere_to_list_it(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A warning would have nothing to warn about."""
    monkeypatch.setenv("GITHUB_ARTIFACTS", str(artifacts.parent))
    publish(Outcome(file=make_package(), status=Status.SKIPPED))
    assert warnings_of(capsys.readouterr().out) == []
