"""`delete`: what the plan says is deleted, and nothing else is."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from localchannel import Access, Answer, At, Call, Cut, Fault
from prefix_upload.package.retention import Rules
from support.changing import GRAPHQL, after_listing, changes, rows, statuses
from support.files import NOW, going_by_the_model, made_up
from support.running import CHANNEL
from support.workflow_commands import annotated

if TYPE_CHECKING:
    from localchannel import LocalChannel
    from support.action import Action, Pauses
    from support.changing import Put
    from support.running import Finished

DELETE = "/api/v1/delete/"
FILES = [f"demo-{version}.0-0.conda" for version in range(1, 5)]
GONE = Answer(422, "no")


@pytest.fixture
def delete(action: Action) -> Action:
    """Deletes files."""
    return partial(action, command="delete")


@pytest.fixture
def four(put: Put) -> list[str]:
    """Four versions of a package on the channel, the oldest first."""
    put(*FILES)
    return FILES


def named(files: list[str]) -> dict[str, str]:
    """The inputs that name these files."""
    return {"packages": "\n".join(files)}


def errors(finished: Finished) -> str:
    """The texts of the errors."""
    return "\n".join(command.data for command in annotated(finished.log, "error"))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("dry_run", ["false", "true"])
def test_exactly_what_the_rules_say_is_deleted(server: LocalChannel, delete: Action, seed: int, dry_run: str) -> None:
    """Of 2,000 files on the channel, those that a plain model of the rules lets go; none of them in a dry run."""
    made = [file.replace(created=file.created or NOW) for file in made_up(seed, 2000)]
    now = datetime.now(UTC)
    for file in made:
        assert file.created is not None
        created = now - (NOW - file.created) - timedelta(hours=12)
        server.invent(CHANNEL, file.file_name, file.subdir, created=created, size=file.size)
        if file.withheld:
            server.change(CHANNEL, file.subdir, file.file_name, yanked="broken")
    rules = Rules(keep_last=6, older_than=timedelta(days=75), only_prerelease=True, keeps_newest=True)
    going = {file.label for file in going_by_the_model(made, rules, NOW + timedelta(hours=12))}
    assert 50 < len(going) < 200
    before = server.files(CHANNEL)
    given = {"keep_last": "6", "older_than": "75d", "only_prerelease": "true", "max_deletes": "200"}
    finished = delete(packages="*", dry_run=dry_run, **given)
    assert finished.exit_code == 0
    assert {f"{row['subdir']}/{row['file']}" for row in rows(finished)} == going
    is_dry = dry_run == "true"
    assert set(server.files(CHANNEL)) == set(before) - (set() if is_dry else going)
    assert {request.path.split("/")[3] for request in server.requests if request.path != GRAPHQL} <= {"delete"} - (
        {"delete"} if is_dry else set()
    )


def test_a_named_file_is_deleted(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """Without any other input, even if it is the newest, and each output says so."""
    finished = delete(packages=f"noarch/{four[3]}\n{four[0]}")
    assert (finished.exit_code, finished.outputs["result"]) == (0, "success")
    assert statuses(finished) == {four[0]: "deleted", four[3]: "deleted"}
    assert list(server.files(CHANNEL)) == [f"noarch/{file}" for file in four[1:3]]
    counts = {name: finished.outputs[f"{name}"] for name in ("planned-count", "planned-bytes", "deleted-count")}
    assert counts == {"planned-count": "2", "planned-bytes": "2000", "deleted-count": "2"}
    assert "octo/stable: 2 deleted" in finished.log
    assert "selected by name" in finished.summary


def test_a_plan_is_shown(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """Unless all files are named, nothing is deleted: log and summary show what would go, why and how many bytes."""
    finished = delete(packages="demo", keep_last="2")
    assert (finished.exit_code, finished.outputs["result"]) == (0, "dry-run")
    assert statuses(finished) == dict.fromkeys(four[:2], "would-delete")
    assert len(server.files(CHANNEL)) == 4
    assert "1,000 bytes  noarch/demo-1.0-0.conda  not among the latest 2 versions" in finished.log
    assert "2 files left alone: among the latest 2 versions" in finished.log
    assert "Would delete 2 files, 2,000 bytes" in finished.log
    assert "not among the latest 2 versions" in finished.summary
    assert "Dry run: nothing was changed" in finished.summary
    assert "'dry-run: false'" in finished.summary
    assert "Checksums" not in finished.summary


def test_what_the_rules_let_go_is_deleted(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """If the dry run is turned off, the oldest first."""
    finished = delete(packages="demo", keep_last="2", dry_run="false")
    assert finished.exit_code == 0
    assert changes(server) == [f"delete {file}" for file in four[:2]]
    assert list(server.files(CHANNEL)) == [f"noarch/{file}" for file in four[2:]]


def test_the_newest_version_stays(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """A pattern that matches everything leaves it alone."""
    finished = delete(packages="*", dry_run="false", ignore="demo-2*")
    assert finished.exit_code == 0
    assert list(server.files(CHANNEL)) == [f"noarch/{file}" for file in (four[1], four[3])]


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_too_many_files(server: LocalChannel, delete: Action, four: list[str], dry_run: str) -> None:
    """The plan is shown, nothing is deleted, and a dry run fails as the real run would."""
    finished = delete(packages="*", dry_run=dry_run, max_deletes="2")
    assert finished.exit_code == 5
    assert changes(server) == []
    assert set(statuses(finished).values()) == {"would-delete" if dry_run == "true" else "not-attempted"}
    assert "3 files would be deleted, more than 'max-deletes' allows (2)" in errors(finished)
    assert statuses(delete(packages="*", dry_run="false", max_deletes="3")) == dict.fromkeys(four[:3], "deleted")


def test_a_failure_half_way(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """The others are deleted all the same, and the error says what is left."""
    server.fail(Fault(GONE, path=f"{DELETE}{CHANNEL}/noarch/{four[1]}"))
    finished = delete(**named(four))
    assert finished.exit_code == 5
    assert [*statuses(finished).values()] == ["deleted", "failed", "deleted", "deleted"]
    assert list(server.files(CHANNEL)) == [f"noarch/{four[1]}"]
    assert "The server refused to delete it (HTTP 422: no)." in errors(finished)
    assert "See the server's message above." in errors(finished)
    assert f"1 of 4 files was not deleted, or may not have been: 'noarch/{four[1]}'." in errors(finished)


def test_a_key_that_may_not_delete(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """The first refusal ends it, names the access mode, and the rest is not attempted."""
    server.allow("pfx_writer", Access.READ_WRITE)
    finished = delete(token="pfx_writer", **named(four))
    assert finished.exit_code == 5
    assert [*statuses(finished).values()] == ["failed", *["not-attempted"] * 3]
    assert len(changes(server)) == 1
    assert "READ_WRITE_DELETE" in errors(finished)
    assert all(f"'noarch/{file}'" in errors(finished) for file in four)


def test_failures_in_a_row(server: LocalChannel, delete: Action, put: Put) -> None:
    """Three of them end it."""
    files = [f"demo-{number}-0.conda" for number in range(5)]
    put(*files)
    server.fail(Fault(GONE, path=DELETE, times=None))
    finished = delete(**named(files))
    assert [*statuses(finished).values()] == ["failed"] * 3 + ["not-attempted"] * 2
    assert len(changes(server)) == 3


@pytest.mark.parametrize("then", [Cut(), Answer(502, "bad gateway"), Answer(404, "gone")])
def test_a_response_that_is_lost(server: LocalChannel, delete: Action, four: list[str], then: Any) -> None:
    """The record shows that the file is gone."""
    server.fail(Fault(then, at=At.DONE, path=DELETE))
    finished = delete(**named(four[:1]))
    assert (finished.exit_code, statuses(finished)) == (0, {four[0]: "deleted"})


def test_no_response(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """The record shows that the file is still there, and the error says why."""
    server.fail(Fault(Cut(), path=DELETE, times=None))
    finished = delete(retries="1", **named(four[:1]))
    assert (finished.exit_code, statuses(finished), len(changes(server))) == (5, {four[0]: "failed"}, 2)
    assert "The server could not be reached: " in errors(finished)


def test_success_that_is_none(server: LocalChannel, delete: Action, four: list[str], pauses: Pauses) -> None:
    """The record still shows the file after some looks."""
    server.fail(Fault(Answer(200, "ok"), path=DELETE))
    finished = delete(**named(four[:1]))
    assert (finished.exit_code, statuses(finished)) == (5, {four[0]: "failed"})
    assert "The server did not delete it." in errors(finished)
    assert sum(pauses.seconds) == 15


def test_a_record_that_stays_for_a_while(server: LocalChannel, delete: Action, four: list[str], pauses: Pauses) -> None:
    """It is looked at again."""
    server.lag(2)
    finished = delete(**named(four[:1]))
    assert (finished.exit_code, statuses(finished)) == (0, {four[0]: "deleted"})
    assert pauses.seconds == [1, 2]


def test_what_is_retried(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """A transient failure, after another look at the record."""
    server.fail(Fault(Answer(503, "later"), path=DELETE))
    finished = delete(retries="1", **named(four[:1]))
    assert (finished.exit_code, statuses(finished)) == (0, {four[0]: "deleted"})
    assert len(changes(server)) == 2


def test_no_retry_without_a_look(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """If the record can't be read, the file may be another one meanwhile."""
    server.fail(Fault(Answer(503, "later"), path=DELETE))
    server.fail(Fault(Call(lambda: None), path=GRAPHQL, times=2), Fault(Answer(400, "no"), path=GRAPHQL, times=None))
    finished = delete(retries="3", **named(four[:1]))
    assert (finished.exit_code, len(changes(server))) == (5, 1)
    assert "Whether the server has deleted it could not be looked up." in errors(finished)


