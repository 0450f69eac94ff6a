"""Another build of a package is on the channel: other bytes, the same contents."""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
from typing import TYPE_CHECKING

import pytest

from localchannel import Answer, Fault, Truncate
from prefix_upload.reporting import summary
from prefix_upload.reporting.exit_codes import ExitCode, exit_code
from prefix_upload.reporting.outputs import outputs
from prefix_upload.status import Status
from support.building import built, package
from support.publishing import Stage, at
from support.running import CHANNEL

if TYPE_CHECKING:
    from pathlib import Path

    from localchannel import LocalChannel
    from support.publishing import Publish

DEMO = "demo-1.0-h0_0.conda"
DOWNLOAD = f"/noarch/{DEMO}"
BOMB = gzip.compress(bytes(2**26))


@pytest.fixture
def here(workspace: Path) -> Path:
    """A build in the workspace."""
    return built(workspace)


@pytest.fixture
def there(server: LocalChannel, tmp_path: Path) -> Path:
    """Another build of the same recipe, on the channel."""
    path = built(tmp_path / "elsewhere")
    server.publish(CHANNEL, path)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("extension", [".conda", ".tar.bz2"])
@pytest.mark.parametrize("noarch", [True, False], ids=["noarch", "native"])
@pytest.mark.parametrize("name", ["dry_run", "skip_existing", "summary"])
def test_a_build_that_is_run_again(
    server: LocalChannel,
    publish: Publish,
    workspace: Path,
    tmp_path: Path,
    noarch: bool,
    extension: str,
    name: str,
) -> None:
    """With any of these inputs, a job that is run again succeeds, and its package stays as it is on the channel."""
    old = built(tmp_path / "old", noarch=noarch, extension=extension)
    new = built(workspace, noarch=noarch, extension=extension)
    server.publish(CHANNEL, old)
    run = publish(new, stage=Stage(), **{name: "true"})
    assert run.statuses == {new.name: Status.SAME_CONTENT}
    assert exit_code(run.report) is ExitCode.SUCCESS
    assert f"its SHA-256 is {sha256(old)} there, {sha256(new)} here" in run.note(new.name)
    assert server.uploads == []
    assert list(server.files(CHANNEL).values()) == [sha256(old)]


def test_what_is_reported(publish: Publish, here: Path, there: Path) -> None:
    """The hash that the channel has; no checksum, which would be that of bytes that are nowhere."""
    report = publish(here).report
    values = outputs(report)
    (row,) = json.loads(values["packages"])
    assert (row["sha256"], row["channel_sha256"], row["md5"]) == (sha256(here), sha256(there), None)
    assert (values["present-count"], values["skipped-count"], values["checksums"]) == ("1", "0", "")
    text = summary.render(report)
    assert f"| `{sha256(there)[:12]}` |" in text
    assert f"# On the channel, from another build:\n# {sha256(there)}  {DEMO}" in text
    assert "pixi add demo" in text


def test_force_overwrites_another_build(server: LocalChannel, publish: Publish, here: Path, there: Path) -> None:
    """The bytes of this build are wanted."""
    assert publish(here, force="true").statuses == {DEMO: Status.OVERWRITTEN}
    assert server.files(CHANNEL) == {f"noarch/{DEMO}": sha256(here)} != {f"noarch/{DEMO}": sha256(there)}


def test_another_build_that_comes_meanwhile(server: LocalChannel, publish: Publish, here: Path, tmp_path: Path) -> None:
    """Two jobs of a matrix that build the same noarch package do not fail each other."""
    other = built(tmp_path / "elsewhere")
    run = publish(here, stage=Stage(before_phase=at("Upload", lambda: server.publish(CHANNEL, other))))
    assert run.statuses == {DEMO: Status.SAME_CONTENT}
    assert run.outcome(DEMO).channel_sha256 == sha256(other)
    assert [request.status for request in server.uploads] == [409]


def test_another_build_that_solvers_do_not_get(server: LocalChannel, publish: Publish, here: Path, there: Path) -> None:
    """The warning says both, and nobody is told to install it."""
    server.tamper(CHANNEL, "noarch", there.name, {"yankedReason": "broken"})
    run = publish(here)
    assert run.statuses == {DEMO: Status.SAME_CONTENT}
    assert "the same contents" in run.note(DEMO)
    assert "it is yanked (broken), so solvers do not choose it" in run.note(DEMO)
    assert list(run.report.installable_packages) == []


def test_two_builds_in_one_run(server: LocalChannel, publish: Publish, workspace: Path) -> None:
    """They are one package, the first of them."""
    first, second = built(workspace / "a"), built(workspace / "b")
    run = publish(first, second)
    assert run.statuses == {f"a/{DEMO}": Status.UPLOADED}
    assert server.files(CHANNEL) == {f"noarch/{DEMO}": sha256(first)}


def test_the_token_stays_with_the_server(server: LocalChannel, publish: Publish, here: Path, there: Path) -> None:
    """The package is downloaded from another host, which is not trusted with it."""
    assert publish(here).statuses == {there.name: Status.SAME_CONTENT}
    downloads = [request for request in server.requests if there.name in request.path]
    assert [request.status for request in downloads] == [303, 200]
    assert "Authorization" not in downloads[-1].headers


