"""What a run believes about the channel: records that lag, witnesses that differ, and servers that do not answer."""

from __future__ import annotations

import json
import os
import random
import threading
from typing import TYPE_CHECKING

import pytest

from localchannel import Answer, At, Call, Fault, Stall
from prefix_upload.reporting.exit_codes import ExitCode, exit_code
from prefix_upload.status import Status
from prefix_upload.steps import preflight
from support import building
from support.publishing import Signer, Stage, at
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from localchannel import LocalChannel
    from support.publishing import Publish

GRAPHQL = "/api/graphql"
REPODATA = "/repodata.json"
DEMO = "demo-1.0-h0_0.conda"


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("query is too complex", "Unexpected response"),
        ("invalid token", "Token rejected"),
        ("You don't have permission to see this", "Token rejected"),
    ],
)
def test_a_dry_run_whose_queries_are_refused(
    server: LocalChannel, publish: Publish, demo: Path, message: str, title: str
) -> None:
    """The token is only blamed if the server's words do, and they are shown otherwise."""
    refusal = Answer(200, json.dumps({"errors": [{"message": message}]}))
    server.fail(Fault(refusal, path=GRAPHQL, times=None), Fault(Answer(404), path=REPODATA, times=None))
    (error,) = publish(demo, dry_run="true").report.errors
    assert error.title == title
    assert title != "Unexpected response" or message in error.message


def test_records_that_lag_are_waited_for(server: LocalChannel, publish: Publish, three: list[Path]) -> None:
    """That a record shows up some seconds after the upload is normal."""
    server.lag(4)
    stage = Stage()
    run = publish(*three, stage=stage)
    assert set(run.statuses.values()) == {Status.UPLOADED}
    assert {str(run.outcome(path.name).warning) for path in three} == {"None"}
    assert stage.pauses == [1, 2, 4, 8]


def test_a_record_that_still_shows_what_was_overwritten(
    server: LocalChannel, publish: Publish, demo: Path, old: Path
) -> None:
    """With force, other bytes may be those of before."""
    server.publish(CHANNEL, old)
    server.lag(2)
    stage = Stage()
    run = publish(demo, stage=stage, force="true")
    assert run.statuses == {DEMO: Status.OVERWRITTEN}
    assert stage.pauses == [1, 2]


def test_repodata_confirms_what_graphql_does_not_list(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """Of two witnesses, one may be late."""
    server.tamper(CHANNEL, "noarch", DEMO, None)
    stage = Stage()
    run = publish(demo, stage=stage)
    assert run.statuses == {DEMO: Status.UPLOADED}
    assert run.outcome(DEMO).warning is None
    assert stage.pauses == [1, 2, 4, 8]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, "<html>Welcome</html>"),
        Answer(200, "{}"),
        Answer(200, "[]"),
        Answer(200, '{"data": {}}'),
        Answer(200, '{"data": null}'),
        Answer(200, "ok"),
        Answer(204),
    ],
    ids=lambda answer: f"{answer.status} {answer.body}",
)
def test_a_host_that_accepts_everything(server: LocalChannel, publish: Publish, demo: Path, answer: Answer) -> None:
    """A success that nothing confirms is none: the host is not a channel server."""
    server.fail(Fault(answer, times=None))
    run = publish(demo)
    assert run.statuses == {DEMO: Status.FAILED}
    assert "does not answer queries as a prefix.dev server does" in run.problem(DEMO)
    assert exit_code(run.report) is ExitCode.UPLOAD_FAILED


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_a_server_that_refuses_to_confirm(server: LocalChannel, publish: Publish, demo: Path, status: int) -> None:
    """The upload counts, with a warning."""
    server.fail(Fault(Answer(status), path=GRAPHQL, times=None), Fault(Answer(status), path=REPODATA, times=None))
    run = publish(demo)
    assert run.statuses == {DEMO: Status.UPLOADED}
    assert "could not be read" in run.note(DEMO)


