"""The actions that change what is on a channel, as the runner starts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from container.runner import action as action_file
from identities import OpenIDProvider
from localchannel import Access, Channel, LocalChannel, Publisher
from support.changing import statuses
from support.running import CHANNEL, COMMAND, TOKEN, RunnerFiles, run
from support.workflow_commands import annotated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from support.action import Action
    from support.changing import Put

FILE = "demo-1.0-0.conda"


@pytest.mark.parametrize(
    ("command", "inputs", "status"),
    [
        ("delete", {"packages": FILE}, "deleted"),
        ("yank", {"packages": FILE, "reason": "Broken"}, "yanked"),
        ("unyank", {"packages": FILE}, "unchanged"),
        ("reindex", {"subdirs": "noarch"}, ""),
    ],
)
def test_each_action(
    server: LocalChannel, put: Put, workspace: Path, tmp_path: Path, command: str, inputs: dict[str, str], status: str
) -> None:
    """In a process of its own, with the arguments of its `action.yml`."""
    put(FILE)
    arguments = action_file(command)["runs"]["args"][len(COMMAND) - 1 :]
    given = {"channel": CHANNEL, "token": TOKEN, "server-url": server.url} | inputs
    finished = run(workspace, given, RunnerFiles.create(tmp_path / "runner"), *arguments)
    assert (finished.exit_code, finished.outputs["result"]) == (0, "success"), finished.log
    assert set(finished.outputs) == set(action_file(command)["outputs"])
    if status:
        assert statuses(finished) == {FILE: status}


def test_an_unknown_command(workspace: Path, tmp_path: Path) -> None:
    """It is not taken for an upload."""
    finished = run(workspace, {}, RunnerFiles.create(tmp_path / "runner"), "promote")
    assert finished.exit_code == 2
    assert "'promote' is not one of upload, delete" in finished.log


@pytest.fixture
def provider() -> Iterator[OpenIDProvider]:
    """Who knows the job."""
    with OpenIDProvider() as running:
        yield running


@pytest.mark.parametrize("access", [Access.READ_WRITE, Access.READ_WRITE_DELETE])
@pytest.mark.parametrize("is_public", [True, False])
def test_trusted_publishing(
    action: Action, provider: OpenIDProvider, tmp_path: Path, now: datetime, access: Access, is_public: bool
) -> None:
    """A publisher with the right access mode deletes without a key; the error about another one names the mode."""
    publishers = [Publisher("octo/packages", "release.yml", "prefix-dev", access=access)]
    channels = {CHANNEL: Channel(public=is_public)}
    with LocalChannel(tmp_path / "trusted", channels, {}, publishers=publishers, verify=provider.verified) as server:
        server.invent(CHANNEL, FILE, "noarch", created=now)
        inputs = {"server_url": server.url, "token": "", "packages": FILE}
        finished = action(provider.environment, command="delete", **inputs)
        is_deleted = access is Access.READ_WRITE_DELETE
        assert (finished.exit_code, server.files(CHANNEL) == {}) == (0 if is_deleted else 5, is_deleted), finished.log
    errors = "".join(command.data for command in annotated(finished.log, "error"))
    assert ("READ_WRITE_DELETE" in errors) is not is_deleted


def test_a_workflow_that_is_no_publisher(
    action: Action, provider: OpenIDProvider, tmp_path: Path, now: datetime
) -> None:
    """A public channel can be listed, but nothing is attempted."""
    with LocalChannel(tmp_path / "trusted", {CHANNEL: Channel()}, {}, verify=provider.verified) as server:
        server.invent(CHANNEL, FILE, "noarch", created=now)
        inputs = {"server_url": server.url, "token": "", "packages": FILE}
        finished = action(provider.environment, command="delete", **inputs)
        assert not any(request.method == "DELETE" for request in server.requests)
    assert (finished.exit_code, statuses(finished)) == (5, {FILE: "not-attempted"})
    assert "Failed to find OIDC publisher" in annotated(finished.log, "error")[0].data


def test_without_credentials(action: Action, put: Put) -> None:
    """A dry run works for a public channel; a real run says what is missing before it sends a request."""
    put(FILE, "demo-2.0-0.conda")
    shown = action(command="delete", packages="demo", token="")
    assert (shown.exit_code, statuses(shown)) == (0, {FILE: "would-delete"})
    finished = action(command="delete", packages=FILE, token="")
    assert (finished.exit_code, finished.outputs["result"]) == (2, "failure")
