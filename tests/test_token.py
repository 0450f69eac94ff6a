"""The token is sent to the server and to nobody else, and shown nowhere."""

from __future__ import annotations

import contextlib
import json
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from building import package
from localchannel import Access, Answer, At, Channel, Cut, Fault, LocalChannel
from prefix_upload import validation
from prefix_upload.models import Secret
from running import CHANNEL, COMMAND, TOKEN, RunnerFiles, environment, run

if TYPE_CHECKING:
    from conftest import Action
    from running import Finished


def traces(finished: Finished) -> list[str]:
    """The places that show the token, but for the one command that has the runner hide it."""
    places = {"log": finished.log.replace(f"::add-mask::{TOKEN}\n", "", 1), "summary": finished.summary}
    return [name for name, text in (places | dict(finished.outputs)).items() if TOKEN in text]


FAULTS = {
    "success": [],
    "refused, with the token in the server's words": [Fault(Answer(401, f"bad key {TOKEN}"), path="/upload/")],
    "answer lost": [Fault(Cut(), path="/upload/", at=At.DONE)],
    "refused for one file": [Fault(Answer(422, f"<html>{TOKEN}</html>"), path="/upload/")],
    "redirected": [Fault(Answer(307, TOKEN, {"Location": f"http://{TOKEN}.example/{TOKEN}"}), path="/upload/")],
    "no GraphQL": [Fault(Answer(500, TOKEN), path="/api/graphql", times=None)],
    "GraphQL's errors": [
        Fault(Answer(200, json.dumps({"errors": [{"message": TOKEN}]})), path="/api/graphql", times=None),
        Fault(Answer(302, TOKEN, {"Location": f"ftp://{TOKEN}"}), path="repodata.json", times=None),
    ],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
def test_it_is_shown_nowhere(action: Action, workspace: Path, server: LocalChannel, faults: list[Fault]) -> None:
    """Neither in the log nor in the summary nor in an output, however the run ends."""
    package(workspace)
    server.fail(*faults)
    finished = action()
    assert finished.log.startswith(f"::add-mask::{TOKEN}\n")
    assert traces(finished) == []


def test_an_unknown_certificate_does_not_get_it(action: Action, workspace: Path) -> None:
    """No request is sent over a connection that nobody vouches for."""
    package(workspace)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with LocalChannel(workspace.parent / "tls", {CHANNEL: Channel()}, {TOKEN: Access.READ_WRITE}, tls=context) as tls:
        finished = action(server_url=tls.url)
        assert tls.requests == []
    assert finished.exit_code == 5
    assert "its certificate was not accepted" in finished.log
    assert traces(finished) == []


@pytest.mark.parametrize("token", [f"{TOKEN} {TOKEN}", f"{TOKEN}\n\n{TOKEN}", f"“{TOKEN}”"])
def test_a_malformed_one_is_not_quoted(action: Action, token: str) -> None:
    """It is masked before it is found to be wrong."""
    finished = action(token=token)
    assert finished.exit_code == 2
    first, _, rest = finished.log.partition("\n")
    assert first.startswith("::add-mask::")
    assert TOKEN not in rest
    assert traces(finished) in ([], ["log"])  # the mask itself


def test_it_is_sent_in_one_header_only(action: Action, workspace: Path, server: LocalChannel) -> None:
    """No path and no other header has it, on any request of a run."""
    package(workspace)
    action()
    assert server.requests
    for request in server.requests:
        assert TOKEN not in request.path
        assert TOKEN not in str(request.json)
        assert [name for name, value in request.headers.items() if TOKEN in value] == ["Authorization"]


def test_a_traceback_does_not_show_it(action: Action, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where a bug has it in its message."""
    package(workspace)

    def fail(*_: object) -> None:
        raise RuntimeError(TOKEN)

    monkeypatch.setattr(validation, "check", fail)
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


def test_no_process_argument_has_it(workspace: Path, tmp_path: Path) -> None:
    """The token comes by the environment and stays there."""
    lines = []

    def look(_: object) -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                lines.append(path.read_bytes())

    package(workspace)
    files = RunnerFiles.create(tmp_path / "runner")
    inputs = {"channel": CHANNEL, "glob": "*.conda", "token": TOKEN}
    keys = {TOKEN: Access.READ_WRITE}
    with LocalChannel(tmp_path / "server", {CHANNEL: Channel()}, keys, on_request=look) as server:
        finished = run(workspace, inputs | {"server-url": server.url}, files)
    assert finished.exit_code == 0
    assert traces(finished) == []
    assert any(COMMAND[-1].encode() in line for line in lines)
    assert not any(TOKEN.encode() in line for line in lines)
    assert TOKEN in environment(workspace, inputs, files).values()
