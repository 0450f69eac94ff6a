"""`reindex`: the server is asked for a new index of each subdir."""

from __future__ import annotations

import json
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from localchannel import Access, Answer, Fault
from support.changing import GRAPHQL
from support.workflow_commands import annotated

if TYPE_CHECKING:
    from localchannel import LocalChannel
    from support.action import Action, Pauses
    from support.changing import Put


@pytest.fixture
def reindex(action: Action) -> Action:
    """Indexes subdirs."""
    return partial(action, command="reindex")


def test_some_subdirs(server: LocalChannel, reindex: Action) -> None:
    """Those that are given, and no other request is sent."""
    finished = reindex(subdirs="linux-64, noarch\nlinux-64")
    assert (finished.exit_code, finished.outputs["result"]) == (0, "success")
    assert server.reindexed == ["linux-64", "noarch"]
    assert len(server.requests) == 2
    assert set(finished.outputs) == {"channel-url", "result"}
    assert "octo/stable: reindex requested" in finished.log


def test_all_subdirs(server: LocalChannel, reindex: Action, put: Put) -> None:
    """Those in which the channel has packages."""
    put("a-1-0.conda", subdir="osx-64")
    put("a-1-0.conda", "b-1-0.conda", subdir="linux-64")
    assert reindex().exit_code == 0
    assert server.reindexed == ["linux-64", "osx-64"]


def test_a_subdir_that_fails(server: LocalChannel, reindex: Action) -> None:
    """The others are indexed all the same."""
    server.fail(Fault(Answer(404, "no such subdir"), path="/linux-64"))
    finished = reindex(subdirs="linux-64 noarch")
    assert (finished.exit_code, finished.outputs["result"]) == (5, "failure")
    assert server.reindexed == ["linux-64", "noarch"]
    (error,) = annotated(finished.log, "error")
    assert "linux-64: The server refused to reindex it (HTTP 404: no such subdir)." in error.data


def test_a_key_that_may_not_write(server: LocalChannel, reindex: Action) -> None:
    """It is refused once."""
    server.allow("pfx_reader", Access.READ)
    finished = reindex(subdirs="linux-64 noarch", token="pfx_reader")
    assert (finished.exit_code, server.reindexed) == (5, ["linux-64"])
    assert "write access" in annotated(finished.log, "error")[0].data


def test_a_server_that_is_down(closed_url: str, reindex: Action) -> None:
    """The error says so."""
    finished = reindex(subdirs="noarch", server_url=closed_url)
    assert finished.exit_code == 5
    assert "could not be reached" in annotated(finished.log, "error")[0].data


@pytest.mark.parametrize(
    ("answer", "title", "hint"),
    [
        (Answer(200, "<html>please log in</html>"), "Not indexed", "Check 'server-url'"),
        (Answer(503, "later"), "Not indexed", "Re-run it"),
        (Answer(302, "", {"Location": "https://login.example/"}), "Not indexed", "Set 'server-url'"),
        (Answer(404, "no such subdir"), "Not indexed", "See the server's message"),
    ],
    ids=repr,
)
def test_an_answer_that_confirms_nothing(
    server: LocalChannel, reindex: Action, answer: Answer, title: str, hint: str
) -> None:
    """It is an error that says what to do."""
    server.fail(Fault(answer, path="/reindex/", times=None))
    finished = reindex(subdirs="noarch")
    (error,) = annotated(finished.log, "error")
    assert (finished.exit_code, error.properties["title"]) == (5, title)
    assert hint in error.data
    assert "please log in" in error.data or answer.status != 200
    assert "noarch: requested" not in finished.log


def test_a_run_that_is_cancelled(server: LocalChannel, reindex: Action, pauses: Pauses) -> None:
    """It does not say that the server has accepted what it was asked for."""
    pauses.before = lambda: signal.raise_signal(signal.SIGINT)
    server.fail(Fault(Answer(503, "", {"Retry-After": "60"}), path="/reindex/", times=None))
    finished = reindex(subdirs="noarch linux-64", retries="3")
    assert finished.exit_code == 130
    assert "requested" not in finished.log


def test_a_listing_that_fails(server: LocalChannel, reindex: Action) -> None:
    """Without it, the subdirs are not known."""
    server.fail(Fault(Answer(500, "no"), path=GRAPHQL, times=None))
    finished = reindex()
    assert (finished.exit_code, server.reindexed) == (5, [])
    (error,) = annotated(finished.log, "error")
    assert error.properties["title"] == "Server unavailable"
    assert "HTTP 500: no" in error.data


@pytest.mark.parametrize("subdir", ["../x", "\ud800", "", "a b"])
def test_a_listing_with_what_is_no_subdir(server: LocalChannel, reindex: Action, subdir: str) -> None:
    """The server did not answer as it should, and is sent none of it."""
    page = {"page": [{"name": "demo", "platforms": ["noarch", subdir]}], "pages": 1}
    data = {"viewer": {}, "channel": {}, "listed": {"packages": page}}
    server.fail(Fault(Answer(200, json.dumps({"data": data})), path=GRAPHQL, times=None))
    finished = reindex()
    assert (finished.exit_code, server.reindexed) == (5, [])
    assert "did not answer as a prefix.dev server does" in annotated(finished.log, "error")[0].data


@pytest.mark.parametrize(
    "subdirs", ["linux", "../x", "Linux-64", "noarch/repodata", "linux-x86_64", "linux-" + 27 * "6"]
)
def test_what_is_no_subdir(server: LocalChannel, reindex: Action, subdirs: str) -> None:
    """It becomes a part of a path."""
    finished = reindex(subdirs=subdirs)
    assert (finished.exit_code, len(server.requests)) == (2, 0)
