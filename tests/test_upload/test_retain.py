"""`retain-last` and `retain-for`: old versions of what a run publishes are deleted, and nothing of the run itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from localchannel import Access, Answer, Call, Fault
from support.building import conda_bytes, index_of, written
from support.changing import GRAPHQL, rows, statuses
from support.running import CHANNEL
from support.workflow_commands import annotated

if TYPE_CHECKING:
    from pathlib import Path

    from localchannel import LocalChannel
    from support.action import Action

DELETE = "/api/v1/delete/"
OLD = [f"demo-{version}-h0_0.conda" for version in ("1.0", "2.0", "3.0rc1")]
NEW = "demo-4.0-h0_0.conda"


@pytest.fixture(autouse=True)
def old(server: LocalChannel) -> None:
    """Three old versions of a package on the channel, and one of another package."""
    for days, file in enumerate([*OLD[::-1], "other-1.0-h0_0.conda"]):
        created = datetime.now(UTC) - timedelta(days=10 * days + 5)
        server.invent(CHANNEL, file, "noarch", created=created, size=1000)


@pytest.fixture(autouse=True)
def new(workspace: Path) -> Path:
    """A new version of it in the workspace."""
    return written(workspace / NEW, conda_bytes("demo-4.0-h0_0"))


def deleted(server: LocalChannel) -> list[str]:
    """The files that the server was asked to delete, in order."""
    return [request.path.rpartition("/")[2] for request in server.requests if request.method == "DELETE"]


def test_old_versions_are_deleted(server: LocalChannel, action: Action) -> None:
    """After the upload, those that are not among the last; other packages stay."""
    finished = action(retain_last="2")
    assert (finished.exit_code, finished.outputs["deleted-count"]) == (0, "2")
    assert statuses(finished) == {NEW: "uploaded", OLD[0]: "deleted", OLD[1]: "deleted"}
    assert set(server.files(CHANNEL)) == {f"noarch/{file}" for file in (NEW, OLD[2], "other-1.0-h0_0.conda")}
    order = [request.path for request in server.requests if "/api/v1/" in request.path]
    assert order[0].startswith("/api/v1/upload/")
    assert "octo/stable: 1 uploaded, 2 deleted" in finished.log
    assert finished.outputs["checksums"].count("\n") == 0
    assert "not among the latest 2 versions" in finished.summary


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"retain_for": "20d"}, OLD[:1]),
        ({"retain_for": "1d"}, OLD),
        ({"retain_for": "10d", "retain_last": "3"}, OLD[:1]),
        ({"retain_last": "1", "retain_releases": "true"}, OLD[2:]),
        ({"retain_last": "4"}, []),
        ({}, []),
    ],
)
def test_the_rules(server: LocalChannel, action: Action, inputs: dict[str, str], expected: list[str]) -> None:
    """Those of `delete`; without them, nothing is deleted or even listed."""
    assert action(**inputs).exit_code == 0
    assert deleted(server) == expected


def test_what_was_published_stays(server: LocalChannel, action: Action, workspace: Path) -> None:
    """Even if it is an old version, also in a second run."""
    written(workspace / "demo-0.5-h0_0.conda", conda_bytes("demo-0.5-h0_0", index=index_of("demo-0.5-h0_0")))
    for _ in range(2):
        assert action(retain_last="1").exit_code == 0
        assert {f"noarch/{NEW}", "noarch/demo-0.5-h0_0.conda"} <= set(server.files(CHANNEL))
    assert deleted(server) == OLD


def test_a_record_that_shows_up_late(server: LocalChannel, action: Action) -> None:
    """The new version counts, though the list does not have it yet."""
    sha256 = server.sha256(CHANNEL, "noarch", OLD[2])
    entry = {"filename": OLD[2], "platform": "noarch", "version": "3.0rc1", "buildString": "h0_0", "buildNumber": 0}
    page = {"page": [entry | {"size": 1000, "sha256": sha256}], "pages": 1}
    listed = {"data": {"viewer": {}, "channel": {}, "package0": {"variants": page}}}
    # After the queries that compare and confirm.
    server.fail(Fault(Call(lambda: None), path=GRAPHQL, times=2), Fault(Answer(200, json.dumps(listed)), path=GRAPHQL))
    assert action(retain_last="1").exit_code == 0
    assert deleted(server) == OLD[2:]


def test_a_dry_run(server: LocalChannel, action: Action) -> None:
    """It shows what would go if the packages were uploaded."""
    finished = action(retain_last="1", dry_run="true")
    assert (finished.exit_code, finished.outputs["result"]) == (0, "dry-run")
    assert statuses(finished) == {NEW: "would-upload"} | dict.fromkeys(OLD, "would-delete")
    assert len(server.files(CHANNEL)) == 4
    assert deleted(server) == []


def test_after_a_failure(server: LocalChannel, action: Action, workspace: Path) -> None:
    """Old versions may still be needed, although another version was uploaded."""
    written(workspace / "demo-5.0-h0_0.conda", conda_bytes("demo-5.0-h0_0", index=index_of("demo-5.0-h0_0")))
    server.fail(Fault(Answer(422, "no"), file=NEW))
    finished = action(retain_last="1")
    assert (finished.exit_code, deleted(server)) == (5, [])
    assert statuses(finished) == {NEW: "failed", "demo-5.0-h0_0.conda": "uploaded"}


def test_an_upload_that_is_not_confirmed(server: LocalChannel, action: Action) -> None:
    """It does not make other versions go: if it is not there in the end, nothing else would be left."""
    server.fail(Fault(Answer(201), file=NEW), Fault(Answer(403), path="repodata", times=None))
    server.fail(Fault(Call(lambda: None), path=GRAPHQL), Fault(Answer(500), path=GRAPHQL, times=5))
    finished = action(retain_last="1")
    assert deleted(server) == OLD[:2]
    assert statuses(finished)[NEW] == "uploaded"
    assert OLD[2] not in statuses(finished)


def test_an_upload_that_solvers_do_not_get(server: LocalChannel, action: Action) -> None:
    """A server can hide what it is sent, and list it late: then it does not count."""
    server.tamper(CHANNEL, "noarch", NEW, {"hidden": True})
    page = {"page": [_entry(file, server) for file in OLD], "pages": 1}
    listed = {"data": {"viewer": {}, "channel": {}, "package0": {"variants": page}}}
    server.fail(Fault(Call(lambda: None), path=GRAPHQL, times=2), Fault(Answer(200, json.dumps(listed)), path=GRAPHQL))
    action(retain_last="1")
    assert deleted(server) == OLD[:2]


def _entry(file: str, server: LocalChannel) -> dict[str, object]:
    """What the channel lists about a file."""
    _, version, build = file.removesuffix(".conda").split("-")
    entry = {"filename": file, "platform": "noarch", "version": version, "buildString": build, "buildNumber": 0}
    return entry | {"size": 1000, "sha256": server.sha256(CHANNEL, "noarch", file)}


def test_a_package_named_like_a_file(server: LocalChannel, action: Action, workspace: Path) -> None:
    """The names of packages are no selectors."""
    server.invent(CHANNEL, "a.conda-1.0-h0_0.conda", "noarch", created=datetime.now(UTC), size=1000)
    stem = "a.conda-2.0-h0_0"
    written(workspace / f"{stem}.conda", conda_bytes(stem, index=index_of(stem)))
    assert action(retain_last="1").exit_code == 0
    assert deleted(server) == ["a.conda-1.0-h0_0.conda", *OLD]


def test_too_many_files(server: LocalChannel, action: Action) -> None:
    """None of them is deleted, and the package is there."""
    finished = action(retain_last="1", retain_max_deletes="2")
    assert (finished.exit_code, deleted(server)) == (5, [])
    assert statuses(finished) == {NEW: "uploaded"} | dict.fromkeys(OLD, "not-attempted")
    assert "more than 'retain-max-deletes' allows (2)" in annotated(finished.log, "error")[0].data


def test_a_key_that_may_not_delete(server: LocalChannel, action: Action) -> None:
    """The package is published all the same, and the error names the access mode."""
    server.allow("pfx_writer", Access.READ_WRITE)
    finished = action(retain_last="1", token="pfx_writer")
    assert finished.exit_code == 5
    assert [row["status"] for row in rows(finished)] == ["uploaded", "failed", "not-attempted", "not-attempted"]
    assert "READ_WRITE_DELETE" in finished.log


def test_rules_without_effect(server: LocalChannel, action: Action) -> None:
    """`retain-releases` alone deletes nothing, which nobody means."""
    finished = action(retain_releases="true")
    assert (finished.exit_code, len(server.requests)) == (2, 0)


def test_files_of_one_label(server: LocalChannel, action: Action, workspace: Path) -> None:
    """A package in a folder that is named after another subdir is not mistaken for the file there."""
    (workspace / NEW).unlink()
    stem = "demo-1.0-h0_0"
    content = conda_bytes(stem, index=index_of(stem, subdir="linux-64", noarch=None))
    written(workspace / "noarch" / f"{stem}.conda", content)
    finished = action(retain_last="1")
    found = [(row["subdir"], row["file"], row["status"]) for row in rows(finished)]
    assert found == [
        ("linux-64", OLD[0], "uploaded"),
        ("noarch", OLD[0], "deleted"),
        ("noarch", OLD[1], "deleted"),
    ]
    assert finished.exit_code == 0
    assert server.sha256(CHANNEL, "linux-64", OLD[0]) is not None
