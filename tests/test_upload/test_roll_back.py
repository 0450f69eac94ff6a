"""`rollback-on-failure`: what a run has added is deleted again if a package fails, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from localchannel import Access, Answer, At, Call, Cut, Fault
from prefix_upload.errors import CancelledError
from prefix_upload.reporting import summary
from prefix_upload.reporting.exit_codes import ExitCode, exit_code
from prefix_upload.status import Status
from support import building
from support.building import conda_bytes, index_of, written
from support.publishing import Signer, Stage, at
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from localchannel import LocalChannel
    from support.publishing import Publish, Result

DELETE = "/api/v1/delete/"
GRAPHQL = "/api/graphql"
NAMES = ("app", "lib", "base", "other")
"""`app` depends on `lib`, and that on `base`."""
FAILS = Answer(422, "no")


def file_of(name: str) -> str:
    """The file name of one of the packages."""
    return f"{name}-1.0-h0_0.conda"


@pytest.fixture
def batch(workspace: Path) -> list[Path]:
    """Four packages, three of which depend on each other."""
    needs = {"app": ["lib"], "lib": ["base >=1"]}
    paths = []
    for name in NAMES:
        stem = f"{name}-1.0-h0_0"
        content = conda_bytes(stem, index=index_of(stem, depends=needs.get(name, [])))
        paths.append(written(workspace / f"{stem}.conda", content))
    return paths


@pytest.fixture
def fail(server: LocalChannel) -> Callable[[str], None]:
    """Lets the server refuse a package."""
    return lambda name: server.fail(Fault(FAILS, file=file_of(name), times=None))


def roll_back(publish: Publish, paths: list[Path], stage: Stage | None = None, **inputs: str) -> Result:
    """Publishes one after the other, and takes back what was added if one fails."""
    return publish(*paths, stage=stage, rollback_on_failure="true", concurrency="1", **inputs)


def deleted(server: LocalChannel) -> list[str]:
    """The names of the packages that the server was asked to delete, in order."""
    return [r.path.rpartition("/")[2].partition("-")[0] for r in server.requests if r.method == "DELETE"]


def left(result: Result) -> str:
    """The error about what is left on the channel."""
    (error,) = (error for error in result.report.errors if error.title == "Rollback incomplete")
    return f"{error.message} {error.hint} {error.example}"


@pytest.mark.parametrize("failing", NAMES)
def test_a_failure_at_every_position(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None], failing: str
) -> None:
    """Afterwards the channel is as before, and each row says what became of the package."""
    fail(failing)
    result = roll_back(publish, batch)
    assert server.files(CHANNEL) == {}
    needed_by_failing = {"app": {"lib", "base"}, "lib": {"base"}, "base": set(), "other": {"app", "lib", "base"}}
    expected = dict.fromkeys(NAMES, Status.NOT_ATTEMPTED)
    expected |= dict.fromkeys(needed_by_failing[failing] | ({"other"} - {failing}), Status.ROLLED_BACK)
    expected[failing] = Status.FAILED
    assert result.statuses == {file_of(name): status for name, status in expected.items()}
    assert result.report.errors == ()
    assert exit_code(result.report) is ExitCode.UPLOAD_FAILED
    reason = f"Deleted from the channel again, because '{file_of(failing)}' failed."
    problems = [result.problem(path) for path, status in result.statuses.items() if status is Status.ROLLED_BACK]
    assert set(problems) <= {reason}


def test_dependents_are_deleted_first(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None]
) -> None:
    """At no moment the channel has a package whose dependency has been deleted."""
    fail("other")
    roll_back(publish, batch)
    assert deleted(server) == ["app", "lib", "base"]


def test_without_a_failure_nothing_is_deleted(server: LocalChannel, publish: Publish, batch: list[Path]) -> None:
    """The input changes nothing in a run that goes well, not even a request."""
    result = roll_back(publish, batch)
    assert set(result.statuses.values()) == {Status.UPLOADED}
    requests = len(server.requests)
    for name in NAMES:
        server.remove(CHANNEL, "noarch", file_of(name))
    publish(*batch, concurrency="1")
    assert len(server.requests) == 2 * requests


def test_without_the_input_nothing_is_deleted(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None]
) -> None:
    """By default, what was uploaded stays."""
    fail("other")
    result = publish(*batch)
    assert list(result.statuses.values()).count(Status.UPLOADED) == 3
    assert deleted(server) == []


def test_what_was_there_stays(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None], tmp_path: Path
) -> None:
    """The same bytes, the same contents, and what was skipped."""
    app, lib, base, _ = batch
    server.publish(CHANNEL, app)
    other_lib = building.package(tmp_path / "lib", "lib", content="other\n")
    server.publish(CHANNEL, other_lib.rename(other_lib.with_name(lib.name)))
    before = server.files(CHANNEL)
    fail("other")
    result = roll_back(publish, batch, skip_existing="true")
    assert server.files(CHANNEL) == before
    assert result.statuses[app.name] is Status.ALREADY_PRESENT
    assert result.statuses[base.name] is Status.ROLLED_BACK


def test_what_was_overwritten_stays(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None], tmp_path: Path
) -> None:
    """The bytes of before are gone, and nothing is better than the new ones; what they need stays, too."""
    app, lib, base, _ = batch
    old = building.package(tmp_path / "old", "lib", content="old\n")
    server.publish(CHANNEL, old.rename(old.with_name(lib.name)))
    fail("other")
    result = roll_back(publish, batch, force="true")
    assert result.statuses[lib.name] is Status.OVERWRITTEN
    assert result.statuses[app.name] is Status.ROLLED_BACK
    assert sorted(server.files(CHANNEL)) == [f"noarch/{base.name}", f"noarch/{lib.name}"]
    assert f"'{base.name}': '{lib.name}' needs it." in left(result)


def test_what_may_have_been_overwritten_stays(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None]
) -> None:
    """With `force`, if the channel could not be compared."""
    server.fail(Fault(Answer(500), path=GRAPHQL), Fault(Answer(500), path="repodata"))
    fail("other")
    result = roll_back(publish, batch, force="true")
    assert len(server.files(CHANNEL)) == 3
    assert deleted(server) == []
    assert list(result.statuses.values()).count(Status.UPLOADED) == 3


def test_what_another_run_has_added_stays(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None]
) -> None:
    """Another job uploads the same package meanwhile."""
    fail("other")
    stage = Stage(before_phase=at("Upload", lambda: server.publish(CHANNEL, batch[0])))
    result = roll_back(publish, batch, stage)
    assert list(server.files(CHANNEL)) == [f"noarch/{batch[0].name}"]
    assert result.statuses[batch[0].name] is Status.ALREADY_PRESENT


def test_what_was_replaced_meanwhile_stays(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None], tmp_path: Path
) -> None:
    """Other bytes are not this run's, and the report says that they are there."""
    fail("other")
    new = building.package(tmp_path / "new", "base", content="new\n")
    new = new.rename(new.with_name(batch[2].name))
    stage = Stage(before_phase=at("Roll back", lambda: server.publish(CHANNEL, new)))
    result = roll_back(publish, batch, stage)
    assert list(server.files(CHANNEL)) == [f"noarch/{new.name}"]
    assert f"'{new.name}': It has other bytes now." in left(result)
    assert "DELETE" not in left(result)