def test_an_index_that_lists_what_is_not_there_any_more(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """While GraphQL is down, repodata alone is not believed."""
    server.publish(CHANNEL, demo)
    server.freeze_index(CHANNEL)
    server.remove(CHANNEL, "noarch", DEMO)
    server.fail(Fault(Answer(500), path=GRAPHQL, times=None))
    run = publish(demo)
    assert run.statuses == {DEMO: Status.UPLOADED}
    assert server.files(CHANNEL)


def test_an_index_that_lists_what_was_overwritten(
    server: LocalChannel, publish: Publish, demo: Path, old: Path
) -> None:
    """A file of another size is not the one in the index."""
    server.publish(CHANNEL, demo)
    server.freeze_index(CHANNEL)
    server.publish(CHANNEL, old)
    server.fail(Fault(Answer(500), path=GRAPHQL, times=None))
    run = publish(demo)
    assert run.statuses != {DEMO: Status.ALREADY_PRESENT} or run.outcome(DEMO).warning


@pytest.mark.parametrize("dry_run", ["true", "false"])
@pytest.mark.parametrize("answer", [Answer(404), Answer(204), Answer(500)], ids=["404", "204", "500"])
def test_a_listed_file_that_is_not_served(
    server: LocalChannel, publish: Publish, demo: Path, dry_run: str, answer: Answer
) -> None:
    """It counts as missing if the server's own record could not be read, in a dry run as well."""
    server.publish(CHANNEL, demo)
    server.freeze_index(CHANNEL)
    server.remove(CHANNEL, "noarch", DEMO)
    server.fail(Fault(Answer(503), path=GRAPHQL, times=None), Fault(answer, path=f"/noarch/{DEMO}", times=None))
    run = publish(demo, dry_run=dry_run)
    assert run.statuses == {DEMO: Status.WOULD_UPLOAD if dry_run == "true" else Status.UPLOADED}


@pytest.mark.parametrize("force", ["true", "false"])
def test_an_index_that_shows_another_hash_after_the_upload(
    server: LocalChannel, publish: Publish, demo: Path, old: Path, force: str
) -> None:
    """It may be out of date, so it does not make an accepted upload fail."""
    server.publish(CHANNEL, old)
    server.freeze_index(CHANNEL)
    if force == "false":
        server.remove(CHANNEL, "noarch", DEMO)
    server.fail(Fault(Answer(401), path=GRAPHQL, times=None))
    run = publish(demo, force=force)
    assert run.outcome(DEMO).status.is_on_channel
    assert "could not be read" in run.note(DEMO)


def test_a_success_before_the_package_was_read(server: LocalChannel, publish: Publish, workspace: Path) -> None:
    """The server cannot have stored what it has not received."""
    large = building.package(workspace, "large", content=os.urandom(9 * 2**20).hex())
    server.fail(Fault(Answer(200, lingers=False), path="/upload/", at=At.START))
    run = publish(large)
    assert run.statuses == {large.name: Status.FAILED}
    assert "reported success before it had received the package" in run.problem(large.name)


def test_skip_existing_where_nothing_can_be_looked_up(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """What the server reports as existing is kept, whatever its bytes."""
    server.publish(CHANNEL, demo)
    server.fail(*(Fault(Answer(403), path=path, times=None) for path in (GRAPHQL, REPODATA, f"/noarch/{DEMO}")))
    run = publish(demo, skip_existing="true")
    assert run.statuses == {DEMO: Status.SKIPPED}
    assert "its hash could not be looked up" in run.note(DEMO)
    assert exit_code(run.report) is ExitCode.SUCCESS


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"yankedReason": "broken"}, "yanked (broken)"),
        ({"hidden": True}, "hidden"),
        ({"isDownloadBlocked": True}, "blocked from being downloaded"),
        ({"activeQuarantines": [{"action": "YANK", "reason": "malware"}]}, "quarantined (malware)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_solvers_do_not_get(
    server: LocalChannel, publish: Publish, three: list[Path], fields: dict[str, object], why: str
) -> None:
    """It is on the channel, but a warning says that it is not offered; whether it was there, or has just arrived."""
    server.publish(CHANNEL, three[0])
    server.tamper(CHANNEL, "noarch", three[0].name, fields)
    stage = Stage(before_phase=at("Compare", lambda: server.tamper(CHANNEL, "noarch", three[1].name, None)))
    stage.before_sleep = lambda _: server.tamper(CHANNEL, "noarch", three[1].name, fields)
    run = publish(*three, stage=stage)
    assert list(run.statuses.values()) == [Status.ALREADY_PRESENT, Status.UPLOADED, Status.UPLOADED]
    assert [run.outcome(path.name).is_offered for path in three] == [False, False, True]
    assert f"it is {why}, so solvers do not choose it" in run.note(three[0].name)
    assert f"it is {why}, so solvers do not choose it" in run.note(three[1].name)


