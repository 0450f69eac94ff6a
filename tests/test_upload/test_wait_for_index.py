"""Waiting for the index: how each state of it ends the run, with a clock that only moves while the run waits."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

import pytest

from localchannel import Access, Answer, At, Call, Channel, Fault, LocalChannel
from prefix_upload.errors import CancelledError
from prefix_upload.report import IndexStatus
from prefix_upload.reporting import diagnostics
from prefix_upload.reporting.exit_codes import ExitCode, exit_code
from prefix_upload.status import Status
from prefix_upload.steps import wait_for_index
from support import building
from support.publishing import Stage
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from localchannel import Request
    from support.publishing import Publish, Result

DEMO = "demo-1.0-h0_0.conda"
REPODATA = "/noarch/repodata.json"
SHARD_INDEX = "/noarch/repodata_shards.msgpack.zst"
SHARD = "/noarch/shards/"
OTHER_HASH = "0" * 64


@pytest.fixture
def stage() -> Stage:
    """A listener whose clock shows how long was waited."""
    made = Stage()
    made.clock = lambda: sum(made.pauses)
    return made


@pytest.fixture
def wait(publish: Publish, stage: Stage) -> Callable[..., Result]:
    """Publishes, and waits for a minute at most."""

    def run(*paths: Path, **inputs: str) -> Result:
        return publish(*paths, stage=stage, **{"wait_for_index": "true", "index_timeout": "60"} | inputs)

    return run


Wait = Any


def reads(server: LocalChannel, path: str = "") -> list[Request]:
    """The requests for files of the index."""
    return [request for request in server.requests if request.method == "GET" and path in request.path]


def problems(run: Result) -> list[str]:
    return [f"{error.title}: {error}" for error in diagnostics.errors(run.report)]


def statuses(run: Result) -> dict[str, IndexStatus]:
    return {subdir.subdir: subdir.status for subdir in run.report.index}


def test_an_index_that_shows_everything(server: LocalChannel, wait: Wait, stage: Stage, workspace: Path) -> None:
    """Each subdir is noted, and nothing is waited for."""
    run = wait(building.package(workspace), building.package(workspace, "native", subdir="linux-64"))
    assert statuses(run) == {"linux-64": IndexStatus.INSTALLABLE, "noarch": IndexStatus.INSTALLABLE}
    assert stage.pauses == []
    assert exit_code(run.report) is ExitCode.SUCCESS
    assert run.report.index_seconds == 0
    assert "noarch: 1 package can be installed (0.0 s)" in stage.events
    assert (
        len(reads(server, SHARD_INDEX)) == len(reads(server, REPODATA)) == len(reads(server, SHARD)) == 2
    )  # redirected


@pytest.mark.parametrize("path", [SHARD_INDEX, SHARD, REPODATA])
def test_a_file_of_the_index_that_is_slow(
    server: LocalChannel, wait: Wait, stage: Stage, demo: Path, path: str
) -> None:
    """It is looked at after 1, 2 and 4 seconds, and the run succeeds."""
    server.fail(Fault(Answer(404 if path == SHARD else 503), path=path, times=3))
    run = wait(demo)
    assert statuses(run) == {"noarch": IndexStatus.INSTALLABLE}
    assert stage.pauses == [1, 2, 4]
    assert run.report.index_seconds == 7


def test_an_index_that_is_written_late(server: LocalChannel, wait: Wait, stage: Stage, demo: Path) -> None:
    """The files are as they were before the upload for a while."""
    server.lag_index(CHANNEL, 2)
    run = wait(demo)
    assert statuses(run) == {"noarch": IndexStatus.INSTALLABLE}
    assert stage.pauses[:2] == [1, 2]


def test_an_index_that_is_stuck(server: LocalChannel, wait: Wait, stage: Stage, workspace: Path) -> None:
    """After half of the time each late subdir gets one new index, at the end the run fails with a code of its own."""
    server.freeze_index(CHANNEL, is_stuck=True)
    run = wait(building.package(workspace), building.package(workspace, "native", subdir="linux-64"))
    assert exit_code(run.report) is ExitCode.INDEX_BEHIND
    assert set(run.statuses.values()) == {Status.UPLOADED}
    assert statuses(run) == {"linux-64": IndexStatus.LATE, "noarch": IndexStatus.LATE}
    assert stage.pauses == [1, 2, 4, 8, 10, 5, 10, 10, 10]
    reindexed = [request.path for request in server.requests if "reindex" in request.path]
    assert sorted(reindexed) == [f"/api/v1/reindex/{CHANNEL}/{subdir}" for subdir in ("linux-64", "noarch")]
    assert "noarch: half of the timeout has passed, so a reindex was requested" in stage.events
    native, demo = problems(run)
    assert "After 60 s, clients can't install 1 of 1 package from linux-64" in native
    assert f"{DEMO}: repodata.json does not list it, and repodata_shards.msgpack.zst does not list demo." in demo
    assert list(run.report.installable_packages) == []


def test_an_index_that_a_new_one_puts_right(server: LocalChannel, wait: Wait, stage: Stage, demo: Path) -> None:
    """The run succeeds as soon as the server has written it."""
    server.freeze_index(CHANNEL)
    run = wait(demo)
    assert statuses(run) == {"noarch": IndexStatus.INSTALLABLE}
    assert sum(stage.pauses) == run.report.index_seconds == 30


def test_only_late_subdirs_get_a_new_index(server: LocalChannel, wait: Wait, workspace: Path) -> None:
    """The others are not looked at any more."""
    server.fail(Fault(Answer(503), path=REPODATA, times=None))
    wait(building.package(workspace), building.package(workspace, "native", subdir="linux-64"))
    assert [request.path for request in server.requests if "reindex" in request.path] == [
        f"/api/v1/reindex/{CHANNEL}/noarch"
    ]
    assert len(reads(server, "/linux-64/repodata.json")) == 2


@pytest.mark.parametrize(
    ("part", "reason"),
    [("shards", "repodata_shards.msgpack.zst does not list demo"), ("repodata", "repodata.json does not list it")],
)
def test_a_part_of_the_index_that_is_stale(
    server: LocalChannel, wait: Wait, demo: Path, part: Any, reason: str
) -> None:
    """Either part alone is not enough, since some clients read only that."""
    server.freeze_index(CHANNEL, parts=[part], is_stuck=True)
    run = wait(demo)
    assert exit_code(run.report) is ExitCode.INDEX_BEHIND
    (problem,) = problems(run)
    assert f"{DEMO}: {reason}." in problem


def test_a_shard_with_old_contents(server: LocalChannel, wait: Wait, demo: Path) -> None:
    """The index of the shards lists the name, and its shard lacks the file."""
    server.edit_index(CHANNEL, "noarch", DEMO, None, parts=["shards"])
    (problem,) = problems(wait(demo))
    assert f"the shard of demo ({server.url}/{CHANNEL}{SHARD}" in problem
    assert "msgpack.zst) does not list it." in problem


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(404, "<html><body>Not here</body></html>"), "could not be read (HTTP 404: Not here)"),
        (Answer(200, "<!doctype html><p>Welcome"), "could not be read (the server sent an HTML page)"),
        (Answer(200, b"x"), "could not be read (the server sent a file that does not have the hash in its address)"),
        (Answer(403), "could not be read (HTTP 403, empty response)"),
    ],
    ids=["404", "HTML", "other bytes", "403"],
)
def test_a_shard_that_is_listed_and_missing(
    server: LocalChannel, wait: Wait, demo: Path, answer: Answer, reason: str
) -> None:
    """It may come, so it is waited for, and named."""
    server.fail(Fault(answer, path=SHARD, times=None))
    run = wait(demo)
    assert exit_code(run.report) is ExitCode.INDEX_BEHIND
    (problem,) = problems(run)
    assert f"the shard of demo ({server.url}/{CHANNEL}{SHARD}" in problem
    assert reason in problem


@pytest.mark.parametrize("path", [REPODATA, SHARD_INDEX])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(500, "boom"), "HTTP 500: boom"),
        (Answer(200, "<html>Welcome</html>"), "the response is not"),
        (Answer(302, "", {"Location": "https://[oops"}), "it redirects to an invalid URL"),
        (Answer(304), "HTTP 304"),
    ],
    ids=["500", "HTML", "bad redirect", "304 unasked"],
)
def test_a_file_that_cannot_be_read(
    server: LocalChannel, wait: Wait, demo: Path, path: str, answer: Answer, reason: str
) -> None:
    """Until the time is up: the last reason is shown."""
    server.fail(Fault(answer, path=path, times=None))
    run = wait(demo)
    assert exit_code(run.report) is ExitCode.INDEX_BEHIND
    (problem,) = problems(run)
    assert f"{path.rpartition('/')[2]} could not be read ({reason}" in problem


@pytest.mark.parametrize("status", [404, 501])
def test_a_channel_without_shards(server: LocalChannel, wait: Wait, stage: Stage, demo: Path, status: int) -> None:
    """Clients then read `repodata.json`."""
    server.fail(Fault(Answer(status), path=SHARD_INDEX, times=None))
    assert statuses(wait(demo)) == {"noarch": IndexStatus.INSTALLABLE}
    assert stage.pauses == []


@pytest.mark.parametrize("is_public", [True, False], ids=["public", "private"])
def test_shards_on_another_host(tmp_path: Path, wait: Wait, demo: Path, is_public: bool) -> None:
    """It never gets the token, whether the channel is private or not."""
    channels, keys = {CHANNEL: Channel(public=is_public)}, {TOKEN: Access.READ_WRITE}
    with LocalChannel(tmp_path / "elsewhere", channels, keys) as server:
        server.move_shards(CHANNEL)
        run = wait(demo, server_url=server.url)
        shards = reads(server, f"/shards/{CHANNEL}/noarch/")
        index = [request for request in reads(server, SHARD_INDEX) if request.status == 303]
    assert statuses(run) == {"noarch": IndexStatus.INSTALLABLE}
    assert [(request.origin, request.headers["Authorization"]) for request in shards] == [("storage", None)]
    assert [request.headers["Authorization"] is None for request in index] == [is_public]


def test_shards_of_a_private_channel(tmp_path: Path, wait: Wait, demo: Path) -> None:
    """On the server itself they get the token, but not where it redirects to."""
    channels, keys = {CHANNEL: Channel(public=False)}, {TOKEN: Access.READ_WRITE}
    with LocalChannel(tmp_path / "elsewhere", channels, keys) as server:
        run = wait(demo, server_url=server.url)
        shards = reads(server, SHARD)
    assert statuses(run) == {"noarch": IndexStatus.INSTALLABLE}
    assert [(request.origin, request.headers["Authorization"]) for request in shards] == [
        ("api", f"Bearer {TOKEN}"),
        ("storage", None),
    ]


def test_shards_that_appear_while_repodata_is_late(server: LocalChannel, wait: Wait, demo: Path) -> None:
    """From then on they count."""
    server.fail(Fault(Answer(404), path=SHARD_INDEX, times=2))
    server.fail(Fault(Answer(503), path=REPODATA, times=3))
    server.fail(Fault(Answer(404), path=SHARD, times=None))
    run = wait(demo)
    (problem,) = problems(run)
    assert "the shard of demo" in problem
    assert "repodata.json" not in problem


@pytest.mark.parametrize("parts", [("repodata",), ("shards",), ("repodata", "shards")], ids=" and ".join)
def test_another_hash_in_the_index(
    server: LocalChannel, wait: Wait, stage: Stage, demo: Path, parts: tuple[Any, ...]
) -> None:
    """It ends the run at once, with both hashes."""
    server.edit_index(CHANNEL, "noarch", DEMO, {"sha256": OTHER_HASH}, parts=parts)
    run = wait(demo)
    assert stage.pauses == []
    assert exit_code(run.report) is ExitCode.INDEX_BEHIND
    assert statuses(run) == {"noarch": IndexStatus.WRONG}
    (problem,) = problems(run)
    assert problem.startswith("Wrong hash in the index: The index of noarch does not belong to the files")
    assert f"lists it with the SHA-256 {OTHER_HASH}" in problem
    assert f"but the channel has {hashlib.sha256(demo.read_bytes()).hexdigest()}" in problem


def test_another_hash_ends_the_wait_for_other_subdirs(server: LocalChannel, wait: Wait, workspace: Path) -> None:
    """What became of them is not known."""
    server.edit_index(CHANNEL, "noarch", DEMO, {"sha256": OTHER_HASH})
    server.fail(Fault(Answer(503), path="/linux-64/repodata.json", times=None))
    run = wait(building.package(workspace), building.package(workspace, "native", subdir="linux-64"))
    assert statuses(run) == {"linux-64": IndexStatus.UNFINISHED, "noarch": IndexStatus.WRONG}
    assert len(problems(run)) == 1


def test_with_force_another_hash_may_be_that_of_the_overwritten_file(
    server: LocalChannel, wait: Wait, stage: Stage, demo: Path, old: Path
) -> None:
    """So it is waited for."""
    server.publish(CHANNEL, old)
    server.freeze_index(CHANNEL)
    run = wait(demo, force="true")
    assert run.statuses == {DEMO: Status.OVERWRITTEN}
    assert statuses(run) == {"noarch": IndexStatus.INSTALLABLE}
    assert sum(stage.pauses) == 30
    server.heal()
    server.edit_index(CHANNEL, "noarch", DEMO, {"sha256": OTHER_HASH})
    (problem,) = problems(wait(demo, force="true"))
    assert problem.startswith("Not installable yet: After 60 s, ")
    assert f"lists it with the SHA-256 {OTHER_HASH}" in problem


def test_a_package_that_the_index_lists_as_removed(server: LocalChannel, wait: Wait, demo: Path) -> None:
    """Solvers do not choose it, whatever its entry says."""
    removed = f'{{"packages.conda": {{"{DEMO}": {{"sha256": "{OTHER_HASH}"}}}}, "removed": ["{DEMO}"]}}'
    server.fail(Fault(Answer(200, removed), path=REPODATA, times=None))
    (problem,) = problems(wait(demo))
    assert f"{DEMO}: repodata.json lists it as removed." in problem


def test_packages_that_were_there_are_waited_for(server: LocalChannel, wait: Wait, stage: Stage, demo: Path) -> None:
    """Also if nothing had to be uploaded."""
    server.publish(CHANNEL, demo)
    server.lag_index(CHANNEL, 1)
    server.freeze_index(CHANNEL)
    run = wait(demo)
    assert run.statuses == {DEMO: Status.ALREADY_PRESENT}
    assert statuses(run) == {"noarch": IndexStatus.INSTALLABLE}
    assert len(server.uploads) == 0
    assert stage.pauses == []


def test_another_build_is_waited_for_with_its_own_hash(server: LocalChannel, wait: Wait, workspace: Path) -> None:
    """The index lists the file that the channel has."""
    content = [building.conda_bytes(index=building.index_of(timestamp=time)) for time in (1, 2)]
    server.publish(CHANNEL, building.written(workspace.parent / "there" / DEMO, content[0]))
    run = wait(building.written(workspace / DEMO, content[1]))
    assert run.statuses == {DEMO: Status.SAME_CONTENT}
    assert statuses(run) == {"noarch": IndexStatus.INSTALLABLE}


def test_withheld_packages_are_not_waited_for(server: LocalChannel, wait: Wait, stage: Stage, demo: Path) -> None:
    """They do not become installable."""
    server.publish(CHANNEL, demo)
    server.tamper(CHANNEL, "noarch", DEMO, {"yankedReason": "broken"})
    run = wait(demo)
    assert run.report.index == ()
    assert run.report.index_seconds is None
    assert exit_code(run.report) is ExitCode.SUCCESS
    assert any("Not waiting for packages that solvers do not get" in event and DEMO in event for event in stage.events)
    assert reads(server) == []


def test_a_run_that_failed_does_not_wait(server: LocalChannel, wait: Wait, stage: Stage, three: list[Path]) -> None:
    """It fails anyway, and says so."""
    server.fail(Fault(Answer(422, "no"), file=three[0].name))
    run = wait(*three)
    assert exit_code(run.report) is ExitCode.UPLOAD_FAILED
    assert stage.events[-1] == "Not waiting for the index, because the run failed."
    assert reads(server, "shards") == []
    assert run.report.index_seconds is None


def test_packages_that_are_too_large_are_a_failure(
    server: LocalChannel, wait: Wait, stage: Stage, workspace: Path
) -> None:
    """A run that ended before the uploads does not wait either."""
    server.limit({"entityType": "PACKAGE_SIZE", "used": 0, "limit": 2**20})
    noise = building.tar_member("share/noise", hashlib.shake_128(b"").digest(2**21))
    run = wait(building.written(workspace / DEMO, building.conda_bytes(payload_members=[noise])))
    assert exit_code(run.report) is ExitCode.UPLOAD_FAILED
    assert "Not waiting for the index, because the run failed." in stage.events


@pytest.mark.parametrize("inputs", [{"dry_run": "true"}, {"wait_for_index": "false"}], ids=repr)
def test_runs_that_do_not_wait(server: LocalChannel, wait: Wait, stage: Stage, demo: Path, inputs: Any) -> None:
    """A dry run publishes nothing; without the input, a run sends the requests that it needs for the upload."""
    run = wait(demo, **inputs)
    assert run.report.index_seconds is None
    assert "Wait for the index" not in stage.events
    expected = ["/api/graphql"] if inputs.get("dry_run") else ["/api/graphql", f"/api/v1/upload/{CHANNEL}"]
    assert sorted({request.path for request in server.requests}) == expected
    assert len(server.requests) <= 4  # with the limits of the plan, and the confirmation


def test_files_that_have_not_changed_are_not_sent_again(server: LocalChannel, wait: Wait, demo: Path) -> None:
    """The server is told what is known by its `ETag`."""
    server.freeze_index(CHANNEL, is_stuck=True)
    wait(demo, index_timeout="10")
    for path in (REPODATA, SHARD_INDEX):
        first, *others = [request for request in reads(server, path) if request.origin == "storage"]
        assert (first.status, first.headers["If-None-Match"]) == (200, None)
        assert {request.status for request in others} == {304}
        assert len(others) >= 3
        assert all(request.headers["If-None-Match"] for request in others)


def test_a_shard_is_read_once(server: LocalChannel, wait: Wait, demo: Path, workspace: Path) -> None:
    """Its address is its hash, so it is still the same if a later index lists it."""
    server.publish(CHANNEL, demo)
    server.freeze_index(CHANNEL, parts=["shards"])
    run = wait(demo, building.package(workspace, "other"))
    assert statuses(run) == {"noarch": IndexStatus.INSTALLABLE}
    shards = [request for request in reads(server, SHARD) if request.origin == "storage"]
    indexes = [request for request in reads(server, SHARD_INDEX) if request.status == 200]
    assert (len(shards), len(indexes)) == (2, 2)


def test_a_server_that_tells_dates(server: LocalChannel, wait: Wait, demo: Path) -> None:
    """`Last-Modified` serves the same purpose, and what was read before stays known."""
    date = {"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
    server.fail(Fault(Answer(200, '{"packages": {}}', date), path=REPODATA))
    server.fail(Fault(Answer(304), path=REPODATA, times=None))
    run = wait(demo, index_timeout="3")
    first, second, *_ = reads(server, REPODATA)
    assert first.headers["If-Modified-Since"] is None
    assert second.headers["If-Modified-Since"] == date["Last-Modified"]
    (problem,) = problems(run)
    assert "repodata.json does not list it" in problem


def test_an_index_that_can_not_be_read(server: LocalChannel, wait: Wait, demo: Path) -> None:
    """The advice does not call it late."""
    server.fail(Fault(Answer(403, "not for you"), path=REPODATA, times=None))
    (error,) = diagnostics.errors(wait(demo).report)
    assert "repodata.json could not be read (HTTP 403: not for you)" in error.message
    assert "its index could not be read" in error.hint


def test_an_error_in_between_does_not_hide_what_is_known(server: LocalChannel, wait: Wait, demo: Path) -> None:
    """After it, the file is as it was for its `ETag`."""
    server.freeze_index(CHANNEL, is_stuck=True)
    server.fail(Fault(Call(lambda: None), path=REPODATA, times=4), Fault(Answer(500), path=REPODATA, times=1))
    (problem,) = problems(wait(demo))
    assert "repodata.json does not list it" in problem


def test_retry_after_holds(server: LocalChannel, wait: Wait, stage: Stage, demo: Path) -> None:
    """The server is not asked before the time that it named."""
    server.fail(Fault(Answer(429, "slow down", {"Retry-After": "25"}), path=REPODATA))
    run = wait(demo)
    assert statuses(run) == {"noarch": IndexStatus.INSTALLABLE}
    assert 25 in stage.pauses


def test_a_new_index_that_is_refused(server: LocalChannel, wait: Wait, stage: Stage, demo: Path) -> None:
    """The wait goes on, and the log says why there is none."""
    server.freeze_index(CHANNEL)
    server.fail(Fault(Answer(403, "no permission"), path="/reindex/"))
    run = wait(demo)
    assert statuses(run) == {"noarch": IndexStatus.LATE}
    assert any("a reindex could not be requested: HTTP 403: no permission" in e for e in stage.events)


def test_progress_is_shown_every_ten_seconds(server: LocalChannel, wait: Wait, stage: Stage, demo: Path) -> None:
    """With what is missing."""
    server.freeze_index(CHANNEL, is_stuck=True)
    wait(demo)
    lines = [event for event in stage.events if event.startswith("…")]
    assert [line.partition(" s:")[0] for line in lines] == [
        f"… noarch, after {seconds}" for seconds in (15, 25, 40, 50, 60)
    ]
    assert f"1 of 1 package can't be installed yet: {DEMO}: repodata.json does not list it" in lines[0]


def test_a_cancellation_while_waiting(server: LocalChannel, wait: Wait, stage: Stage, demo: Path) -> None:
    """The run ends with what is known."""
    cancelled: list[float] = []
    stage.is_cancelled = lambda: bool(cancelled)

    def cancel(seconds: float) -> None:
        cancelled.append(seconds)
        raise CancelledError

    stage.before_sleep = cancel
    server.freeze_index(CHANNEL)
    run = wait(demo)
    assert run.statuses == {DEMO: Status.UPLOADED}
    assert statuses(run) == {"noarch": IndexStatus.UNFINISHED}
    assert run.report.index[0].missing[DEMO].startswith("repodata.json does not list it")
    assert problems(run) == []
    assert not any("reindex" in request.path for request in server.requests)


def test_a_cancelled_run_does_not_wait(server: LocalChannel, wait: Wait, stage: Stage, demo: Path) -> None:
    """Not if the cancellation comes with the last upload."""
    cancelled: list[bool] = []
    stage.is_cancelled = lambda: bool(cancelled)
    server.fail(Fault(Call(lambda: cancelled.append(True)), at=At.DONE, path="/upload/"))
    run = wait(demo)
    assert "Wait for the index" not in stage.events
    assert run.report.index == ()


def test_a_server_that_keeps_the_run_waiting(
    server: LocalChannel, wait: Wait, stage: Stage, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends when the time is up, although a request is still open, whose own timeout is far away."""
    monkeypatch.setattr(wait_for_index, "_LAST_LOOK", 0.1)
    begun, is_over, too_long = threading.Event(), threading.Event(), threading.Event()

    def keep_waiting() -> None:
        begun.set()
        if not is_over.wait(30):
            too_long.set()

    stage.clock = lambda: 1000.0 * begun.is_set()
    server.fail(Fault(Call(keep_waiting), path=REPODATA))
    run = wait(demo, index_timeout="600")
    is_over.set()
    assert not too_long.is_set()
    assert statuses(run) == {"noarch": IndexStatus.LATE}
    assert exit_code(run.report) is ExitCode.INDEX_BEHIND