def test_what_another_run_has_added_after_a_refusal_stays(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None]
) -> None:
    """The same bytes, of which the server has accepted none from this run."""
    fail("other")
    stage = Stage(before_phase=at("Roll back", lambda: server.publish(CHANNEL, batch[3])))
    result = roll_back(publish, batch, stage)
    assert list(server.files(CHANNEL)) == [f"noarch/{file_of('other')}"]
    assert result.statuses[file_of("other")] is Status.FAILED
    assert result.report.errors == ()


def test_what_another_run_may_have_added_stays(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None]
) -> None:
    """The server failed, and then it has the same bytes: it may be an upload of another job."""
    fail("other")
    server.fail(Fault(Answer(502), file=file_of("app")))
    publish_elsewhere = [lambda: server.publish(CHANNEL, batch[0])]

    def before_sleep(_: float) -> None:
        if publish_elsewhere:
            publish_elsewhere.pop()()

    result = roll_back(publish, batch, Stage(before_sleep=before_sleep), retries="1")
    assert result.statuses[file_of("app")] is Status.UPLOADED
    assert len(server.files(CHANNEL)) == 3
    assert f"'{file_of('app')}': The server did not confirm its upload, so it may be another job's." in left(result)
    assert f"'{file_of('lib')}': '{file_of('app')}' needs it." in left(result)