def test_a_rejected_key_of_a_run_with_nothing_to_upload(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """The run succeeds, with a warning: the next upload would fail."""
    server.publish(CHANNEL, demo)
    run = publish(demo, token="pfx_revoked")
    assert run.statuses == {DEMO: Status.ALREADY_PRESENT}
    (warning,) = run.report.warnings
    assert warning.title == "Token rejected"
    assert "does not accept the API key in ⟨token⟩. Nothing had to be uploaded" in warning.message
    assert exit_code(run.report) is ExitCode.SUCCESS


# A channel that cannot be published to.


def test_a_channel_that_does_not_exist(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """The server knows the user, so nothing is sent."""
    run = publish(demo, channel="octo/unknown")
    assert server.uploads == []
    assert run.statuses == {DEMO: Status.NOT_ATTEMPTED}
    (error,) = run.report.errors
    assert error.title == "Channel not found"
    assert "'octo/unknown' was not found" in error.message
    assert exit_code(run.report) is ExitCode.UPLOAD_FAILED


def test_a_channel_that_a_server_does_not_show(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """If the server does not say that it knows the user, the channel may be a private one: the upload decides."""
    answer = {"data": {"viewer": None, "channel": None, "package0": None}}
    server.fail(Fault(Answer(200, json.dumps(answer)), path=GRAPHQL))
    assert publish(demo).statuses == {DEMO: Status.UPLOADED}


@pytest.mark.parametrize(
    ("token", "channel", "message"),
    [
        ("pfx_wrong", CHANNEL, "does not accept the API key"),
        (TOKEN, "octo/unknown", "'octo/unknown' was not found"),
    ],
    ids=["token", "channel"],
)
def test_a_dry_run_that_could_not_publish(
    server: LocalChannel, publish: Publish, demo: Path, token: str, channel: str, message: str
) -> None:
    """Green means that the real run would go."""
    run = publish(demo, dry_run="true", token=token, channel=channel)
    (error,) = run.report.errors
    assert message in error.message
    assert run.statuses == {DEMO: Status.NOT_ATTEMPTED}
    assert exit_code(run.report) is ExitCode.UPLOAD_FAILED
    assert server.uploads == []


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 418, 429, 500, 501, 503, 511])
def test_a_dry_run_of_a_server_that_answers_no_query(
    server: LocalChannel, publish: Publish, demo: Path, status: int
) -> None:
    """With a token, there is no reason to expect that the real run would go."""
    server.fail(Fault(Answer(status), path=GRAPHQL, times=None), Fault(Answer(status), path=REPODATA, times=None))
    run = publish(demo, dry_run="true")
    assert run.statuses == {DEMO: Status.NOT_ATTEMPTED}


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://no-such-host.invalid"])
def test_a_dry_run_without_a_server(publish: Publish, demo: Path, url: str) -> None:
    """A host that does not resolve, or refuses connections."""
    run = publish(demo, dry_run="true", server_url=url, token="")
    (error,) = run.report.errors
    assert error.title == "Server unreachable"
    assert error.message.count("Could not connect to the server: ") == 1
    assert ";" not in error.message
    assert run.statuses == {DEMO: Status.NOT_ATTEMPTED}
    assert exit_code(run.report) is ExitCode.UPLOAD_FAILED


def test_a_dry_run_without_a_token_and_a_channel_that_is_not_public(publish: Publish, demo: Path) -> None:
    """A fork's pull request can validate all the same."""
    run = publish(demo, dry_run="true", token="", channel="octo/unknown")
    assert run.statuses == {DEMO: Status.WOULD_UPLOAD}
    assert run.report.warnings
    assert exit_code(run.report) is ExitCode.SUCCESS


def test_a_server_without_prefix_devs_newer_fields(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """It refuses the whole query, so it is asked for hashes only, from then on."""
    server.publish(CHANNEL, demo)
    server.fail(Fault(Answer(200, '{"errors": [{"message": "unknown field"}]}'), path=GRAPHQL))
    assert publish(demo).statuses == {DEMO: Status.ALREADY_PRESENT}
    (_, second) = (request for request in server.requests if not request.is_about_plan)
    assert "activeQuarantines" not in second.json["query"]


# What stands in the way of an upload.

MIB = 2**20


def stat(kind: str, limit: int | None, used: int = 0, scope: str | None = None) -> dict[str, object]:
    return {"entityType": kind, "scope": scope, "used": used, "limit": limit}


@pytest.fixture
def large(workspace: Path) -> Path:
    """A package of more than a MiB."""
    noise = building.tar_member("share/noise", random.Random(1).randbytes(MIB))
    return building.written(
        workspace / "large-1.0-h0_0.conda", building.conda_bytes("large-1.0-h0_0", payload_members=[noise])
    )


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_a_package_that_is_too_large_for_the_plan(
    server: LocalChannel, publish: Publish, demo: Path, large: Path, dry_run: str
) -> None:
    """Nothing is sent, and the file is named with both numbers."""
    server.limit(stat("STORAGE", None, 5), stat("PACKAGE_SIZE", MIB))
    run = publish(demo, large, dry_run=dry_run)
    assert run.statuses == {DEMO: Status.NOT_ATTEMPTED, large.name: Status.FAILED}
    assert f"has {large.stat().st_size:,} bytes, and the plan of the channel's owner allows 1,048,576." in run.problem(
        large.name
    )
    assert "the server would not accept other packages" in run.problem(DEMO)
    assert server.uploads == []
    assert exit_code(run.report) is ExitCode.UPLOAD_FAILED


def test_a_package_that_is_there_may_be_larger(server: LocalChannel, publish: Publish, large: Path) -> None:
    """It came when the plan was another one."""
    server.publish(CHANNEL, large)
    server.limit(stat("PACKAGE_SIZE", MIB))
    assert publish(large).statuses == {large.name: Status.ALREADY_PRESENT}


def test_not_enough_storage(server: LocalChannel, publish: Publish, large: Path) -> None:
    """A warning with the numbers: the server decides."""
    server.limit(stat("STORAGE", 9 * MIB, 8 * MIB))
    run = publish(large)
    (warning,) = run.report.warnings
    assert f"need {large.stat().st_size:,} bytes" in warning.message
    assert "has 1,048,576 left: 8,388,608 of 9,437,184 are used" in warning.message
    assert run.statuses == {large.name: Status.UPLOADED}


@pytest.mark.parametrize(
    "stats",
    [
        [stat("PACKAGE_SIZE", 2 * MIB), stat("STORAGE", 10 * MIB, 8 * MIB), stat("MEMBERS", 1, 1)],
        [stat("PACKAGE_SIZE", MIB, scope="PRIVATE"), stat("STORAGE", 9 * MIB, 8 * MIB, scope="PRIVATE")],
        [stat("PACKAGE_SIZE", 100), stat("STORAGE", 10, 8)],
        [stat("PACKAGE_SIZE", None), stat("STORAGE", None, 8 * MIB)],
        [],
    ],
    ids=["enough", "of private channels", "not in bytes", "no limit", "nothing"],
)
def test_limits_that_are_not_reached(
    server: LocalChannel, publish: Publish, large: Path, stats: list[dict[str, object]]
) -> None:
    """Nothing is said about them."""
    server.limit(*stats)
    run = publish(large)
    assert (run.statuses, run.report.warnings) == ({large.name: Status.UPLOADED}, ())


def test_storage_that_does_not_include_the_channel(
    server: LocalChannel, publish: Publish, demo: Path, large: Path
) -> None:
    """Less is used than the channel has, so these are not bytes, or not those of this channel."""
    server.publish(CHANNEL, large)
    server.limit(stat("STORAGE", MIB, MIB - 1))
    assert publish(demo).report.warnings == ()


def test_what_is_overwritten_needs_no_storage(server: LocalChannel, publish: Publish, demo: Path, old: Path) -> None:
    """It frees about as much."""
    server.publish(CHANNEL, old)
    server.limit(stat("STORAGE", MIB, MIB))
    run = publish(demo, force="true")
    assert (run.statuses, run.report.warnings) == ({DEMO: Status.OVERWRITTEN}, ())


def test_the_plan_of_somebody_else(server: LocalChannel, publish: Publish, large: Path) -> None:
    """A key tells the plan of its owner, which says nothing about a channel that is billed to another account."""
    server.limit(stat("PACKAGE_SIZE", MIB))
    server.bill(CHANNEL, "somebody")
    assert publish(large).statuses == {large.name: Status.UPLOADED}


ODD_SCOPE = {
    "viewer": {"name": "octo"},
    "channel": {"isPublic": True, "size": 0, "owner": {"name": "octo"}},
    "planAndUsage": {"usage": {"stats": [{"entityType": "PACKAGE_SIZE", "scope": [], "used": 0, "limit": MIB}]}},
}


@pytest.mark.parametrize(
    "answer",
    ["", "no JSON", "[]", '{"data": null}', '{"data": {"viewer": []}}', json.dumps({"data": ODD_SCOPE})],
    ids=["nothing", "no JSON", "a list", "no data", "another type", "an odd scope"],
)
def test_a_plan_that_is_not_told(server: LocalChannel, publish: Publish, demo: Path, answer: str) -> None:
    """It is not needed."""
    server.fail(Fault(Answer(200, answer), plan=True))
    run = publish(demo)
    assert (run.statuses, run.report.warnings) == ({DEMO: Status.UPLOADED}, ())


def test_a_plan_that_takes_long(
    server: LocalChannel, publish: Publish, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run goes on without it."""
    monkeypatch.setattr(preflight, "_LIMITS_TIMEOUT", 0.01)
    server.fail(Fault(Stall(), plan=True))
    assert publish(demo).statuses == {DEMO: Status.UPLOADED}


def test_the_plan_is_asked_for_beside_the_records(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """It delays nothing: the answer about the records comes only after the question about the plan."""
    begun = threading.Event()
    server.fail(Fault(Call(begun.set), plan=True))
    server.fail(Fault(Call(lambda: begun.wait(10)), path=GRAPHQL))
    assert publish(demo).statuses == {DEMO: Status.UPLOADED}
    assert begun.is_set()


def test_a_plan_says_nothing_about_the_server(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """A `Retry-After` in answer to it delays no other request."""
    server.fail(Fault(Answer(429, "", {"Retry-After": "100"}), plan=True))
    stage = Stage()
    assert publish(demo, stage=stage).statuses == {DEMO: Status.UPLOADED}
    assert stage.pauses == []


def test_a_cancelled_dry_run_promises_nothing(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """A package that only the index lists may be there: it is asked for, and the run ends before the answer."""
    server.publish(CHANNEL, demo)
    server.fail(Fault(Answer(403), path=GRAPHQL, times=None))
    stage = Stage(is_cancelled=lambda: any(request.path.endswith(f"/{DEMO}") for request in server.requests))
    assert publish(demo, stage=stage, dry_run="true").statuses == {DEMO: Status.NOT_ATTEMPTED}


def test_without_a_key_no_plan_is_asked_for(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """The server tells it to the owner of a key only."""
    publish(demo, token="", dry_run="true")
    assert not any(request.is_about_plan for request in server.requests)


@pytest.mark.parametrize(
    ("channel", "meant"),
    [
        ("stable", CHANNEL),
        ("Octo/Stable", CHANNEL),
        ("octo/stabel", CHANNEL),
        ("octo/other", ""),
    ],
)
def test_the_channel_that_is_meant(publish: Publish, demo: Path, channel: str, meant: str) -> None:
    """Of the channels that the key's owner has, one that is nearly the same."""
    (error,) = publish(demo, channel=channel).report.errors
    assert (f"Did you mean '{meant}'?" in error.hint) is bool(meant)


def test_channels_that_are_not_told(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """Then no other spelling is suggested."""
    server.fail(Fault(Call(lambda: server.fail(Fault(Answer(500), path=GRAPHQL))), path=GRAPHQL, at=At.DONE))
    (error,) = publish(demo, channel="stable").report.errors
    assert "was not found" in error.message
    assert "Did you mean" not in error.hint


# Signing in.


def test_what_is_there_needs_no_signature(server: LocalChannel, publish: Publish, demo: Path) -> None:
    """Nothing is signed, so Sigstore is not needed."""
    server.publish(CHANNEL, demo)
    signer = Signer()
    assert publish(demo, stage=Stage(signer=signer)).statuses == {DEMO: Status.ALREADY_PRESENT}
    assert not signer.is_prepared
