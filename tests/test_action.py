from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localchannel import Answer, At, Call, Fault
from prefix_upload.package import validate
from support.building import conda_bytes, package, written
from support.running import CHANNEL, COMMAND, REPOSITORY, TOKEN, RunnerFiles, environment
from support.workflow_commands import annotated

if TYPE_CHECKING:
    from localchannel import LocalChannel
    from support.action import Action, Pauses
    from support.running import Finished


def rows(finished: Finished) -> list[dict[str, Any]]:
    """The `packages` output."""
    return list(json.loads(finished.outputs["packages"]))


def statuses(finished: Finished) -> dict[str, str]:
    """The status of each package by its name's first part."""
    return {row["file"].split("-")[0]: row["status"] for row in rows(finished)}


def test_publishes_and_finds_it_again(action: Action, workspace: Path, server: LocalChannel) -> None:
    """The first run uploads and confirms; the second asks once and sends nothing."""
    paths = [package(workspace, "one"), package(workspace, "two", subdir="linux-64", extension=".tar.bz2")]
    first = action()
    assert (first.exit_code, first.outputs["result"]) == (0, "success")
    assert statuses(first) == {"one": "uploaded", "two": "uploaded"}
    assert set(server.files(CHANNEL).values()) == {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    before = len(server.requests)
    second = action()
    assert statuses(second) == {"one": "already-present", "two": "already-present"}
    assert [request.path for request in server.requests[before:] if not request.is_about_plan] == ["/api/graphql"]


def test_one_invalid_file_stops_everything(action: Action, workspace: Path, server: LocalChannel) -> None:
    """Exit code 4, every reason reported, nothing sent, and the others are not attempted."""
    package(workspace, "good")
    written(workspace / "bad-1.0-h0_0.conda", b"text")
    finished = action()
    assert finished.exit_code == 4
    assert statuses(finished) == {"good": "not-attempted", "bad": "invalid"}
    assert not server.requests
    assert "not a valid ZIP file" in annotated(finished.log, "error")[0].data


def test_200_packages_in_one_run(action: Action, workspace: Path, server: LocalChannel) -> None:
    """Every one under its own hash, and never more than 100 in a question."""
    for number in range(200):
        stem = f"tool-{number}-1.0-h0_0"
        written(workspace / f"{stem}.conda", conda_bytes(stem))
    finished = action(concurrency="16")
    assert finished.exit_code == 0
    hashes = {row["sha256"] for row in rows(finished)}
    assert len(hashes) == 200
    assert set(server.files(CHANNEL).values()) == hashes
    questions = [request.json for request in server.requests if request.path == "/api/graphql"]
    look_ups = [question for question in questions if question and "variant(" in question["query"]]
    assert [len(look_up["variables"]) for look_up in look_ups] == [301] * 4


def test_one_cause_is_reported_once(action: Action, workspace: Path, server: LocalChannel) -> None:
    """The failure has the annotation; the 28 packages that it stops are one line, after it, in summary and log."""
    for number in range(29):
        stem = f"tool-{number:02}-1.0-h0_0"
        written(workspace / f"{stem}.conda", conda_bytes(stem))
    server.fail(Fault(Answer(403, "this key may not write"), path="/upload/"))
    finished = action(concurrency="1")
    assert finished.outputs["failed-count"] == "29"
    (error,) = annotated(finished.log, "error")
    assert "this key may not write" in error.data
    assert finished.summary.count("28 files not attempted") == 1
    assert finished.summary.count("this key may not write") == 2
    lines = finished.log.splitlines()
    place = lines.index("::group::28 not attempted")
    assert lines.index(next(line for line in lines if line.startswith("::error"))) < place
    assert [line.split()[0] for line in lines[:place] if "tool-28" in line] == ["ok"]
    assert lines[-1].endswith("1 failed, 28 not attempted")


@pytest.mark.parametrize(
    ("choice", "exit_code", "kind"), [("error", 3, "error"), ("warn", 0, "warning"), ("ignore", 0, "")]
)
def test_nothing_matches(action: Action, choice: str, exit_code: int, kind: str) -> None:
    """An error, a warning or nothing, as the workflow wants it."""
    finished = action(if_no_files_found=choice, glob="*.conda")
    assert finished.exit_code == exit_code
    reported = [one for name in ("error", "warning") for one in annotated(finished.log, name)]
    assert [one.name for one in reported] == ([kind] if kind else [])
    assert finished.outputs["packages"] == "[]"


def test_a_pattern_without_match_beside_others(action: Action, workspace: Path) -> None:
    """It is a warning, and named."""
    package(workspace)
    finished = action(glob="*.conda\n*.tar.bz2")
    assert finished.exit_code == 0
    assert "'*.tar.bz2'" in annotated(finished.log, "warning")[0].data


@pytest.mark.parametrize("token", [None, ""])
def test_dry_run(action: Action, workspace: Path, server: LocalChannel, token: str | None) -> None:
    """It compares, sends nothing, and needs no token for a public channel."""
    server.publish(CHANNEL, package(workspace, "there"))
    package(workspace, "new")
    finished = action(dry_run="true", **({} if token is None else {"token": token}))
    assert (finished.exit_code, finished.outputs["result"]) == (0, "dry-run")
    assert statuses(finished) == {"there": "already-present", "new": "would-upload"}
    assert not server.uploads


@pytest.mark.parametrize(
    ("inputs", "exit_code", "status"),
    [({}, 5, "failed"), ({"skip_existing": "true"}, 0, "skipped"), ({"force": "true"}, 0, "overwritten")],
)
def test_other_bytes_under_the_same_name(
    action: Action, workspace: Path, server: LocalChannel, inputs: dict[str, str], exit_code: int, status: str
) -> None:
    """A failure, left alone, or overwritten; both hashes are shown where they matter."""
    there = package(workspace.parent / "old", content="old\n")
    here = package(workspace, content="new\n")
    server.publish(CHANNEL, there)
    finished = action(**inputs)
    assert finished.exit_code == exit_code
    assert statuses(finished) == {"demo": status}
    kept = here if status == "overwritten" else there
    assert server.sha256(CHANNEL, "noarch", here.name) == hashlib.sha256(kept.read_bytes()).hexdigest()
    if status != "overwritten":
        for path in (there, here):
            assert hashlib.sha256(path.read_bytes()).hexdigest() in finished.log


def test_configuration_problems_are_told_together(action: Action, server: LocalChannel) -> None:
    """Exit code 2, an annotation each, outputs and summary written, no request sent."""
    finished = action(channel="@octo", force="maybe", timeout="soon", summary="perhaps")
    assert finished.exit_code == 2
    assert len(annotated(finished.log, "error")) == 4
    assert finished.outputs["result"] == "failure"
    assert "What went wrong" in finished.summary
    assert not server.requests


def test_the_summary_can_be_switched_off(action: Action, workspace: Path) -> None:
    """The outputs are written all the same."""
    package(workspace)
    finished = action(summary="false")
    assert finished.summary == ""
    assert finished.outputs["uploaded-count"] == "1"


def test_the_channel_cannot_be_asked(action: Action, workspace: Path, server: LocalChannel) -> None:
    """Neither way answers: packages are sent all the same, and the report says that nothing was compared."""
    package(workspace)
    server.fail(Fault(Answer(400, "no"), path="/api/graphql", times=None))
    server.fail(Fault(Answer(400, "no"), path="repodata.json", times=None))
    finished = action(glob="*.conda")
    assert (finished.exit_code, statuses(finished)) == (0, {"demo": "uploaded"})
    titles = {warning.properties["title"] for warning in annotated(finished.log, "warning")}
    assert titles == {"Channel not compared", "Not confirmed"}


def test_a_bug_is_not_hidden(action: Action, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 with the traceback, and outputs that tell a failure."""
    package(workspace)

    def fail(*_: object) -> None:
        raise RuntimeError("an unforeseen error")

    monkeypatch.setattr(validate, "check", fail)
    finished = action()
    assert finished.exit_code == 1
    assert "Traceback" in finished.log
    assert "an unforeseen error" in finished.log
    assert finished.outputs["result"] == "failure"


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_cancellation(
    action: Action, workspace: Path, server: LocalChannel, number: signal.Signals, exit_code: int
) -> None:
    """No new upload starts, the one under way is unknown, outputs are written, and a second run converges."""
    package(workspace, "first")
    package(workspace, "second")
    is_over = threading.Event()

    def cancel() -> None:
        os.kill(os.getpid(), number)
        is_over.wait(60)

    server.fail(Fault(Call(cancel), path="/upload/", at=At.DONE))
    finished = action(concurrency="1")
    is_over.set()
    server.settle()
    assert finished.exit_code == exit_code
    assert statuses(finished) == {"first": "failed", "second": "not-attempted"}
    assert "may or may not be on the channel" in finished.summary
    assert statuses(action()) == {"first": "already-present", "second": "uploaded"}


def test_cancellation_while_the_channel_is_asked(
    action: Action, workspace: Path, server: LocalChannel, pauses: Pauses
) -> None:
    """Waiting for a server that is not well ends at once; nothing was sent, and that is no bug."""
    package(workspace)
    server.fail(Fault(Answer(503), path="/api/graphql", times=None))
    pauses.before = lambda: signal.raise_signal(signal.SIGTERM)
    finished = action(retries="5")
    assert finished.exit_code == 143
    assert statuses(finished) == {"demo": "not-attempted"}
    assert "Traceback" not in finished.log
    assert not server.uploads


@pytest.mark.parametrize("log", ["whose reader leaves during the upload", "on a full disk", "that is closed"])
def test_a_log_that_cannot_be_written(workspace: Path, server: LocalChannel, tmp_path: Path, log: str) -> None:
    """The run goes on, and its outputs and summary say how it went."""
    package(workspace)
    files = RunnerFiles.create(tmp_path / "runner")
    inputs = {"channel": CHANNEL, "glob": "*.conda", "token": TOKEN, "server-url": server.url}
    variables = environment(workspace, inputs, files) | {"PATH": os.defpath}
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as pipe, Path("/dev/full").open("wb") as full, os.fdopen(reader, "rb") as log_reader:
        server.fail(Fault(Call(log_reader.close), path="/upload/", at=At.START))
        process = subprocess.run(  # noqa: S603 - our own entry point
            COMMAND,
            env=variables,
            stdout=full if log == "on a full disk" else pipe,
            stderr=subprocess.PIPE,
            preexec_fn=(lambda: os.close(1)) if log == "that is closed" else None,
            check=False,
        )
    run = files.finished(process.returncode, "")
    assert (run.exit_code, process.stderr) == (0, b"")
    assert run.outputs["uploaded-count"] == "1"
    assert "1 uploaded" in run.summary
    assert list(server.files(CHANNEL)) == ["noarch/demo-1.0-h0_0.conda"]


def test_waiting_for_the_index(action: Action, workspace: Path, server: LocalChannel) -> None:
    """The output says how long it took, and the summary has a row for each subdir."""
    package(workspace)
    package(workspace, "native", subdir="linux-64")
    server.lag_index(CHANNEL, 1)
    finished = action(wait_for_index="true")
    assert finished.exit_code == 0
    assert 1 <= float(finished.outputs["index-seconds"]) < 600
    assert re.search(r"### Index\n\n.*\n.*\n\| linux-64 \| ✅.* \|\n\| noarch \| ✅", finished.summary)
    assert "noarch: 1 package can be installed" in finished.log
    assert "### Install" in finished.summary


def test_an_index_that_is_late(action: Action, workspace: Path, server: LocalChannel) -> None:
    """The packages are on the channel, the exit code says that clients don't get them, and a second run waits again."""
    package(workspace)
    server.freeze_index(CHANNEL, is_stuck=True)
    first = action(wait_for_index="true")
    assert (first.exit_code, first.outputs["result"]) == (6, "failure")
    assert statuses(first) == {"demo": "uploaded"}
    assert float(first.outputs["index-seconds"]) >= 600
    (error,) = annotated(first.log, "error")
    assert error.data.startswith("After 600 s, clients can't install 1 of 1 package from noarch: demo-1.0-h0_0.conda")
    assert "octo/stable: 1 uploaded; the index does not show all packages" in first.log
    assert "### Install" not in first.summary
    server.heal()
    second = action(wait_for_index="true")
    assert (second.exit_code, statuses(second)) == (0, {"demo": "already-present"})


def test_a_failure_counts_more_than_a_late_index(action: Action, workspace: Path, server: LocalChannel) -> None:
    """Outputs that can't be written make the exit code 5, whatever the index shows."""
    package(workspace)
    server.freeze_index(CHANNEL, is_stuck=True)
    finished = action({"GITHUB_OUTPUT": "/dev/full"}, wait_for_index="true", index_timeout="5")
    assert finished.exit_code == 5
    assert "clients can't install" in finished.log


def test_cancellation_while_the_index_is_waited_for(
    action: Action, workspace: Path, server: LocalChannel, pauses: Pauses
) -> None:
    """The run ends with what is known."""
    package(workspace)
    server.freeze_index(CHANNEL)
    pauses.before = lambda: signal.raise_signal(signal.SIGTERM)
    finished = action(wait_for_index="true")
    assert finished.exit_code == 143
    assert statuses(finished) == {"demo": "uploaded"}
    assert "noarch, after" in finished.log
    assert "not&nbsp;finished" in finished.summary


def test_without_the_input_nothing_is_asked_of_the_index(action: Action, workspace: Path, server: LocalChannel) -> None:
    """A run sends the requests that it needs for the upload, and the output is empty."""
    package(workspace)
    finished = action()
    assert [request.path for request in server.requests] == [
        "/api/graphql",
        "/api/graphql",
        f"/api/v1/upload/{CHANNEL}",
        "/api/graphql",
    ]
    assert finished.outputs["index-seconds"] == ""
    assert "### Index" not in finished.summary


def test_what_only_the_index_needs_is_not_loaded() -> None:
    """Start-up time counts."""
    script = "import sys; sys.path.insert(0, 'src'); import prefix_upload.action; print(*sys.modules)"
    command = [sys.executable, "-I", "-c", script]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)  # noqa: S603 - this interpreter
    loaded = set(run.stdout.split())
    assert "prefix_upload.prefix_dev.queries" in loaded
    assert not {"msgpack", "ijson", "prefix_upload.prefix_dev.index", "prefix_upload.steps.wait_for_index"} & loaded


def test_a_hint_links_to_its_page(action: Action, workspace: Path) -> None:
    """The README of the version that runs, if the action was not checked out with the packages."""
    assert workspace.is_dir()
    runner = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_ACTION_REPOSITORY": "org/x", "GITHUB_ACTION_REF": "v1"}
    page = "https://github.com/org/x/blob/v1/README.md#patterns"
    finished = action(runner, glob="*.conda")
    assert annotated(finished.log, "error")[0].data.endswith(f"See {page}")
    assert f"See <{page}>" in finished.summary
    finished = action(glob="*.conda")
    assert "#patterns" not in finished.log + finished.summary