def test_what_another_run_has_added_before_it_was_overwritten_stays(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None], tmp_path: Path
) -> None:
    """Between the comparison and the upload, with `force`."""
    fail("other")
    other = building.package(tmp_path / "new", "base", content="new\n")
    other = other.rename(other.with_name(file_of("base")))
    stage = Stage(before_phase=at("Upload", lambda: server.publish(CHANNEL, other)))
    result = roll_back(publish, batch, stage, force="true")
    assert result.statuses[file_of("base")] is Status.OVERWRITTEN
    assert list(server.files(CHANNEL)) == [f"noarch/{file_of('base')}"]
    assert [request.path.rpartition("?")[2] for request in server.uploads].count("force=true") == 1


@pytest.mark.parametrize("is_same", [True, False])
def test_what_is_replaced_during_the_rollback_stays(
    server: LocalChannel,
    publish: Publish,
    batch: list[Path],
    fail: Callable[[str], None],
    tmp_path: Path,
    is_same: bool,
) -> None:
    """Other bytes, or the same once more, while another package is deleted."""
    fail("other")
    new = building.package(tmp_path / "new", "base", content="new\n")
    new = batch[2] if is_same else new.rename(new.with_name(batch[2].name))

    def replace() -> None:
        server.remove(CHANNEL, "noarch", file_of("base"))
        server.publish(CHANNEL, new)

    server.fail(Fault(Call(replace), path=f"{DELETE}{CHANNEL}/noarch/app"))
    result = roll_back(publish, batch)
    assert list(server.files(CHANNEL)) == [f"noarch/{file_of('base')}"]
    assert ("It was deleted and added again meanwhile" if is_same else "It has other bytes now") in left(result)


@pytest.mark.parametrize("seconds", [3, 18000])
def test_clocks_that_differ(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None], seconds: int
) -> None:
    """What may be older than the run is not deleted, and the report says that it is there."""
    fail("other")
    created = {"createdAt": (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()}
    stage = Stage(before_phase=at("Roll back", lambda: server.tamper(CHANNEL, "noarch", file_of("app"), created)))
    result = roll_back(publish, batch, stage)
    assert result.statuses[file_of("app")] is Status.UPLOADED
    assert f"'{file_of('app')}': By the server's clocks, it may have been added before the run." in left(result)


@pytest.mark.parametrize("created", ["2001-01-01T00:00:00Z", "2001-01-01T00:00:00"])
def test_what_is_older_than_the_run_stays(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None], created: str
) -> None:
    """A lost response was taken for an upload, but the file had been there before, unseen."""
    fail("other")
    server.fail(Fault(Cut(), file=file_of("app"), at=At.DONE))
    tamper = {"createdAt": created}
    stage = Stage(before_phase=at("Roll back", lambda: server.tamper(CHANNEL, "noarch", batch[0].name, tamper)))
    result = roll_back(publish, batch, stage)
    assert list(server.files(CHANNEL)) == [f"noarch/{batch[0].name}"]
    assert result.statuses[batch[0].name] is Status.ALREADY_PRESENT


@pytest.mark.parametrize("created", [None, "soon", 7])
def test_a_server_that_does_not_say_when(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None], created: object
) -> None:
    """What may be older than the run is not deleted, and neither is what it depends on."""
    fail("other")
    tamper = {"createdAt": created}
    stage = Stage(before_phase=at("Roll back", lambda: server.tamper(CHANNEL, "noarch", batch[1].name, tamper)))
    result = roll_back(publish, batch, stage)
    assert sorted(server.files(CHANNEL)) == ["noarch/base-1.0-h0_0.conda", "noarch/lib-1.0-h0_0.conda"]
    text = left(result)
    assert "'base-1.0-h0_0.conda': 'lib-1.0-h0_0.conda' needs it." in text
    assert result.statuses[batch[0].name] is Status.ROLLED_BACK
    assert result.statuses[batch[1].name] is Status.UPLOADED


