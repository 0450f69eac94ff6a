"""Cancelled at any moment, a run takes back what it has added, or the report says what is left."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from localchannel import Access, Channel, LocalChannel
from support import building
from support.running import CHANNEL, COMMAND, TOKEN, RunnerFiles, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Seconds within which a cancelled run has to end (the contract's section 4), and during which uploads are under way.
IN_TIME = 5.0
PACKAGES = 20
LATENCY = 0.15


@pytest.fixture
def slow_server(tmp_path: Path) -> Iterator[LocalChannel]:
    """Uploads take their time, so that most moments fall into some."""
    keys = {TOKEN: Access.READ_WRITE_DELETE}
    with LocalChannel(tmp_path / "slow", {CHANNEL: Channel()}, keys, latency=LATENCY) as running:
        yield running


@pytest.mark.parametrize("seed", range(int(os.environ.get("CANCELLATIONS", "5"))))
def test_at_a_random_moment(seed: int, slow_server: LocalChannel, workspace: Path, tmp_path: Path) -> None:
    """After it has begun to upload. A package that was there before stays."""
    paths = [building.package(workspace, f"tool-{number}") for number in range(PACKAGES)]
    slow_server.publish(CHANNEL, paths[0])
    inputs = {"channel": CHANNEL, "glob": "*.conda", "token": TOKEN, "server-url": slow_server.url}
    inputs |= {"concurrency": "3", "rollback-on-failure": "true"}
    files = RunnerFiles.create(tmp_path / "runner")
    variables = environment(workspace, inputs, files) | {"PATH": os.defpath}
    with subprocess.Popen(COMMAND, env=variables, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        head = "".join(iter(process.stdout.readline, f"::group::Upload {PACKAGES - 1} packages to {CHANNEL}\n"))
        # The moment of the signal is what varies.
        time.sleep(random.Random(seed).uniform(0, LATENCY * PACKAGES / 3))
        process.terminate()
        log = head + process.communicate(timeout=IN_TIME)[0]
    run = files.finished(process.returncode, log)
    assert run.exit_code == 143, log
    slow_server.settle()
    there = slow_server.files(CHANNEL)
    assert there.pop(f"noarch/{paths[0].name}")
    rows = {row["file"]: row for row in json.loads(run.outputs["packages"])}
    assert rows[paths[0].name]["status"] == "already-present"
    if all(row["status"] in {"uploaded", "already-present"} for row in rows.values()):
        assert len(there) == PACKAGES - 1  # cancelled after all: there is no reason to take anything back
        return
    for name in (name.partition("/")[2] for name in there):
        is_in_doubt = "may or may not be on the channel" in rows[name].get("error", "")
        assert is_in_doubt or f"noarch/{name}" in run.summary.partition("Rollback incomplete")[2], log
    assert all(f"noarch/{name}" not in there for name, row in rows.items() if row["status"] == "rolled-back")
    assert all(f"noarch/{name}" in there for name, row in rows.items() if row["status"] == "uploaded")
