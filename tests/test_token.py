"""The token is sent to the server only, and shown nowhere."""

from __future__ import annotations

import html
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from localchannel import Access, Answer, At, Call, Channel, Cut, Fault, LocalChannel
from prefix_upload.package import validate
from prefix_upload.secret import Secret
from support.building import package
from support.running import CHANNEL, COMMAND, TOKEN, RunnerFiles, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.action import Action
    from support.running import Finished


def traces(finished: Finished) -> list[str]:
    """The places that show the token, but for the one command that has the runner hide it."""
    log = finished.log.replace(f"::add-mask::{TOKEN}\n", "", 1)
    places = {"log": log, "summary": html.unescape(finished.summary)}
    return [name for name, text in (places | dict(finished.outputs)).items() if TOKEN in text]


FAULTS = {
    "success": [],
    "refused, with the token in the server's words": [Fault(Answer(401, f"bad key {TOKEN}"), path="/upload/")],
    "answer lost": [Fault(Cut(), path="/upload/", at=At.DONE)],
    "redirected": [Fault(Answer(307, "", {"Location": f"http://127.0.0.1:9/?{TOKEN}"}), path="/upload/")],
    "no GraphQL": [Fault(Answer(500, TOKEN), path="/api/graphql", times=None)],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
def test_it_is_shown_nowhere(action: Action, workspace: Path, server: LocalChannel, faults: list[Fault]) -> None:
    """Neither in the log nor in the summary nor in an output, however the run ends."""
    package(workspace)
    server.fail(*faults)
    finished = action()
    assert finished.log.startswith(f"::add-mask::{TOKEN}\n")
    assert traces(finished) == []


def pieces(finished: Finished, length: int) -> set[str]:
    """The parts of the token, of this length, that the run shows."""
    shown = "\n".join(
        (finished.log.replace(f"::add-mask::{TOKEN}\n", "", 1), finished.summary, *finished.outputs.values())
    )
    return {part for part in (TOKEN[n : n + length] for n in range(len(TOKEN) - length + 1)) if part in shown}


@pytest.mark.parametrize("hidden", range(1, len(TOKEN), 3))
@pytest.mark.parametrize("page", ["{}", "<html><p>{}</p>", '{{"error": "{}"}}'], ids=["text", "HTML", "JSON"])
def test_a_message_is_redacted_before_it_is_truncated(
    action: Action, workspace: Path, server: LocalChannel, hidden: int, page: str
) -> None:
    """Wherever the cut falls in the token, nothing of it is left before the cut."""
    package(workspace)
    before = "x " * ((500 - len(TOKEN) + hidden - len(page) + 2) // 2)
    server.fail(Fault(Answer(401, page.format(f"{before}{TOKEN} and more, " + "y" * 600)), path="/upload/"))
    assert pieces(action(), 6) == set()


def test_a_graphql_error_is_redacted_before_it_is_truncated(
    action: Action, workspace: Path, server: LocalChannel
) -> None:
    """A part of the token at the end could not be recognized any more."""
    package(workspace)
    message = json.dumps({"errors": [{"message": "y" * 284 + f" {TOKEN} is not valid"}]})
    server.fail(Fault(Answer(200, message), path="/api/graphql", times=None))
    finished = action()
    assert "y" * 200 in finished.log
    assert pieces(finished, 6) == set()


@pytest.mark.parametrize("length", range(4, len(TOKEN) + 1))
@pytest.mark.parametrize("page", ["bad key {}", '{{"error": "bad key {}…"}}', "<html><p>{}</p></html>"])
def test_a_message_that_the_server_truncated(
    action: Action, workspace: Path, server: LocalChannel, length: int, page: str
) -> None:
    """The beginning of a token at the end of a message is not shown either."""
    package(workspace)
    server.fail(Fault(Answer(401, page.format(TOKEN[:length])), path="/upload/"))
    assert pieces(action(), 4) == set()


@pytest.mark.parametrize("part", [TOKEN[5:], TOKEN[3:14], f"{TOKEN[:9]}…{TOKEN[-9:]}"])
def test_a_part_of_it_is_shown_nowhere(action: Action, workspace: Path, server: LocalChannel, part: str) -> None:
    """Nor is a part from its middle or its end."""
    package(workspace)
    server.fail(Fault(Answer(401, f"no key like {part} is known"), path="/upload/"))
    assert pieces(action(), 4) == set()


def test_a_traceback_does_not_show_it(action: Action, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where a bug has it in its message."""
    package(workspace)

    def fail(*_: object) -> None:
        raise RuntimeError(TOKEN)

    monkeypatch.setattr(validate, "check", fail)
    finished = action()
    assert finished.exit_code == 1
    assert traces(finished) == []


def test_a_secret_does_not_show_itself() -> None:
    """Printed, formatted or in a traceback's locals, it is stars."""
    secret = Secret(TOKEN)
    assert TOKEN not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == TOKEN


def test_it_stays_with_the_servers_origin(action: Action, workspace: Path, server: LocalChannel) -> None:
    """Neither an upload's nor a read's redirect gets it."""
    server.publish(CHANNEL, package(workspace))
    server.fail(Fault(Answer(500), path="/api/graphql", times=None))
    action()
    elsewhere = [request for request in server.requests if request.origin == "storage"]
    assert elsewhere
    assert not any("Authorization" in request.headers for request in elsewhere)
    with LocalChannel(workspace.parent / "other", {CHANNEL: Channel()}, {TOKEN: Access.READ_WRITE}) as other:
        server.fail(Fault(Answer(307, "", {"Location": f"{other.url}/api/v1/upload/{CHANNEL}"}), path="/upload/"))
        package(workspace, "another")
        assert action().exit_code == 5
        assert not other.requests


def test_no_process_argument_has_it(workspace: Path, server: LocalChannel, tmp_path: Path) -> None:
    """While a package is uploaded, no process on this machine has the token in its command line."""
    package(workspace)
    command_lines: list[bytes] = []
    server.fail(Fault(Call(lambda: command_lines.extend(running_commands())), path="/upload/", at=At.DONE))
    files = RunnerFiles.create(tmp_path / "runner")
    inputs = {"channel": CHANNEL, "glob": "*.conda", "token": TOKEN, "server-url": server.url}
    assert run(workspace, inputs, files).exit_code == 0
    assert b"\0".join(map(str.encode, COMMAND)) + b"\0" in command_lines
    assert [line for line in command_lines if TOKEN.encode() in line] == []


def running_commands() -> Iterator[bytes]:
    """The command lines of all processes; each argument ends in a null byte."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            yield (process / "cmdline").read_bytes()