def test_a_record_that_lags(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None]
) -> None:
    """Records of uploads and of deletions that show up a few look-ups later are waited for."""
    fail("other")
    server.lag(2)
    result = roll_back(publish, batch)
    assert server.files(CHANNEL) == {}
    assert result.report.errors == ()


def test_a_record_that_never_appears(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None]
) -> None:
    """The report says that the package may still appear."""
    fail("other")
    stage = Stage(before_phase=at("Roll back", lambda: server.tamper(CHANNEL, "noarch", batch[0].name, None)))
    result = roll_back(publish, batch, stage)
    assert "may still appear" in left(result)
    assert f"{server.url}{DELETE}{CHANNEL}/noarch/{batch[0].name}" in left(result)


def test_records_that_cannot_be_read(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None]
) -> None:
    """Then nothing is deleted, whatever the index says."""
    fail("other")
    broken = Fault(Answer(500), path=GRAPHQL, times=None)
    result = roll_back(publish, batch, Stage(before_phase=at("Roll back", lambda: server.fail(broken))))
    assert deleted(server) == []
    assert "Its record could not be read" in left(result)
    assert left(result).count("curl --fail -X DELETE") == 3


def test_a_run_that_ends_before_a_deletion(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None]
) -> None:
    """The package is known to be on the channel: nothing was asked for yet."""
    fail("other")

    def end(_: float) -> None:
        raise CancelledError

    def begin() -> None:
        server.fail(Fault(Call(lambda: None), path=GRAPHQL), Fault(Answer(503), path=GRAPHQL, times=None))
        stage.before_sleep = end

    stage = Stage(before_phase=at("Roll back", begin))
    result = roll_back(publish, batch, stage, retries="1")
    assert deleted(server) == []
    assert result.statuses[file_of("app")] is Status.UPLOADED
    assert f"'{file_of('app')}'" in left(result)


@pytest.mark.parametrize("answer", [Answer(500), Answer(200, "<html>"), Cut()], ids=repr)
def test_a_deletion_that_cannot_be_confirmed(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None], answer: Answer | Cut
) -> None:
    """The package is not reported as one that is on the channel: it may be gone."""
    fail("other")
    fall_silent = Call(lambda: server.fail(Fault(answer, path=GRAPHQL, times=None)))
    server.fail(Fault(fall_silent, path=f"{DELETE}{CHANNEL}/noarch/app", at=At.DONE))
    result = roll_back(publish, batch)
    assert file_of("app") not in str(server.files(CHANNEL))
    assert result.statuses[file_of("app")] is Status.FAILED
    assert "It may or may not be on the channel" in result.problem(file_of("app"))
    assert f"'{file_of('app')}': Whether the server has deleted it could not be looked up." in left(result)
    assert sorted(package.file_name for package in result.report.packages_on_channel) == [
        file_of("base"),
        file_of("lib"),
    ]


FAULTS = {
    "a server error": Fault(Answer(503), path=DELETE),
    "a response that is lost": Fault(Cut(), path=DELETE, at=At.DONE),
    "a reset": Fault(Cut(reset=True), path=DELETE, at=At.START),
    "an error after the deletion": Fault(Answer(500), path=DELETE, at=At.DONE),
    "another one is faster": Fault(Answer(404), path=DELETE, at=At.DONE),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_deletion_with_a_fault(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None], fault: str
) -> None:
    """It is retried, and what is gone is gone."""
    fail("other")
    server.fail(FAULTS[fault])
    result = roll_back(publish, batch, retries="1")
    assert server.files(CHANNEL) == {}
    assert result.report.errors == ()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(500, "out of order"), "out of order"),
        (Answer(404, "no such file"), "The server did not delete it."),
        (Answer(204), "The server did not delete it."),
        (Answer(400, "<html>what?</html>"), "what?"),
    ],
)
def test_a_deletion_that_fails(
    server: LocalChannel,
    publish: Publish,
    batch: list[Path],
    fail: Callable[[str], None],
    answer: Answer,
    reason: str,
) -> None:
    """What it depends on stays, too; the others go on. The report has a command for each that stays."""
    fail("other")
    server.fail(Fault(answer, path=f"{DELETE}{CHANNEL}/noarch/lib", times=None))
    result = roll_back(publish, batch)
    assert sorted(server.files(CHANNEL)) == ["noarch/base-1.0-h0_0.conda", "noarch/lib-1.0-h0_0.conda"]
    text = left(result)
    assert reason in text
    commands = [line.rpartition("/")[2] for line in text.split("curl") if "DELETE" in line]
    assert [command.strip() for command in commands] == [file_of("lib"), file_of("base")]
    assert result.statuses[batch[1].name] is Status.UPLOADED