def test_a_file_that_conflicts_is_downloaded_once(
    server: LocalChannel, publish: Publish, workspace: Path, tmp_path: Path
) -> None:
    """Besides that, a run asks for the records, for the plan, and for the records of what it uploaded."""
    paths = [package(workspace, name) for name in ("first", "second", "third", "fourth")]
    for name in ("first", "second"):
        server.publish(CHANNEL, package(tmp_path / "old", name, content="old\n"))
    server.publish(CHANNEL, paths[2])
    publish(*paths)
    requests = [(request.method, request.path.partition("?")[0]) for request in server.requests]
    graphql, upload = ("POST", "/api/graphql"), ("POST", f"/api/v1/upload/{CHANNEL}")
    downloads = [("GET", f"/{CHANNEL}/noarch/{path.name}") for path in paths[:2]]
    # Each download is redirected to the storage.
    assert sorted(requests) == sorted([graphql, *downloads * 2, graphql, upload, graphql])


def test_different_contents_name_the_files(
    server: LocalChannel, publish: Publish, workspace: Path, tmp_path: Path
) -> None:
    """The error says what differs."""
    server.publish(CHANNEL, package(tmp_path / "old", files={"share/old": "", "share/both": "1"}))
    new = package(workspace, files={"share/new": "", "share/both": "2"})
    run = publish(new)
    assert run.statuses == {DEMO: Status.FAILED}
    assert (
        "Of their contents, 'share/both' differs; 'share/new' is only here; 'share/old' is only on the channel."
    ) in run.problem(DEMO)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault(Answer(404), path=DOWNLOAD, times=None), "was not downloaded: HTTP 404"),
        (Fault(Answer(403), path=DOWNLOAD, times=None), "was not downloaded: HTTP 403"),
        (Fault(Answer(200, "<html>"), path=DOWNLOAD, times=None), "does not have the hash of its record"),
        (Fault(Truncate(100), path=DOWNLOAD, times=None), "was not downloaded"),
        (Fault(Answer(200, bytes(3 * 2**20)), path=DOWNLOAD, times=None), "it has more than 10"),
        (Fault(Answer(200, BOMB, {"Content-Encoding": "gzip"}), path=DOWNLOAD, times=None), "it has more than 10"),
        (
            Fault(Answer(200, b"x", {"Content-Encoding": "gzip"}), path=DOWNLOAD, times=None),
            "does not have the hash of its record",
        ),
        (Fault(Answer(303, headers={"Location": "file:///etc/passwd"}), path=DOWNLOAD, times=None), "was not downl"),
        (Fault(Answer(303, headers={"Location": "//[::1"}), path=DOWNLOAD, times=None), "redirects to an invalid URL"),
        (Fault(Answer(303, headers={"Location": "?"}), path=DOWNLOAD, times=None), "was not downloaded: HTTP 303"),
        (Fault(Answer(204), path=DOWNLOAD, times=None), "does not have the hash of its record"),
        (Fault(Answer(206, b"PK"), path=DOWNLOAD, times=None), "does not have the hash of its record"),
    ],
    ids=[
        "missing",
        "refused",
        "not a package",
        "truncated",
        "too large",
        "too large when it is decoded",
        "not gzip",
        "a redirect to a file",
        "a redirect to nowhere",
        "a redirect to itself",
        "no content",
        "a part",
    ],
)
@pytest.mark.parametrize(("skip_existing", "status"), [("false", Status.FAILED), ("true", Status.SKIPPED)])
def test_contents_that_cannot_be_compared(
    server: LocalChannel,
    publish: Publish,
    here: Path,
    there: Path,
    fault: Fault,
    why: str,
    skip_existing: str,
    status: Status,
) -> None:
    """They are taken to be different, and the reason is given."""
    server.fail(fault)
    run = publish(here, skip_existing=skip_existing)
    assert run.statuses == {DEMO: status}
    text = run.problem(DEMO) + run.note(DEMO)
    assert f"its SHA-256 is {sha256(there)} there, {sha256(here)} here" in text
    assert "The contents could not be compared: the file" in text
    assert why in text


def test_a_package_that_the_record_does_not_belong_to(
    server: LocalChannel, publish: Publish, here: Path, there: Path
) -> None:
    """Contents count only if they are those of the hash that is shown."""
    server.tamper(CHANNEL, "noarch", there.name, {"sha256": "0" * 64})
    run = publish(here)
    assert run.statuses == {DEMO: Status.FAILED}
    assert "does not have the hash of its record" in run.problem(DEMO)


def test_no_place_for_a_download(
    publish: Publish, here: Path, there: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The comparison is given up, not the run."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    run = publish(here)
    assert run.statuses == {there.name: Status.FAILED}
    assert "could not be stored (No such file or directory)" in run.problem(DEMO)


def test_no_file_is_left_behind(publish: Publish, workspace: Path, here: Path, there: Path) -> None:
    """The workspace stays as it was."""
    before = sorted(workspace.rglob("*"))
    assert publish(here).statuses == {there.name: Status.SAME_CONTENT}
    assert sorted(workspace.rglob("*")) == before


def test_a_cancellation_while_contents_are_compared(
    server: LocalChannel, publish: Publish, workspace: Path, tmp_path: Path
) -> None:
    """Nothing is claimed of packages that were not compared yet, nor of those that would have been next."""
    first, second, new = (package(workspace, name) for name in ("first", "second", "new"))
    for name in ("first", "second"):
        server.publish(CHANNEL, package(tmp_path / "old", name, content="old\n"))
    stage = Stage(is_cancelled=lambda: any("/noarch/first" in request.path for request in server.requests))
    run = publish(first, second, new, stage=stage, dry_run="true", concurrency="1")
    assert run.statuses[second.name] is run.statuses[new.name] is Status.NOT_ATTEMPTED
