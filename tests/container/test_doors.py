"""What holds whichever way packages are uploaded: container, `entrypoint.py`, `native/action.yml`, or a shell."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import TYPE_CHECKING

import pytest

from localchannel import Answer, Call, Fault
from support.building import built, package, written
from support.doors import CommandLine, EntryPoint, NativeAction
from support.native import prepare
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from localchannel import LocalChannel
    from support.doors import Door
    from support.running import Finished

SUBDIRS = ("noarch", "linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")


@pytest.fixture(params=[pytest.param("container", marks=pytest.mark.container), "entry point", "native", "shell"])
def door(request: pytest.FixtureRequest, workspace: Path, tmp_path: Path) -> Door:
    """One of them. The native one finds its virtual environment complete."""
    match request.param:
        case "container":
            container: Door = request.getfixturevalue("container")
            return container
        case "native":
            prepare(tmp_path / "temp")
            return NativeAction(workspace, tmp_path / "runner", tmp_path / "temp")
        case "shell":
            return CommandLine(workspace)
        case _:
            return EntryPoint(workspace, tmp_path / "runner")


def inputs(server: LocalChannel, **others: str) -> dict[str, str]:
    """The inputs of a plain upload."""
    plain = {"channel": CHANNEL, "glob": "**/*.conda\n**/*.tar.bz2", "token": TOKEN, "server-url": server.url}
    return plain | others


def build_everywhere(workspace: Path) -> dict[str, str]:
    """A package of both formats for each of six subdirs; their hashes by place on the channel."""
    hashes = {}
    for subdir in SUBDIRS:
        for name, extension in (("modern", ".conda"), ("classic", ".tar.bz2")):
            path = package(workspace / "out" / subdir, name, subdir=subdir, extension=extension, content=subdir)
            hashes[f"{subdir}/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return hashes


def statuses(finished: Finished) -> set[str]:
    """The statuses in the `packages` output."""
    return {row["status"] for row in json.loads(finished.outputs["packages"])}


def test_publishes_both_formats_for_six_subdirs(door: Door, server: LocalChannel, workspace: Path) -> None:
    """One step publishes all; a second finds all with one request and sends no package byte."""
    hashes = build_everywhere(workspace)
    first = door.run(inputs(server))
    assert first.exit_code == 0, first.log
    assert server.files(CHANNEL) == hashes
    assert statuses(first) == {"uploaded"}
    if not isinstance(door, CommandLine):
        # The list can have one file of each name.
        assert first.artifacts == ["out/linux-64/modern-1.0-h0_0.conda", "out/linux-64/classic-1.0-h0_0.tar.bz2"]
    before = len(server.requests)
    second = door.run(inputs(server))
    assert second.exit_code == 0, second.log
    assert statuses(second) == {"already-present"}
    assert [request.path for request in server.requests[before:] if not request.is_about_plan] == ["/api/graphql"]


def test_every_input_arrives(door: Door, server: LocalChannel, workspace: Path) -> None:
    """Also those with a hyphen in their name, with several lines, or with what a shell would act on."""
    package(workspace / "$(touch never)")
    package(workspace / "b", "left-out")
    glob = "# `touch never`\n\n$(touch never)/*.conda\n!**/left-*"
    finished = door.run(inputs(server, **{"glob": glob, "dry-run": "true", "checksums-file": "sums", "max-size": "1"}))
    assert finished.exit_code == 4, finished.log
    (row,) = json.loads(finished.outputs["packages"])
    assert (row["path"], row["status"]) == ("$(touch never)/demo-1.0-h0_0.conda", "invalid")
    assert "max-size" in row["error"]
    assert sorted(path.name for path in workspace.iterdir()) == ["$(touch never)", "b", "sums"]


@pytest.mark.parametrize(("name", "exit_code"), [("INT", 130), ("TERM", 143)])
def test_cancelled_while_uploading(
    door: Door, server: LocalChannel, workspace: Path, name: str, exit_code: int
) -> None:
    """The action gets both signals from the runner, says what is unknown, and a second run finishes the work."""
    package(workspace)
    arrived, ended = threading.Event(), threading.Event()

    def stall() -> None:
        arrived.set()
        ended.wait(60)

    server.fail(Fault(Call(stall), path="/upload/"))
    step = door.start(inputs(server))
    assert arrived.wait(60)
    step.signal(name)
    finished = step.finished(timeout=5)
    ended.set()
    server.settle()
    assert finished.exit_code == exit_code, finished.log
    assert finished.outputs["result"] == "failure"
    assert statuses(finished) == {"failed"}
    assert "may or may not be on the channel" in finished.summary
    assert door.run(inputs(server)).exit_code == 0


def other_bytes(workspace: Path, server: LocalChannel) -> None:
    """A package whose name the channel has with other contents."""
    server.publish(CHANNEL, package(workspace.parent / "old", content="old\n"))
    package(workspace)


def the_same_contents(workspace: Path, server: LocalChannel) -> None:
    """A package that the channel has from another build of the same sources."""
    server.publish(CHANNEL, built(workspace.parent / "old"))
    built(workspace)


def a_broken_package(workspace: Path, _: LocalChannel) -> None:
    """One beside a valid one."""
    package(workspace)
    written(workspace / "broken-1.0-h0_0.conda", b"broken")


def a_server_that_refuses(workspace: Path, server: LocalChannel) -> None:
    """A package that the server does not take."""
    package(workspace)
    server.fail(Fault(Answer(422, "not today"), path="/upload/"))


def a_server_that_recovers(workspace: Path, server: LocalChannel) -> None:
    """A package whose first upload gets lost."""
    package(workspace)
    server.fail(Fault(Answer(503), path="/upload/"))


@pytest.mark.parametrize(
    ("prepare", "others", "exit_code", "status", "message"),
    [
        (other_bytes, {}, 5, {"failed"}, "is on the channel with different bytes"),
        (other_bytes, {"skip-existing": "true"}, 0, {"skipped"}, ""),
        (other_bytes, {"force": "true"}, 0, {"overwritten"}, ""),
        (the_same_contents, {}, 0, {"same-content"}, ""),
        (a_broken_package, {}, 4, {"invalid", "not-attempted"}, "is not a valid ZIP file"),
        (a_server_that_refuses, {}, 5, {"failed"}, "not today"),
        (a_server_that_recovers, {"retries": "1"}, 0, {"uploaded"}, ""),
        (lambda *_: None, {}, 3, set(), "No file matches"),
        (lambda *_: None, {"if-no-files-found": "ignore"}, 0, set(), ""),
        (lambda *_: None, {"retries": "many"}, 2, set(), "retries"),
        (lambda *_: None, {"channel": "a/b/c"}, 2, set(), "a/b/c"),
        (lambda workspace, _: package(workspace), {"token": "pfx_wrong"}, 5, {"failed"}, "API key"),
        (lambda workspace, _: package(workspace), {"channel": "octo/other"}, 5, {"not-attempted"}, "octo/other"),
        (lambda workspace, _: package(workspace), {"wait-for-index": "true"}, 0, {"uploaded"}, "1 uploaded"),
    ],
)
def test_how_it_ends(
    door: Door,
    server: LocalChannel,
    workspace: Path,
    prepare: Callable[[Path, LocalChannel], object],
    others: dict[str, str],
    exit_code: int,
    status: set[str],
    message: str,
) -> None:
    """Exit code, statuses and messages are the same."""
    prepare(workspace, server)
    finished = door.run(inputs(server, **others))
    assert finished.exit_code == exit_code, finished.log
    assert statuses(finished) == status
    assert message in finished.log
    assert "Traceback" not in finished.log
