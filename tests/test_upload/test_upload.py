"""The order of a run, and what becomes of each file in it."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import threading
from typing import TYPE_CHECKING, Any

import pytest

from localchannel import Answer, At, Call, Cut, Fault
from prefix_upload.commands.upload import upload
from prefix_upload.errors import CancelledError, setting
from prefix_upload.package import validate as validation
from prefix_upload.prefix_dev import BATCH_SIZE, Channel
from prefix_upload.report import Outcome
from prefix_upload.reporting.exit_codes import ExitCode, exit_code
from prefix_upload.status import Status
from prefix_upload.steps import compare, transfer, validate
from prefix_upload.steps.ledger import Ledger
from prefix_upload.steps.progress import Transfer
from support import building
from support.packages import make_package
from support.publishing import Signer, Stage, at
from support.running import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from localchannel import LocalChannel, Request
    from prefix_upload.package.model import CandidateFile, Package
    from support.publishing import MakeRun, Publish

UPLOAD = "/api/v1/upload/"
GRAPHQL = "/api/graphql"
REPODATA = "/repodata.json"
DEMO = "demo-1.0-h0_0.conda"


def paths_of(server: LocalChannel) -> list[str]:
    """What the server was asked, upload or question, in order."""
    return [request.path.removesuffix(f"/{CHANNEL}") for request in server.requests]


def look_ups(server: LocalChannel) -> list[Request]:
    """The questions for records."""
    return [request for request in server.requests if request.path == GRAPHQL and "variant(" in request.json["query"]]


def test_the_order_of_work(server: LocalChannel, publish: Publish, three: list[Path]) -> None:
    """Validate all, ask for the records and for the plan, upload each, confirm once."""
    stage = Stage()
    run = publish(*three, stage=stage, concurrency="1")
    names = [path.name for path in three]
    assert sorted(stage.events[1:4]) == [f"ok {name}" for name in names]
    assert stage.events[:1] + stage.events[4:] == [
        "Validate 3 files",
        "Compare 3 packages with the channel",
        f"Upload 3 packages to {CHANNEL}",
        *(f"uploaded {name}" for name in names),
        "Confirm 3 uploads",
    ]
    assert paths_of(server) == [GRAPHQL, GRAPHQL, *["/api/v1/upload"] * 3, GRAPHQL]
    assert exit_code(run.report) is ExitCode.SUCCESS
    assert run.report.warnings == ()
    assert [outcome.file.file_name for outcome in run.report.outcomes] == names


def test_one_invalid_file_and_nothing_is_sent(
    server: LocalChannel, publish: Publish, workspace: Path, demo: Path
) -> None:
    """Not even a question."""
    broken = workspace / "broken-1.0-0.conda"
    broken.write_bytes(b"no zip")
    run = publish(demo, broken)
    assert server.requests == []
    assert run.statuses == {DEMO: Status.NOT_ATTEMPTED, broken.name: Status.INVALID}
    assert "other files are invalid" in run.problem(DEMO)
    assert "not a valid ZIP file" in run.problem(broken.name)
    assert exit_code(run.report) is ExitCode.INVALID_PACKAGES


def test_nothing_to_do(server: LocalChannel, publish: Publish) -> None:
    """Without any files, no step begins."""
    stage = Stage()
    run = publish(stage=stage, glob="*.conda", if_no_files_found="ignore")
    assert (stage.events, run.statuses, server.requests) == ([], {}, [])


HEAVY = [{"content": os.urandom(2**18)}, {"extension": ".tar.bz2"}]


@pytest.mark.parametrize("heavy", HEAVY, ids=["large", "bzip2"])
def test_files_are_validated_in_parallel(
    publish: Publish, workspace: Path, heavy: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many files are validated at the same time as there are CPUs, if most of the work is decoding."""
    files = [building.package(workspace, name, **heavy) for name in ("a", "b", "c")]
    together = threading.Barrier(3)
    check = validation.check

    def meet(paths: Sequence[Path], options: validation.ValidationOptions) -> Package | CandidateFile:
        together.wait(10)
        return check(paths, options)

    monkeypatch.setattr(validation, "check", meet)
    monkeypatch.setattr(validate, "available_cpus", lambda: 3)
    assert set(publish(*files, dry_run="true").statuses.values()) == {Status.WOULD_UPLOAD}


