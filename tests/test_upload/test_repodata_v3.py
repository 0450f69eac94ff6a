"""Packages that need revision 3 of repodata, which a channel may not allow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from localchannel import Answer, Fault
from prefix_upload.reporting.exit_codes import ExitCode, exit_code
from prefix_upload.status import Status
from support.building import conda_bytes, index_of, written
from support.running import CHANNEL

if TYPE_CHECKING:
    from pathlib import Path

    from localchannel import LocalChannel
    from support.publishing import Publish

GRAPHQL = "/api/graphql"


@pytest.fixture(
    params=[{"repodata_revision": 3}, {"depends": ['a[when="__unix"]']}, {"constrains": ["a[flags=[cuda]]"]}], ids=str
)
def new(workspace: Path, request: pytest.FixtureRequest) -> Path:
    """A package that needs it."""
    stem = "new-1.0-h0_0"
    return written(workspace / f"{stem}.conda", conda_bytes(stem, index=index_of(stem, **request.param)))


@pytest.fixture(autouse=True)
def forbidden(server: LocalChannel) -> None:
    """The channel does not allow it."""
    server.allow_v3(CHANNEL, allowed=False)


def old_schema(server: LocalChannel) -> None:
    """Lets the server not know the setting."""
    server.fail(Fault(Answer(200, '{"errors": [{"message": "unknown field"}]}'), path=GRAPHQL))


def silent(server: LocalChannel) -> None:
    """Lets the server fail to tell the setting, and nothing else."""
    data = {"viewer": {"login": "local"}, "channel": {"channelPath": CHANNEL}, "settings": None}
    data |= {"package0": None, "package1": None}
    errors = [{"message": "timeout", "path": ["settings", "allowV3Uploads"]}]
    server.fail(Fault(Answer(200, json.dumps({"data": data, "errors": errors})), path=GRAPHQL))


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_a_channel_that_does_not_allow_it(
    server: LocalChannel, publish: Publish, demo: Path, new: Path, dry_run: str
) -> None:
    """Nothing is sent, and the package is named."""
    run = publish(demo, new, dry_run=dry_run)
    assert run.statuses == {demo.name: Status.NOT_ATTEMPTED, new.name: Status.FAILED}
    assert "needs revision 3 of repodata (CEP 48)" in run.problem(new.name)
    assert "the channel does not allow that. Allow v3 uploads in the channel's settings" in run.problem(new.name)
    assert "the server would not accept other packages" in run.problem(demo.name)
    assert exit_code(run.report) is ExitCode.UPLOAD_FAILED
    assert server.uploads == []


def test_a_channel_that_allows_it(server: LocalChannel, publish: Publish, demo: Path, new: Path) -> None:
    """It is a package like others."""
    server.allow_v3(CHANNEL, allowed=True)
    assert publish(demo, new).statuses == {demo.name: Status.UPLOADED, new.name: Status.UPLOADED}
    assert publish(new).statuses == {new.name: Status.ALREADY_PRESENT}


def test_a_package_that_is_there_already(server: LocalChannel, publish: Publish, demo: Path, new: Path) -> None:
    """It came when the channel allowed it."""
    server.publish(CHANNEL, new)
    assert publish(demo, new).statuses == {demo.name: Status.UPLOADED, new.name: Status.ALREADY_PRESENT}


@pytest.mark.parametrize("unknown", [old_schema, silent])
def test_a_channel_whose_settings_are_not_known(
    server: LocalChannel, publish: Publish, demo: Path, new: Path, unknown: object
) -> None:
    """The server decides, and what it refuses does not stop packages that it takes."""
    assert callable(unknown)
    unknown(server)
    run = publish(new, demo, concurrency="1")
    assert run.statuses == {new.name: Status.FAILED, demo.name: Status.UPLOADED}
    assert f"(HTTP 403: Channel '{CHANNEL}' does not allow v3 repodata uploads)" in run.problem(new.name)
    assert [upload.status for upload in server.uploads] == [403, 200]


def test_another_refusal_of_such_a_package(server: LocalChannel, publish: Publish, demo: Path, new: Path) -> None:
    """It is one of all packages."""
    server.allow_v3(CHANNEL, allowed=True)
    server.fail(Fault(Answer(403, "read-only"), path="/api/v1/upload/", times=None))
    run = publish(new, demo, concurrency="1")
    assert run.statuses == {new.name: Status.FAILED, demo.name: Status.NOT_ATTEMPTED}


def test_the_setting_is_asked_for_with_the_files(server: LocalChannel, publish: Publish, new: Path) -> None:
    """That takes no request of its own."""
    publish(new, token="", dry_run="true")
    assert [request.path for request in server.requests] == [GRAPHQL]