def test_a_server_that_asks_for_more_time_than_there_is(
    server: LocalChannel, wait: Wait, stage: Stage, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run does not wait for that, and says what the server answered."""
    monkeypatch.setattr(wait_for_index, "_LAST_LOOK", 0.1)
    begun, released, slept = threading.Event(), threading.Event(), []

    def sleep(seconds: float) -> None:
        begun.set()
        released.wait(60)
        slept.append(seconds)

    stage.before_sleep, stage.clock = sleep, lambda: 2.0 * begun.is_set()
    server.fail(Fault(Answer(429, "slow down", {"Retry-After": "100"}), path=REPODATA, times=None))
    run = wait(demo, index_timeout="1", concurrency="1")
    assert slept == []
    released.set()
    (problem,) = problems(run)
    assert "repodata.json could not be read (HTTP 429: slow down)" in problem


def test_hundreds_of_packages(server: LocalChannel, wait: Wait, workspace: Path) -> None:
    """Each name has a shard of its own; a file of the index is read once."""
    stems = [f"tool{number:03}-1.0-h0_0" for number in range(60)]
    paths = [building.written(workspace / f"{stem}.conda", building.conda_bytes(stem)) for stem in stems]
    run = wait(*paths)
    assert statuses(run) == {"noarch": IndexStatus.INSTALLABLE}
    assert len([request for request in reads(server, SHARD) if request.origin == "storage"]) == 60
    assert len([request for request in reads(server, REPODATA) if request.origin == "storage"]) == 1