def test_a_key_that_may_not_delete(
    server: LocalChannel, publish: Publish, batch: list[Path], fail: Callable[[str], None]
) -> None:
    """One attempt; the report names the access mode, and what is left."""
    server.allow(TOKEN, Access.READ_WRITE)
    fail("other")
    result = roll_back(publish, batch)
    assert deleted(server) == ["app"]
    assert len(server.files(CHANNEL)) == 3
    assert "READ_WRITE_DELETE" in left(result)
    assert left(result).count("curl --fail") == 3
    assert summary.render(result.report).count("```sh\n  curl --fail") == 1


def test_a_package_whose_upload_ended_in_doubt(server: LocalChannel, publish: Publish, batch: list[Path]) -> None:
    """Its response was lost, and its record showed up too late: it may be another job's, so it is reported."""
    server.fail(Fault(Cut(), file=file_of("app"), at=At.DONE))
    server.tamper(CHANNEL, "noarch", file_of("app"), None)
    server.freeze_index(CHANNEL)
    result = roll_back(publish, batch, Stage(before_phase=at("Roll back", server.heal)))
    assert f"noarch/{file_of('app')}" in server.files(CHANNEL)
    assert result.statuses[file_of("app")] is Status.FAILED
    assert f"'{file_of('app')}': The server did not confirm its upload" in left(result)


def test_an_attestation_that_was_dropped(server: LocalChannel, publish: Publish, batch: list[Path]) -> None:
    """The package failed at its confirmation, and is deleted with the others."""

    def drop() -> None:
        server.fail(Fault(Answer(200, "[]"), path=f"{file_of('app')}.v0.sigs", times=None))

    stage = Stage(before_phase=at("Confirm", drop), signer=Signer())
    result = roll_back(publish, batch, stage)
    assert server.files(CHANNEL) == {}
    assert result.statuses[file_of("app")] is Status.FAILED


def test_a_cancelled_run(server: LocalChannel, publish: Publish, batch: list[Path]) -> None:
    """What it has added by then is deleted, or named if the server's response came too late."""
    cancelled: list[bool] = []
    server.fail(Fault(Call(lambda: cancelled.append(True)), at=At.DONE, file=file_of("base")))
    result = roll_back(publish, batch, Stage(is_cancelled=lambda: bool(cancelled)))
    assert Status.UPLOADED not in result.statuses.values()
    if server.files(CHANNEL):
        assert list(server.files(CHANNEL)) == [f"noarch/{file_of('base')}"]
        assert file_of("base") in left(result)


def test_a_cancelled_run_that_has_no_time_left(server: LocalChannel, publish: Publish, batch: list[Path]) -> None:
    """The report says what may be left."""
    cancelled: list[bool] = []
    over: list[bool] = []
    server.fail(Fault(Call(lambda: cancelled.append(True)), at=At.DONE, file=file_of("lib")))
    stage = Stage(
        is_cancelled=lambda: bool(cancelled),
        is_over=lambda: bool(over),
        before_phase=at("Roll back", lambda: server.fail(Fault(Call(lambda: over.append(True)), path=DELETE))),
    )
    result = roll_back(publish, batch, stage)
    there = {name.partition("/")[2] for name in server.files(CHANNEL)}
    assert there
    assert all(f"'{name}'" in left(result) for name in there)


def test_a_dry_run_deletes_nothing(server: LocalChannel, publish: Publish, batch: list[Path]) -> None:
    """There is nothing to take back."""
    roll_back(publish, batch, dry_run="true")
    assert deleted(server) == []
