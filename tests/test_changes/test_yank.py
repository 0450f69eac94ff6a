"""`yank` and `unyank`: the selected files change, and the record shows it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from graphql import build_schema, parse, validate

from localchannel import Access, Answer, At, Call, Cut, Fault
from localchannel.schema import SDL
from support.changing import GRAPHQL, after_listing, changes, rows, statuses
from support.rendered import OUR_ELEMENTS, elements
from support.running import CHANNEL
from support.workflow_commands import OURS, POISON, annotated, commands

if TYPE_CHECKING:
    from localchannel import LocalChannel
    from support.action import Action
    from support.changing import Put

FILES = ["demo-1.0-0.conda", "demo-2.0-0.conda"]
REASON = "Crashes at startup"


@pytest.fixture
def yank(action: Action) -> Action:
    """Yanks files for a reason."""
    return partial(action, command="yank", reason=REASON)


@pytest.fixture
def unyank(action: Action) -> Action:
    """Unyanks files."""
    return partial(action, command="unyank")


@pytest.fixture(autouse=True)
def two(put: Put) -> list[str]:
    """Two versions of a package on the channel."""
    put(*FILES)
    return FILES


def state(server: LocalChannel, file: str) -> tuple[str | None, bool]:
    """Why a file is yanked, and whether it is hidden."""
    return server.state(CHANNEL, "noarch", file)


def test_a_file_is_yanked_and_unyanked(server: LocalChannel, yank: Action, unyank: Action) -> None:
    """With the reason, without another file, and back."""
    finished = yank(packages=FILES[1])
    assert (finished.exit_code, statuses(finished)) == (0, {FILES[1]: "yanked"})
    assert [state(server, file) for file in FILES] == [(None, False), (REASON, False)]
    assert finished.outputs["yanked-count"] == "1"
    assert "octo/stable: 1 yanked" in finished.log
    back = unyank(packages=FILES[1])
    assert (back.exit_code, statuses(back)) == (0, {FILES[1]: "unyanked"})
    assert state(server, FILES[1]) == (None, False)
    assert changes(server) == [f"yank {FILES[1]}", f"unyank {FILES[1]}"]


def test_a_file_is_hidden_and_shown(server: LocalChannel, yank: Action, unyank: Action) -> None:
    """By queries that the server's schema allows, and in which names are no part of the query."""
    assert yank(packages=FILES[1], hide="true").exit_code == 0
    assert state(server, FILES[1]) == (REASON, True)
    for status, dry_run in (("would-unyank", "true"), ("unyanked", "false"), ("unchanged", "false")):
        still_hidden = unyank(packages=FILES[1], dry_run=dry_run)
        assert statuses(still_hidden) == {FILES[1]: status}
        (warning,) = annotated(still_hidden.log, "warning")
        assert "Set 'unhide: true' to show it again" in warning.data
    assert state(server, FILES[1]) == (None, True)
    shown = unyank(packages=FILES[1], unhide="true")
    assert (shown.exit_code, "hidden" in shown.log) == (0, False)
    assert state(server, FILES[1]) == (None, False)
    for request in server.requests:
        if request.path == GRAPHQL:
            assert validate(build_schema(SDL), parse(request.json["query"])) == []
            assert "demo" not in request.json["query"]


def test_selected_files(server: LocalChannel, yank: Action) -> None:
    """Also the newest version: a dry run first, then what it has shown."""
    shown = yank(packages="demo ==2.0")
    assert (statuses(shown), changes(server)) == ({FILES[1]: "would-yank"}, [])
    assert shown.outputs["result"] == "dry-run"
    assert "Dry run: nothing was changed" in shown.summary
    assert statuses(yank(packages="demo ==2.0", dry_run="false")) == {FILES[1]: "yanked"}


def test_what_is_done_already(server: LocalChannel, yank: Action, unyank: Action) -> None:
    """It is left alone, also in a dry run."""
    server.change(CHANNEL, "noarch", FILES[0], yanked="old")
    assert statuses(yank(packages="*")) == {FILES[0]: "unchanged", FILES[1]: "would-yank"}
    assert statuses(yank(packages="*", dry_run="false")) == {FILES[0]: "unchanged", FILES[1]: "yanked"}
    assert [state(server, file)[0] for file in FILES] == ["old", REASON]
    assert statuses(yank(packages=FILES[0], hide="true")) == {FILES[0]: "yanked"}
    finished = unyank(packages="*", dry_run="false", ignore="demo-1*")
    assert (statuses(finished), finished.outputs["planned-count"]) == ({FILES[1]: "unyanked"}, "1")
    assert statuses(unyank(packages=FILES[1])) == {FILES[1]: "unchanged"}