def test_no_retry_of_a_file_that_was_replaced(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """What comes in its place between two attempts stays."""

    def overwrite() -> None:
        server.invent(CHANNEL, four[0], "noarch", created=datetime.now(UTC), sha256="f" * 64)

    server.fail(Fault(Answer(503, "later"), path=DELETE))
    server.fail(Fault(Call(overwrite), at=At.DONE, path=DELETE))
    server.fail(Fault(Call(lambda: None), path=GRAPHQL, times=2), Fault(Call(overwrite), path=GRAPHQL))
    finished = delete(retries="3", **named(four[:1]))
    assert server.sha256(CHANNEL, "noarch", four[0]) == "f" * 64
    assert (finished.exit_code, len(changes(server))) == (0, 1)


def test_what_changes_after_the_plan(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """What is overwritten or new stays, and what is gone needs no deletion."""

    def change() -> None:
        server.invent(CHANNEL, four[0], "noarch", created=datetime.now(UTC), sha256="f" * 64)
        server.invent(CHANNEL, "demo-0.1-0.conda", "noarch", created=datetime(2000, 1, 1, tzinfo=UTC))
        server.remove(CHANNEL, "noarch", four[1])

    after_listing(server, change)
    finished = delete(packages="demo", dry_run="false")
    assert finished.exit_code == 5
    assert [*statuses(finished).values()] == ["failed", "already-gone", "deleted"]
    assert changes(server) == [f"delete {four[2]}"]
    assert set(server.files(CHANNEL)) == {f"noarch/{file}" for file in (four[0], four[3], "demo-0.1-0.conda")}
    assert "It was overwritten after the channel was listed" in errors(finished)


@pytest.mark.parametrize("seed", range(5))
def test_what_comes_and_goes_all_the_time(server: LocalChannel, delete: Action, put: Put, seed: int) -> None:
    """Whatever is deleted was in the plan, and still had the bytes of the plan."""
    rng = random.Random(seed)
    names = [f"demo-{version}.0-{build}.conda" for version in range(15) for build in range(3)]
    put(*rng.sample(names, 30))
    server.page_size(7)

    def change() -> None:
        file = rng.choice(names)
        match rng.randrange(6):
            case 0:
                server.remove(CHANNEL, "noarch", file)
            case 1:
                sha256 = f"{rng.getrandbits(256):064x}"
                server.invent(CHANNEL, file, "noarch", created=datetime(2020, 1, 1, tzinfo=UTC), sha256=sha256)

    deleted: dict[str, str | None] = {}

    def note() -> None:
        file = server.requests[-1].path.rpartition("/")[2]
        deleted[file] = server.sha256(CHANNEL, "noarch", file)

    server.fail(Fault(Call(change), path=GRAPHQL, times=None))
    server.fail(Fault(Call(note), at=At.START, path=DELETE, times=None))
    finished = delete(packages="demo", keep_last="3", older_than="30d", dry_run="false")
    planned = {row["file"]: row["sha256"] for row in rows(finished)}
    assert deleted
    assert deleted.items() <= planned.items()
    assert {file for file, status in statuses(finished).items() if status == "deleted"} <= set(deleted)


def test_records_that_can_not_be_read(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """Nothing is deleted that may be another file than planned."""
    after_listing(server, lambda: None)
    server.fail(Fault(Answer(500, "no"), path=GRAPHQL, times=None))
    finished = delete(**named(four))
    assert (finished.exit_code, changes(server)) == (5, [])
    assert "Its record could not be read" in errors(finished)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_listing_that_fails(server: LocalChannel, delete: Action, put: Put, number: int) -> None:
    """Without all of it, there is no plan."""
    put("a-1-0.conda", "a-2-0.conda", "b-1-0.conda", "b-2-0.conda")
    server.page_size(1)
    if number:
        server.fail(Fault(Call(lambda: None), path=GRAPHQL, times=number))
    server.fail(Fault(Answer(400, "no"), path=GRAPHQL, times=None))
    finished = delete(packages="*", dry_run="false")
    assert (finished.exit_code, rows(finished), changes(server)) == (5, [], [])
    assert "HTTP 400: no" in errors(finished)
    assert "nothing was deleted" in finished.log


def test_a_channel_that_is_not_there(delete: Action) -> None:
    """The error suggests the one that is probably meant."""
    finished = delete(packages="demo", channel="octo/stabel")
    assert finished.exit_code == 5
    assert "Did you mean 'octo/stable'?" in errors(finished)


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_a_key_that_is_wrong(server: LocalChannel, delete: Action, four: list[str], dry_run: str) -> None:
    """A public channel can be listed all the same, but nothing is planned, and a dry run fails, too."""
    finished = delete(token="pfx_unknown", dry_run=dry_run, **named(four))
    assert (finished.exit_code, changes(server), rows(finished)) == (5, [], [])
    assert "wrong, revoked or expired" in errors(finished)


def test_selectors_that_match_nothing(delete: Action, four: list[str]) -> None:
    """They are a warning: what is not there needs no deletion."""
    finished = delete(packages=f"{four[0]}\ndema-1.0-0.conda")
    assert finished.exit_code == 0
    (warning,) = annotated(finished.log, "warning")
    assert "The channel has no file that matches 'dema-1.0-0.conda'." in warning.data
    again = delete(**named(four[:1]))
    assert (again.exit_code, rows(again)) == (0, [])
    assert "nothing to delete" in again.log


def test_invalid_inputs(server: LocalChannel, delete: Action) -> None:
    """All of them are reported, and nothing is sent."""
    wrong = {"keep_last": "0", "older_than": "soon", "only_prerelease": "yes", "max_deletes": "x", "dry_run": "y"}
    finished = delete(packages="demo[subdir=noarch]\ndemo >", ignore="a b", **wrong)
    assert (finished.exit_code, len(server.requests)) == (2, 0)
    titles = [command.properties["title"] for command in annotated(finished.log, "error")]
    assert titles.count("Invalid 'packages'") == 2
    assert {f"Invalid '{name.replace('_', '-')}'" for name in (*wrong, "ignore")} <= set(titles)


def test_without_packages(delete: Action) -> None:
    """There is no default: nobody deletes by mistake."""
    finished = delete()
    assert finished.exit_code == 2
    assert "'packages' is missing" in errors(finished)


def test_a_cancelled_run(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """What was not reached stays, and the outputs say so."""
    interrupt = Call(lambda: os.kill(os.getpid(), signal.SIGINT))
    server.fail(Fault(interrupt, at=At.DONE, path=f"{DELETE}{CHANNEL}/noarch/{four[1]}"))
    finished = delete(**named(four))
    assert finished.exit_code == 130
    assert [*statuses(finished).values()][2:] == ["not-attempted"] * 2
    assert all(row["reason"] for row in rows(finished))
    assert statuses(finished)[four[0]] == "deleted"
    assert "what is done already is left alone" in errors(finished)
    assert set(server.files(CHANNEL)) == {f"noarch/{file}" for file in four[2:]}


def test_a_run_that_is_cancelled_while_the_channel_is_looked_for(server: LocalChannel, delete: Action) -> None:
    """It ends although the server keeps the question open which channels there are to suggest."""
    run_is_over, too_long = threading.Event(), threading.Event()

    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        if not run_is_over.wait(20):
            too_long.set()

    server.fail(Fault(Call(lambda: None), path=GRAPHQL), Fault(Call(interrupt), path=GRAPHQL))
    finished = delete(packages="demo", channel="ns/unknown")
    run_is_over.set()
    assert finished.exit_code == 130
    assert not too_long.is_set()


def test_a_file_that_is_listed_without_its_hash(server: LocalChannel, delete: Action, four: list[str]) -> None:
    """It is not known to be the one that was meant, now or in another run."""
    entry = {"filename": four[0], "platform": "noarch", "version": "1.0", "buildString": "0", "buildNumber": 0}
    variants = {"page": [entry | {"size": 1, "sha256": None}], "pages": 1}
    data = {"viewer": {}, "channel": {}, "package0": {"variants": variants}}
    server.fail(Fault(Answer(200, json.dumps({"data": data})), path=GRAPHQL))
    finished = delete(packages=four[0])
    assert (finished.exit_code, changes(server)) == (5, [])
    assert "The server lists it without its SHA-256, so it was left alone." in errors(finished)
