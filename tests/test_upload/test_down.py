"""A server that goes down in the middle of a run, or refuses all packages alike: when the others are left alone."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from localchannel import Answer, Cut, Fault
from prefix_upload.status import Status
from support import building
from support.publishing import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from localchannel import LocalChannel
    from support.action import Action, Pauses
    from support.publishing import Publish

UPLOAD = "/api/v1/upload/"


def packages(workspace: Path, count: int) -> list[Path]:
    stems = [f"tool{number:03}-1.0-h0_0" for number in range(count)]
    return [building.written(workspace / f"{stem}.conda", building.conda_bytes(stem)) for stem in stems]


@pytest.mark.parametrize("then", [Answer(503, "down"), Cut()], ids=["503", "no response"])
def test_three_packages_in_a_row_stop_the_others(
    server: LocalChannel, publish: Publish, workspace: Path, then: Answer | Cut
) -> None:
    """A server that fails three of them without a word of its own is down."""
    server.fail(Fault(then, path=UPLOAD, times=None))
    run = publish(*packages(workspace, 6), concurrency="1")
    assert list(run.statuses.values()) == [Status.FAILED] * 3 + [Status.NOT_ATTEMPTED] * 3
    assert len(server.uploads) == 3
    assert "3 packages in a row" in run.problem("tool005-1.0-h0_0.conda")


def test_they_are_counted_across_the_workers(server: LocalChannel, publish: Publish, workspace: Path) -> None:
    """Only the uploads that have begun by then come to their own end."""
    server.fail(Fault(Answer(503, "down"), path=UPLOAD, times=None))
    statuses = Counter(publish(*packages(workspace, 40), concurrency="4").statuses.values())
    assert 3 <= statuses[Status.FAILED] <= 6
    assert statuses[Status.FAILED] + statuses[Status.NOT_ATTEMPTED] == 40
    assert len(server.uploads) == statuses[Status.FAILED]


@pytest.mark.parametrize("between", [None, Answer(422, "no"), Answer(429, "slow down")], ids=["success", "422", "429"])
def test_an_answer_in_between_starts_the_count_anew(
    server: LocalChannel, publish: Publish, workspace: Path, between: Answer | None
) -> None:
    """The server is up, whatever it says of this package."""
    paths = packages(workspace, 5)
    if between is not None:
        server.fail(Fault(between, file=paths[2].name))
    server.fail(*(Fault(Cut(), file=path.name) for path in paths if path != paths[2]))
    run = publish(*paths, concurrency="1")
    assert Status.NOT_ATTEMPTED not in run.statuses.values()


def test_a_plan_that_is_used_up_stops_the_others(server: LocalChannel, publish: Publish, workspace: Path) -> None:
    """402 is an answer for all packages."""
    server.fail(Fault(Answer(402, "over quota"), path=UPLOAD, times=None))
    run = publish(*packages(workspace, 2), concurrency="1")
    assert list(run.statuses.values()) == [Status.FAILED, Status.NOT_ATTEMPTED]
    assert "HTTP 402: over quota" in run.problem("tool001-1.0-h0_0.conda")


def test_retry_after_holds_for_all_packages(server: LocalChannel, publish: Publish, workspace: Path) -> None:
    """The next package is not sent before the pause is over that the server asked for with the one before."""
    paths = packages(workspace, 2)
    server.fail(Fault(Answer(429, "slow down", {"Retry-After": "60"}), file=paths[0].name))
    stage = Stage()
    run = publish(*paths, stage=stage, concurrency="1")
    assert list(run.statuses.values()) == [Status.FAILED, Status.UPLOADED]
    assert stage.pauses[0] == 60


@pytest.mark.parametrize("at", ["from the start", "after the first package"])
def test_two_hundred_packages_and_a_server_that_is_down(
    action: Action, server: LocalChannel, pauses: Pauses, workspace: Path, at: str
) -> None:
    """The run ends by itself, in much less than 45 minutes, with outputs and summary."""
    paths = packages(workspace, 200)
    if at == "from the start":
        server.fail(Fault(Cut(), times=None))
    else:
        server.fail(*(Fault(Cut(), path=UPLOAD, file=path.name, times=None) for path in paths[1:]))
        server.fail(Fault(Cut(), path=".json", times=None))
    run = action(retries="5")
    assert sum(pauses.seconds) < 45 * 60  # of all workers together
    statuses = Counter(row["status"] for row in json.loads(run.outputs["packages"]))
    assert statuses[Status.NOT_ATTEMPTED] >= 180
    assert run.exit_code == 5
    assert run.outputs["failed-count"] in {"199", "200"}
    assert "in a row" in run.summary