@pytest.mark.parametrize("command", ["yank", "unyank"])
def test_selectors_that_match_nothing(action: Action, server: LocalChannel, command: str) -> None:
    """They are an error, since a broken file may still be offered, and nothing is changed."""
    server.change(CHANNEL, "noarch", FILES[0], yanked="old" if command == "unyank" else None)
    reason = {"reason": REASON} if command == "yank" else {}
    finished = action(command=command, packages=f"{FILES[0]}\ndema-1.0-0.conda", **reason)
    assert (finished.exit_code, statuses(finished)) == (5, {FILES[0]: "not-attempted"})
    assert "no file that matches 'dema-1.0-0.conda'" in annotated(finished.log, "error")[0].data


@pytest.mark.parametrize("hide", ["true", "false"])
def test_a_key_that_may_not_write(server: LocalChannel, yank: Action, hide: str) -> None:
    """The error says so."""
    server.allow("pfx_reader", Access.READ)
    finished = yank(packages="\n".join(FILES), token="pfx_reader", hide=hide)
    assert finished.exit_code == 5
    assert [state(server, file) for file in FILES] == [(None, False)] * 2
    text = "\n".join(command.data for command in annotated(finished.log, "error"))
    assert ("Unauthorized" if hide == "true" else "has write access") in text


@pytest.mark.parametrize("hide", ["true", "false"])
@pytest.mark.parametrize("then", [Cut(), Answer(502, "bad gateway")])
def test_a_response_that_is_lost(server: LocalChannel, yank: Action, hide: str, then: Any) -> None:
    """The record shows that the file is yanked."""
    after_listing(server, lambda: None, 2)
    server.fail(Fault(then, at=At.DONE, path=GRAPHQL if hide == "true" else "/yank/"))
    finished = yank(packages=FILES[0], hide=hide)
    assert (finished.exit_code, statuses(finished)) == (0, {FILES[0]: "yanked"})


@pytest.mark.parametrize("command", ["yank", "unyank"])
def test_success_that_is_none(action: Action, server: LocalChannel, command: str) -> None:
    """The record does not show it."""
    server.change(CHANNEL, "noarch", FILES[0], yanked="old" if command == "unyank" else None)
    server.fail(Fault(Answer(200, '{"errors": []}'), path=f"/api/v1/{command}/"))
    finished = action(command=command, packages=FILES[0], **({"reason": REASON} if command == "yank" else {}))
    assert (finished.exit_code, statuses(finished)) == (5, {FILES[0]: "failed"})
    assert f"The server did not {command} it." in annotated(finished.log, "error")[-1].data


def test_what_is_gone_after_the_plan(server: LocalChannel, yank: Action) -> None:
    """It can't be yanked any more."""
    after_listing(server, lambda: server.remove(CHANNEL, "noarch", FILES[0]))
    finished = yank(packages="\n".join(FILES))
    assert (finished.exit_code, statuses(finished)) == (5, {FILES[0]: "failed", FILES[1]: "yanked"})


def test_no_retry_of_a_file_that_was_replaced(server: LocalChannel, yank: Action) -> None:
    """What comes in its place between two attempts is not yanked for it."""

    def overwrite() -> None:
        server.invent(CHANNEL, FILES[0], "noarch", created=datetime.now(UTC), sha256="f" * 64)

    server.fail(Fault(Answer(503, "later"), path="/yank/"))
    server.fail(Fault(Call(lambda: None), path=GRAPHQL, times=2), Fault(Call(overwrite), path=GRAPHQL))
    finished = yank(packages=FILES[0], retries="3")
    assert (finished.exit_code, changes(server), state(server, FILES[0])) == (5, [f"yank {FILES[0]}"], (None, False))
    assert "other bytes under its name now" in annotated(finished.log, "error")[-1].data


def test_a_reason_is_required(action: Action, server: LocalChannel) -> None:
    """Users of the package read it."""
    finished = action(command="yank", packages=FILES[0])
    assert (finished.exit_code, len(server.requests)) == (2, 0)
    assert "'reason' is missing" in annotated(finished.log, "error")[0].data
    assert action(command="yank", packages=FILES[0], reason="a\nb").exit_code == 2


@pytest.mark.parametrize("poison", POISON)
def test_text_from_outside(server: LocalChannel, yank: Action, poison: str) -> None:
    """Versions and reasons of a listing take no effect in log, outputs and summary."""
    record = {"filename": FILES[0], "platform": "noarch", "version": poison, "buildString": poison, "buildNumber": 0}
    record |= {"size": 1, "sha256": "a" * 64, "yankedReason": poison, "hiddenReason": poison}
    names = {"data": {"viewer": {}, "channel": {}, "listed": {"packages": {"page": [{"name": "demo"}], "pages": 1}}}}
    files = {"data": {"viewer": {}, "channel": {}, "package0": {"variants": {"page": [record], "pages": 1}}}}
    for answer in (names, files):
        server.fail(Fault(Answer(200, json.dumps(answer)), path=GRAPHQL))
    finished = yank(packages="*")
    assert [row["status"] for row in rows(finished)] == ["unchanged"]
    assert {command.name for command in commands(finished.log)} <= OURS
    assert set(elements(finished.summary)) <= OUR_ELEMENTS
    assert all(value.isascii() for value in finished.outputs.values())