@pytest.mark.parametrize("heavy", HEAVY, ids=["large", "bzip2"])
def test_small_files_are_validated_in_one_thread(
    publish: Publish, three: list[Path], workspace: Path, heavy: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small files share a thread, since threads that take turns are slower; each other one may have another."""
    another = building.package(workspace, "another", **heavy)
    threads: set[int] = set()
    check = validation.check

    def noted(paths: Sequence[Path], options: validation.ValidationOptions) -> Package | CandidateFile:
        threads.add(threading.get_ident())
        return check(paths, options)

    monkeypatch.setattr(validation, "check", noted)
    monkeypatch.setattr(validate, "available_cpus", lambda: 4)
    publish(*three, dry_run="true")
    assert len(threads) == 1
    threads.clear()
    publish(*three, another, dry_run="true")
    assert len(threads) <= 2


def test_a_file_that_is_too_large(publish: Publish, demo: Path) -> None:
    """A file of exactly `max-size` is valid; a larger one is invalid."""
    size = demo.stat().st_size
    assert publish(demo, dry_run="true", max_size=str(size)).statuses == {DEMO: Status.WOULD_UPLOAD}
    assert publish(demo, max_size=str(size - 1)).statuses == {DEMO: Status.INVALID}


def test_what_is_there_is_not_sent(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """One question, the plan's beside it, and no confirmation of what was not sent."""
    server.publish(CHANNEL, demo)
    run = publish(demo)
    assert run.statuses == {DEMO: Status.ALREADY_PRESENT}
    assert paths_of(server) == [GRAPHQL, GRAPHQL]
    assert len([request for request in server.requests if request.is_about_plan]) == 1


def test_one_name_in_two_subdirs_is_two_packages(server: LocalChannel, publish: Publish, workspace: Path) -> None:
    """A channel holds one file of a name per subdir."""
    paths = [building.package(workspace / subdir, subdir=subdir) for subdir in ("linux-64", "osx-arm64")]
    publish(*paths)
    assert sorted(server.files(CHANNEL)) == [f"linux-64/{DEMO}", f"osx-arm64/{DEMO}"]


def test_a_copy_is_one_package(server: LocalChannel, publish: Publish, workspace: Path, demo: Path) -> None:
    """Identical bytes for one place on the channel are sent once."""
    copy = workspace / "copy" / DEMO
    copy.parent.mkdir()
    shutil.copyfile(demo, copy)
    run = publish(demo, copy)
    assert run.statuses == {DEMO: Status.UPLOADED}
    assert len(server.uploads) == 1


def test_many_packages_are_asked_for_in_batches(server: LocalChannel, publish: Publish, workspace: Path) -> None:
    """A hundred a request, before and after; each arrives with its own bytes."""
    paths = [building.package(workspace, f"demo{number}", content=f"{number}\n") for number in range(250)]
    run = publish(*paths, concurrency="16")
    assert set(run.statuses.values()) == {Status.UPLOADED}
    questions = look_ups(server)
    counts = [sum(name.startswith("file") for name in request.json["variables"]) for request in questions]
    assert sorted(counts[:3]) == sorted(counts[3:]) == [50, 100, 100]
    assert len(server.uploads) == 250
    files = server.files(CHANNEL)
    assert len(set(files.values())) == 250
    assert [package.sha256 for package in run.report.packages_on_channel] == [
        files[f"noarch/{path.name}"] for path in paths
    ]


@pytest.mark.parametrize("step", ["Compare", "Upload", "Confirm"])
def test_each_step_uses_the_concurrency_setting(
    server: LocalChannel, publish: Publish, three: list[Path], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Comparing, uploading and confirming each run as many requests in parallel as `concurrency` says."""
    monkeypatch.setattr(compare, "BATCH_SIZE", 1)
    together = threading.Barrier(3)
    met = []

    def meet() -> None:
        met.append(together.wait(10))

    wait_for_all = Fault(Call(meet), path=UPLOAD if step == "Upload" else GRAPHQL, times=3)
    stage = Stage(before_phase=at(step, lambda: server.fail(wait_for_all)), signer=Signer())
    run = publish(*three, stage=stage, concurrency="3")
    assert set(run.statuses.values()) == {Status.UPLOADED}
    assert sorted(met) == [0, 1, 2]


# The MD5.


@pytest.mark.parametrize(("dry_run", "force"), [("false", "false"), ("true", "false"), ("false", "true")])
def test_the_md5_is_that_of_the_servers_record(
    server: LocalChannel, publish: Publish, workspace: Path, old: Path, dry_run: str, force: str
) -> None:
    """Of what is on the channel with these bytes, whether or not this run uploaded it; of nothing else."""
    there, new, other = (building.package(workspace, name) for name in ("there", "new", "demo"))
    server.publish(CHANNEL, there)
    server.publish(CHANNEL, old)
    run = publish(there, new, other, dry_run=dry_run, force=force)
    for path in (there, new, other):
        is_there = server.sha256(CHANNEL, "noarch", path.name) == hashlib.sha256(path.read_bytes()).hexdigest()
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        assert run.outcome(path.name).md5 == (md5 if is_there else None)


def test_no_md5_where_the_server_does_not_tell(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """It is not made up."""
    server.tamper(CHANNEL, "noarch", DEMO, {"md5": None})
    assert publish(demo).outcome(DEMO).md5 is None
    assert publish(demo).outcome(DEMO).md5 is None


def test_the_md5_of_an_upload_whose_answer_was_lost(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """The record that settled a lost response has the MD5, even if confirming it fails."""
    server.fail(Fault(Cut(), path=UPLOAD, at=At.DONE))
    silence = Fault(Answer(500), path=GRAPHQL, times=None), Fault(Answer(500), path=REPODATA, times=None)
    run = publish(demo, stage=Stage(before_phase=at("Confirm", lambda: server.fail(*silence))))
    assert run.statuses == {DEMO: Status.UPLOADED}
    assert run.outcome(DEMO).md5 == hashlib.md5(demo.read_bytes(), usedforsecurity=False).hexdigest()


def test_the_md5_of_what_came_meanwhile(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """A 409 is settled by a record, which has it."""
    stage = Stage(before_phase=at("Upload", lambda: server.publish(CHANNEL, demo)))
    expected = hashlib.md5(demo.read_bytes(), usedforsecurity=False).hexdigest()
    assert publish(demo, stage=stage).outcome(DEMO).md5 == expected


# Names that are taken.


def test_other_bytes_fail(server: LocalChannel, publish: Publish, three: list[Path], tmp_path: Path) -> None:
    """Without an upload, with both hashes; the others are published."""
    there = building.package(tmp_path / "old", "second", content="old\n")
    server.publish(CHANNEL, there)
    run = publish(*three)
    assert list(run.statuses.values()) == [Status.UPLOADED, Status.FAILED, Status.UPLOADED]
    assert str(server.sha256(CHANNEL, "noarch", there.name)) in run.problem(there.name)
    assert "⟨skip-existing⟩" in run.problem(there.name)
    assert [request.file for request in server.uploads if request.file == there.name] == []
    assert exit_code(run.report) is ExitCode.UPLOAD_FAILED


def test_other_bytes_are_left_alone(server: LocalChannel, publish: Publish, demo: Path, old: Path) -> None:
    """`skip-existing`: a note with both hashes, and no failure."""
    server.publish(CHANNEL, old)
    run = publish(demo, skip_existing="true")
    assert run.statuses == {DEMO: Status.SKIPPED}
    there = server.sha256(CHANNEL, "noarch", DEMO)
    here = hashlib.sha256(demo.read_bytes()).hexdigest()
    assert f"its SHA-256 is {there} there, {here} here." in run.note(DEMO)
    assert "'share/demo.txt' differs. The file on the channel was kept." in run.note(DEMO)
    assert server.uploads == []
    assert exit_code(run.report) is ExitCode.SUCCESS
    assert list(run.report.packages_on_channel) == []


def test_other_bytes_are_overwritten(server: LocalChannel, publish: Publish, demo: Path, old: Path) -> None:
    """`force`: the server has the new ones, and the status says that there were others."""
    server.publish(CHANNEL, old)
    before = server.sha256(CHANNEL, "noarch", DEMO)
    run = publish(demo, force="true")
    assert run.statuses == {DEMO: Status.OVERWRITTEN}
    assert server.sha256(CHANNEL, "noarch", DEMO) != before
    assert server.uploads[0].path.endswith("?force=true")


def test_force_without_a_comparison(server: LocalChannel, publish: Publish, demo: Path, old: Path) -> None:
    """With `force`, the file is overwritten even if the channel could not be compared."""
    server.publish(CHANNEL, old)
    server.fail(Fault(Answer(500), path=GRAPHQL), Fault(Answer(500), path=REPODATA))
    assert publish(demo, force="true").statuses == {DEMO: Status.UPLOADED}
    assert server.sha256(CHANNEL, "noarch", DEMO) == hashlib.sha256(demo.read_bytes()).hexdigest()


def test_force_sends_nothing_that_is_there(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """Same bytes need no force; a new file is just uploaded."""
    server.publish(CHANNEL, demo)
    assert publish(demo, force="true").statuses == {DEMO: Status.ALREADY_PRESENT}
    assert server.uploads == []


def test_force_of_a_new_file(publish: Publish, demo: Path) -> None:
    """Nothing was overwritten."""
    assert publish(demo, force="true").statuses == {DEMO: Status.UPLOADED}


def test_skip_existing_uploads_what_is_missing(publish: Publish, demo: Path) -> None:
    """It is about files that are there."""
    assert publish(demo, skip_existing="true").statuses == {DEMO: Status.UPLOADED}


@pytest.mark.parametrize(
    ("skip_existing", "status"), [("true", Status.SKIPPED), ("false", Status.FAILED)], ids=["skip", "fail"]
)
def test_a_name_that_is_taken_meanwhile(
    server: LocalChannel, publish: Publish, demo: Path, old: Path, skip_existing: str, status: Status
) -> None:
    """The server's 409 means the same as the comparison before."""
    stage = Stage(before_phase=at("Upload", lambda: server.publish(CHANNEL, old)))
    run = publish(demo, stage=stage, skip_existing=skip_existing)
    assert run.statuses == {DEMO: status}
    assert "with different bytes" in run.note(DEMO) + run.problem(DEMO)
    assert [request.status for request in server.uploads] == [409]


def test_the_same_package_comes_meanwhile(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """Two runs that publish the same do not fail each other."""
    stage = Stage(before_phase=at("Upload", lambda: server.publish(CHANNEL, demo)))
    assert publish(demo, stage=stage).statuses == {DEMO: Status.ALREADY_PRESENT}


def test_the_same_package_comes_meanwhile_with_force(
    server: LocalChannel, publish: Publish, demo: Path, old: Path
) -> None:
    """A package that another run uploaded first does not count as overwritten by this run."""
    server.publish(CHANNEL, old)
    server.fail(Fault(Answer(409, "somebody was quicker"), path=UPLOAD))
    stage = Stage(before_phase=at("Upload", lambda: server.publish(CHANNEL, demo)))
    assert publish(demo, stage=stage, force="true").statuses == {DEMO: Status.ALREADY_PRESENT}


# Dry runs.


def test_a_dry_run_sends_no_package(server: LocalChannel, publish: Publish, three: list[Path], tmp_path: Path) -> None:
    """It compares, and says what a run would do."""
    server.publish(CHANNEL, three[0])
    server.publish(CHANNEL, building.package(tmp_path / "old", "second", content="old\n"))
    run = publish(*three, dry_run="true")
    assert list(run.statuses.values()) == [Status.ALREADY_PRESENT, Status.FAILED, Status.WOULD_UPLOAD]
    assert run.outcome(three[2].name).warning is None
    assert {request.method for request in server.requests if request.path != GRAPHQL} == {"GET"}
    assert run.report.result == "failure"


def test_a_dry_run_that_learns_nothing(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """The warning says what to check, and does not announce any uploads."""
    server.fail(Fault(Answer(404), times=None))
    run = publish(demo, dry_run="true", token="")
    (warning,) = run.report.warnings
    assert warning.hint == f"Before you publish, check {setting('channel')} and {setting('server-url')}."
    assert "upload" not in str(warning)


def test_a_dry_run_with_force_would_overwrite(server: LocalChannel, publish: Publish, demo: Path, old: Path) -> None:
    """And overwrites nothing."""
    server.publish(CHANNEL, old)
    run = publish(demo, dry_run="true", force="true", token="")
    assert run.statuses == {DEMO: Status.WOULD_UPLOAD}
    assert "would be overwritten" in run.note(DEMO)
    assert run.report.result == "dry-run"
    assert server.uploads == []
    assert server.requests[0].headers["Authorization"] is None


# Failures of some, and of all.


def test_a_failed_file_does_not_stop_the_others(server: LocalChannel, publish: Publish, three: list[Path]) -> None:
    """The error shows the server's message."""
    server.fail(Fault(Answer(422, "bad metadata"), file=three[1].name))
    run = publish(*three)
    assert list(run.statuses.values()) == [Status.UPLOADED, Status.FAILED, Status.UPLOADED]
    assert "HTTP 422: bad metadata" in run.problem(three[1].name)
    assert len(server.files(CHANNEL)) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_an_answer_for_all_stops_those_not_started(
    server: LocalChannel, publish: Publish, three: list[Path], status: int
) -> None:
    """The rest is not attempted, with the same reason."""
    server.fail(Fault(Answer(status, "no"), path=UPLOAD, times=None))
    run = publish(*three, concurrency="1")
    assert list(run.statuses.values()) == [Status.FAILED, Status.NOT_ATTEMPTED, Status.NOT_ATTEMPTED]
    assert f"HTTP {status}" in run.problem(three[2].name)
    assert len(server.uploads) == 1
    assert exit_code(run.report) is ExitCode.UPLOAD_FAILED


def test_a_server_that_is_not_there_stops_the_batch(publish: Publish, three: list[Path], closed_url: str) -> None:
    """The run does not wait for each package's retries."""
    run = publish(*three, concurrency="1", server_url=closed_url)
    assert list(run.statuses.values()) == [Status.FAILED, Status.NOT_ATTEMPTED, Status.NOT_ATTEMPTED]
    assert "Channel not compared" in {warning.title for warning in run.report.warnings}


@pytest.mark.parametrize(
    "change", [lambda path: path.unlink(), lambda path: path.write_bytes(os.urandom(9999))], ids=["removed", "changed"]
)
def test_a_file_that_changed_since_validation(
    server: LocalChannel, publish: Publish, three: list[Path], change: Callable[[Path], None]
) -> None:
    """It fails, the others do not, and nothing is stored under its name."""
    stage = Stage(before_phase=at("Upload", lambda: change(three[0])))
    run = publish(*three, stage=stage)
    assert list(run.statuses.values()) == [Status.FAILED, Status.UPLOADED, Status.UPLOADED]
    assert run.outcome(three[0].name).error is not None
    assert f"noarch/{three[0].name}" not in server.files(CHANNEL)


def test_a_bug_in_a_worker_ends_the_run(make_run: MakeRun, three: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception reaches the caller unchanged, and the report covers every file."""
    made = make_run(*three, concurrency="1")

    def fail(*_: object, on_progress: Callable[[int], None], **__: object) -> None:
        on_progress(0)
        raise RuntimeError("a bug in the upload")

    monkeypatch.setattr(Channel, "upload", fail)
    with pytest.raises(RuntimeError, match=r"^a bug in the upload$"):
        upload(made)
    first, *others = (outcome.status for outcome in made.report().outcomes)
    assert first is Status.FAILED
    # The worker may take the next packages before the queue is emptied.
    assert len(others) == 2
    assert set(others) <= {Status.FAILED, Status.NOT_ATTEMPTED}


# A server that does not tell.


def test_nobody_tells_what_is_there(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """A warning with the reasons, and the upload goes on; what it cannot confirm it notes."""
    server.fail(Fault(Answer(500, "no graph"), path=GRAPHQL, times=None))
    server.fail(Fault(Answer(500, "no index"), path=REPODATA, times=None))
    stage = Stage()
    run = publish(demo, stage=stage)
    assert run.statuses == {DEMO: Status.UPLOADED}
    (warning,) = run.report.warnings
    assert warning.title == "Channel not compared"
    assert "no graph" in warning.message
    assert "no index" in warning.message
    assert "Not confirmed" in repr(run.outcome(DEMO).warning)
    assert exit_code(run.report) is ExitCode.SUCCESS
    assert stage.pauses == [1, 2, 4, 8]


def test_each_reason_is_reported_once(
    server: LocalChannel, publish: Publish, three: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The warning lists every distinct error once, however many batches failed."""
    monkeypatch.setattr(compare, "BATCH_SIZE", 1)
    server.fail(*(Fault(Answer(500, message), path=GRAPHQL) for message in ("no graph", "no graph at all", "no graph")))
    server.fail(Fault(Answer(404, "no index"), path=REPODATA, times=None))
    (warning,) = publish(*three).report.warnings
    reasons = warning.message.partition("(")[2].rpartition(")")[0].split("; ")
    assert sorted(reasons) == [
        "GraphQL: HTTP 500: no graph",
        "GraphQL: HTTP 500: no graph at all",
        "repodata of noarch: HTTP 404: no index",
    ]


def test_graphql_is_down_and_repodata_tells(
    server: LocalChannel, publish: Publish, demo: Path, workspace: Path
) -> None:
    """What is there is not sent; what is sent is confirmed."""
    server.publish(CHANNEL, demo)
    new = building.package(workspace, "new")
    server.fail(Fault(Cut(), path=GRAPHQL, times=None))
    run = publish(demo, new)
    assert run.statuses == {DEMO: Status.ALREADY_PRESENT, new.name: Status.UPLOADED}
    assert run.outcome(new.name).warning is None


def test_the_server_lists_other_bytes_afterwards(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """Its own record decides, not its 200."""
    stage = Stage(before_phase=at("Confirm", lambda: server.tamper(CHANNEL, "noarch", DEMO, {"sha256": "f" * 64})))
    run = publish(demo, stage=stage)
    assert run.statuses == {DEMO: Status.FAILED}
    assert "f" * 64 in run.problem(DEMO)
    assert stage.events[-1] == f"failed {DEMO}"
    assert stage.pauses == []


def test_the_server_lists_nothing_afterwards(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """It is looked up a few times, in repodata, too, before that is believed."""
    server.tamper(CHANNEL, "noarch", DEMO, None)
    server.freeze_index(CHANNEL)
    stage = Stage()
    run = publish(demo, stage=stage)
    assert run.statuses == {DEMO: Status.FAILED}
    assert "does not list it" in run.problem(DEMO)
    assert stage.pauses == [1, 2, 4, 8]
    assert exit_code(run.report) is ExitCode.UPLOAD_FAILED


def test_a_record_may_take_its_time(server: LocalChannel, publish: Publish, three: list[Path]) -> None:
    """Only what is still missing is asked for again."""
    server.tamper(CHANNEL, "noarch", three[0].name, None)

    def appear(seconds: float) -> None:
        if seconds == 2:
            server.tamper(CHANNEL, "noarch", three[0].name, {})

    stage = Stage(before_sleep=appear)
    run = publish(*three, stage=stage)
    assert set(run.statuses.values()) == {Status.UPLOADED}
    assert stage.pauses == [1, 2]
    questions = [request.json["variables"] for request in look_ups(server)]
    assert [sum(name.startswith("file") for name in counts) for counts in questions] == [3, 3, 1, 1]


# Signs of life.


def test_a_long_silence_is_filled(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """After ten seconds without news, and again after ten more, with what is under way."""
    shown_twice = threading.Event()

    class Listener(Stage):
        def waiting(self, transfers: Sequence[Transfer]) -> None:
            super().waiting(transfers)
            if sum(map(bool, self.waits)) == 2:
                shown_twice.set()

    times = itertools.count(step=3)
    server.fail(Fault(Call(lambda: shown_twice.wait(60)), path=UPLOAD, at=At.DONE))
    stage = Listener(clock=lambda: float(next(times)))
    run = publish(demo, stage=stage)
    assert shown_twice.is_set()
    waits = [transfers for transfers in stage.waits if transfers]
    assert {path for transfers in waits for path, _ in transfers} == {DEMO}
    assert waits[-1] == [(DEMO, demo.stat().st_size)]
    assert run.outcome(DEMO).seconds > 0


def test_a_sign_of_life_says_why_it_takes_so_long(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """After an attempt that failed."""
    failed = threading.Event()

    class Listener(Stage):
        def waiting(self, transfers: Sequence[Transfer]) -> None:
            super().waiting(transfers)
            if "HTTP 503: busy" in self.last_errors:
                failed.set()

    times = itertools.count(step=3)
    server.fail(Fault(Answer(503, "busy"), path=UPLOAD), Fault(Call(lambda: failed.wait(60)), path=UPLOAD, at=At.DONE))
    stage = Listener(clock=lambda: float(next(times)))
    assert publish(demo, stage=stage, retries="1").statuses == {DEMO: Status.UPLOADED}
    assert failed.is_set()


def test_nothing_is_said_while_there_is_news(publish: Publish, three: list[Path]) -> None:
    """A clock that stands still: no sign of life."""
    stage = Stage()
    publish(*three, stage=stage)
    assert stage.waits == []


def test_progress_is_shown_every_ten_seconds(make_run: MakeRun) -> None:
    """Showing the progress restarts the interval."""
    seconds = [0.0]
    shown_at: list[float] = []
    enough = threading.Event()

    class Listener(Stage):
        def waiting(self, _: object) -> None:
            shown_at.append(seconds[0])
            if len(shown_at) == 3:
                enough.set()

    def clock() -> float:
        seconds[0] += 5
        return seconds[0]

    assert make_run(stage=Listener(clock=clock), glob="*").call(lambda: enough.wait(10))
    assert shown_at[0] == 15  # the call began at 5
    assert min(later - earlier for earlier, later in itertools.pairwise(shown_at)) >= 10


@pytest.mark.parametrize("kind", ["call", "each"])
def test_each_step_restarts_the_progress_interval(make_run: MakeRun, kind: str) -> None:
    """Time that passed before a step does not count."""
    polled = threading.Semaphore(0)

    def clock() -> float:
        polled.release()
        return 1000.0

    def work(_: int = 0) -> bool:
        return all(polled.acquire(timeout=10) for _ in range(5))

    stage = Stage(clock=clock)
    run = make_run(stage=stage, glob="*")
    results = [run.call(work)] if kind == "call" else list(run.each(work, [1], 1))
    assert results == [True]
    assert stage.waits == []


def test_an_outcome_restarts_the_progress_interval(make_run: MakeRun) -> None:
    """Right after an outcome, the uploads in progress are not shown."""
    now = [0.0]
    polled = threading.Semaphore(0)

    def clock() -> float:
        if now[0]:
            polled.release()
        return now[0]

    def work(item: int) -> int:
        assert not item or all(polled.acquire(timeout=10) for _ in range(5))
        return item

    stage = Stage(clock=clock)
    run = make_run(stage=stage, glob="*")
    results = run.each(work, [0, 1], 2)
    assert next(results) == 0
    now[0] = 1000.0
    run.finish(Outcome(file=make_package(), status=Status.UPLOADED))
    assert list(results) == [1]
    assert stage.waits == []


def test_finished_transfers_are_not_in_progress() -> None:
    """Recording the outcome of a file removes its transfer."""
    ledger = Ledger()
    first, second = make_package(1), make_package(2)
    for package in (first, second):
        ledger.transfers[package.label] = Transfer(package, started=0.0)
    ledger.record(Outcome(file=first, status=Status.UPLOADED))
    assert [transfer.package for transfer in ledger.transfers.values()] == [second]


# Cancellation.


def test_a_run_that_is_cancelled_from_the_start(server: LocalChannel, publish: Publish, three: list[Path]) -> None:
    """No request is sent, and each file is in the report."""
    run = publish(*three, stage=Stage(is_cancelled=lambda: True))
    assert server.requests == []
    assert set(run.statuses.values()) == {Status.NOT_ATTEMPTED}
    assert "the run ended first" in run.problem(three[0].name)


def test_a_dry_run_that_is_cancelled(server: LocalChannel, publish: Publish, three: list[Path]) -> None:
    """Packages that were not compared are not attempted; they do not count as missing on the channel."""
    cancelled = threading.Event()

    class Listener(Stage):
        def checked(self, file: Package | CandidateFile) -> None:
            super().checked(file)
            if len(self.events) == 4:
                cancelled.set()

    run = publish(*three, stage=Listener(is_cancelled=cancelled.is_set), dry_run="true")
    assert server.requests == []
    assert set(run.statuses.values()) == {Status.NOT_ATTEMPTED}


def test_a_run_that_is_cancelled_before_the_uploads(server: LocalChannel, publish: Publish, three: list[Path]) -> None:
    """No upload starts."""
    cancelled = threading.Event()
    stage = Stage(
        before_phase=at("Upload", cancelled.set),
        is_cancelled=cancelled.is_set,
    )
    run = publish(*three, stage=stage)
    assert server.uploads == []
    assert set(run.statuses.values()) == {Status.NOT_ATTEMPTED}


def test_a_run_that_is_cancelled_during_an_upload(server: LocalChannel, publish: Publish, three: list[Path]) -> None:
    """What is under way may be there or not; what comes after it does not start; what was done stays done."""
    cancelled, is_over = threading.Event(), threading.Event()
    now = itertools.count()

    def cancel_and_stall() -> None:
        cancelled.set()
        is_over.wait()

    server.fail(Fault(Call(cancel_and_stall), path=UPLOAD, file=three[1].name, at=At.DONE))
    stage = Stage(is_cancelled=cancelled.is_set, clock=lambda: float(next(now)) if cancelled.is_set() else 0.0)
    try:
        run = publish(*three, stage=stage, concurrency="1")
    finally:
        is_over.set()
    assert list(run.statuses.values()) == [Status.UPLOADED, Status.FAILED, Status.NOT_ATTEMPTED]
    assert "may or may not be on the channel" in run.problem(three[1].name)
    assert [request.file for request in server.uploads] == [three[0].name, three[1].name]


def test_a_run_that_is_cancelled_while_it_signs(server: LocalChannel, publish: Publish, three: list[Path]) -> None:
    """What was signed and not sent is no upload that may have arrived."""
    cancelled = threading.Event()
    stage = Stage(is_cancelled=cancelled.is_set, signer=Signer(cancelled.set))
    run = publish(*three, stage=stage, concurrency="1")
    assert server.uploads == []
    assert set(run.statuses.values()) == {Status.NOT_ATTEMPTED}
    assert "the run ended first" in run.problem(three[0].name)


def test_nothing_is_signed_in_a_cancelled_run(make_run: MakeRun) -> None:
    """A worker that takes a package after the cancellation does not sign it."""
    signed: list[str] = []
    stage = Stage(is_cancelled=lambda: True, signer=Signer(lambda: signed.append("signed")))
    package = make_package()
    sender = transfer._Sender(make_run(stage=stage, glob="*"), [compare.Upload(package)], {package.key: ()})
    outcome = sender.process(package.key)
    assert outcome is not None
    assert (outcome.status, signed) == (Status.NOT_ATTEMPTED, [])


def test_a_run_that_is_cancelled_while_it_signs_in(server: LocalChannel, publish: Publish, three: list[Path]) -> None:
    """Nothing more is begun."""
    cancelled = threading.Event()
    signer = Signer()
    stage = Stage(before_phase=at("Authenticate", cancelled.set), is_cancelled=cancelled.is_set, signer=signer)
    run = publish(*three, stage=stage)
    assert not signer.is_prepared
    assert server.uploads == []
    assert set(run.statuses.values()) == {Status.NOT_ATTEMPTED}


def test_a_run_that_is_cancelled_after_authentication(publish: Publish, demo: Path) -> None:
    """No further step begins."""
    cancelled = threading.Event()

    class Preparing(Signer):
        def prepare(self) -> None:
            cancelled.set()

    stage = Stage(is_cancelled=cancelled.is_set, signer=Preparing())
    assert publish(demo, stage=stage).statuses == {DEMO: Status.NOT_ATTEMPTED}
    assert stage.events == ["Validate 1 file", f"ok {DEMO}", "Compare 1 package with the channel", "Authenticate"]


def test_signed_packages_are_confirmed_in_batches(server: LocalChannel, publish: Publish, workspace: Path) -> None:
    """Of no more than the server takes in one question."""
    stems = [f"tool-{number}-1.0-h0_0" for number in range(BATCH_SIZE + 1)]
    paths = [building.written(workspace / f"{stem}.conda", building.conda_bytes(stem)) for stem in stems]
    run = publish(*paths, stage=Stage(signer=Signer()), concurrency="1")
    assert set(run.statuses.values()) == {Status.UPLOADED}
    assert len(look_ups(server)) == 4


@pytest.mark.parametrize(
    ("is_signed", "concurrency", "counts"),
    [(True, "1", [3]), (True, "2", [1, 2]), (True, "3", [1, 1, 1]), (True, "32", [1, 1, 1]), (False, "3", [3])],
)
def test_confirmation_batches(
    server: LocalChannel, publish: Publish, three: list[Path], is_signed: bool, concurrency: str, counts: list[int]
) -> None:
    """With attestations, the uploads are split evenly among the workers; without, they are one query."""
    stage = Stage(signer=Signer() if is_signed else None)
    assert set(publish(*three, stage=stage, concurrency=concurrency).statuses.values()) == {Status.UPLOADED}
    questions = [request.json["variables"] for request in look_ups(server)]
    looked_up = [sum(name.startswith("file") for name in variables) for variables in questions]
    assert (looked_up[0], sorted(looked_up[1:])) == (3, counts)


def test_a_confirmed_attestation_is_not_requested_again(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """While the record is still missing, only the record is looked up again."""
    server.tamper(CHANNEL, "noarch", DEMO, None)
    stage = Stage(before_sleep=lambda _: server.tamper(CHANNEL, "noarch", DEMO, {}), signer=Signer())
    run = publish(demo, stage=stage)
    assert (run.statuses, stage.pauses) == ({DEMO: Status.UPLOADED}, [1])
    assert sum(request.path.endswith(".sigs") for request in server.requests) == 1


@pytest.mark.parametrize("then", [Answer(404), Answer(200, "[]")], ids=["not found", "no attestations"])
def test_an_attestation_may_appear_late(server: LocalChannel, publish: Publish, demo: Path, then: Answer) -> None:
    """An attestation that is not served yet is looked up again."""
    server.fail(Fault(then, path=".sigs"))
    run = publish(demo, stage=Stage(signer=Signer()))
    assert run.statuses == {DEMO: Status.UPLOADED}
    assert run.outcome(DEMO).warning is None


def test_an_attestation_that_cannot_be_read_back(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """The outcome has a warning, and the MD5 from the record."""
    server.fail(Fault(Answer(404), path=".sigs", times=None))
    outcome = publish(demo, stage=Stage(signer=Signer())).outcome(DEMO)
    assert outcome.md5 == hashlib.md5(demo.read_bytes(), usedforsecurity=False).hexdigest()
    assert "could not be read back" in str(outcome.warning)


def test_what_was_told_once_is_not_forgotten(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """The attestation comes later than the record, which is unavailable by then."""
    server.fail(Fault(Answer(404), path=".sigs"))

    def fall_silent(_: float) -> None:
        server.fail(Fault(Answer(500), path=GRAPHQL, times=None), Fault(Answer(404), path=REPODATA, times=None))

    run = publish(demo, stage=Stage(before_sleep=fall_silent, signer=Signer()))
    assert run.statuses == {DEMO: Status.UPLOADED}
    assert run.outcome(DEMO).warning is None


def test_an_upload_ends_with_the_next_piece(server: LocalChannel, publish: Publish, workspace: Path) -> None:
    """A cancelled run sends no more of it."""
    large = building.package(workspace, "large", content=os.urandom(8 * 2**20).hex())
    cancelled = threading.Event()
    server.fail(Fault(Call(cancelled.set), path=UPLOAD, at=100_000))
    run = publish(large, stage=Stage(is_cancelled=cancelled.is_set))
    assert run.statuses == {large.name: Status.FAILED}
    assert "may or may not be on the channel" in run.problem(large.name)
    server.settle()
    assert server.files(CHANNEL) == {}
    assert server.uploads[0].body_size < large.stat().st_size


def test_a_cancelled_confirmation_is_noted(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """The upload was accepted; the hashes were not compared."""
    cancelled = threading.Event()
    stage = Stage(
        before_phase=at("Confirm", cancelled.set),
        is_cancelled=cancelled.is_set,
    )
    server.fail(Fault(Answer(200, "{}"), path=GRAPHQL, times=None), Fault(Answer(404), path=REPODATA, times=None))
    run = publish(demo, stage=stage)
    assert run.statuses == {DEMO: Status.UPLOADED}
    assert run.outcome(DEMO).warning is not None


def test_a_pause_that_is_cancelled_ends_the_confirmation(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """A record that is missing by then may still appear: that is a warning."""

    def cancel(_: float) -> None:
        raise CancelledError

    server.tamper(CHANNEL, "noarch", DEMO, None)
    run = publish(demo, stage=Stage(before_sleep=cancel))
    assert run.statuses == {DEMO: Status.UPLOADED}
    assert "its record could not be read" in run.note(DEMO)


def test_a_pause_that_is_cancelled_ends_the_retries(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """The upload is given up, and whether it arrived is unknown."""

    def cancel(_: float) -> None:
        raise CancelledError

    server.fail(Fault(Answer(503), path=UPLOAD, times=None))
    run = publish(demo, stage=Stage(before_sleep=cancel), retries="5")
    assert run.statuses == {DEMO: Status.FAILED}
    assert "may or may not be on the channel" in run.problem(DEMO)
    assert len(server.uploads) == 1


def test_the_pool_is_the_only_one_with_threads(publish: Publish, three: list[Path]) -> None:
    """The listener is called in the thread that runs the publication."""
    threads = set()
    stage = Stage(before_phase=lambda _: threads.add(threading.current_thread()))
    publish(*three, stage=stage)
    assert threads == {threading.current_thread()}
