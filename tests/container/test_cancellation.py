"""Cancelled at any moment, the container ends in time, tells what is known, and a second run finishes the work."""

from __future__ import annotations

import json
import random
import subprocess
from typing import TYPE_CHECKING

import pytest

from localchannel import Access, Channel, LocalChannel
from support.building import conda_bytes, tar_member, written
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from container.runner import ContainerRunner

pytestmark = pytest.mark.container

# Within so many seconds the container has to be gone (the contract's section 4).
IN_TIME = 5.0
# The run below takes longer: the moments are spread over so many seconds of it.
WHOLE_RUN = 2.2
SIGNALS = {"INT": 130, "TERM": 143}
# Statuses of packages that the channel has with these bytes, of those it may have, and of those it has not.
THERE, PERHAPS, NOT_THERE = {"uploaded", "already-present"}, {"failed"}, {"not-attempted"}


@pytest.fixture
def slow_server(tmp_path: Path) -> Iterator[LocalChannel]:
    """Uploads take their time, so that most moments fall into some."""
    keys = {TOKEN: Access.READ_WRITE}
    with LocalChannel(tmp_path / "slow", {CHANNEL: Channel()}, keys, latency=0.4) as running:
        yield running


@pytest.mark.parametrize("number", range(20))
def test_at_a_random_moment(
    number: int, container: ContainerRunner, slow_server: LocalChannel, workspace: Path
) -> None:
    """The exit code tells the signal; no status claims more than is true; the second run converges."""
    moment = random.Random(number).uniform(0, WHOLE_RUN)
    name, exit_code = list(SIGNALS.items())[number % 2]
    for package in range(12):
        stem = f"tool-{package}-1.0-h0_0"
        noise = random.Random(package).randbytes(20_000_000 if package == 0 else 500_000)
        written(workspace / f"{stem}.conda", conda_bytes(stem, payload_members=[tar_member("noise", noise)]))
    inputs = {"channel": CHANNEL, "glob": "*.conda", "token": TOKEN, "server-url": slow_server.url, "concurrency": "2"}

    step = container.start(inputs)
    assert step.process.stdout is not None
    log = step.process.stdout.readline()
    assert log.startswith("::add-mask::")
    with pytest.raises(subprocess.TimeoutExpired):  # the run is not over by then
        step.process.wait(timeout=moment)
    step.signal(name)
    cancelled = step.finished(timeout=IN_TIME)

    assert cancelled.exit_code == exit_code, cancelled.log
    assert "Traceback" not in cancelled.log
    assert cancelled.outputs["result"] == "failure"
    assert "Re-run it" in cancelled.summary
    slow_server.settle()
    for row in json.loads(cancelled.outputs["packages"]):
        there = slow_server.sha256(CHANNEL, "noarch", row["file"])
        assert row["status"] in THERE | PERHAPS | NOT_THERE
        if row["status"] in THERE:
            assert there == row["sha256"]
        if row["status"] in NOT_THERE:
            assert there is None

    again = container.run(inputs)
    assert again.exit_code == 0, again.log
    rows = json.loads(again.outputs["packages"])
    assert len(rows) == 12
    assert slow_server.files(CHANNEL) == {f"noarch/{row['file']}": row["sha256"] for row in rows}
