"""Two jobs of a matrix that publish at the same moment: each a native package of its own, both a noarch one.

`RACES=200 .venv/bin/python -m pytest tests/test_upload/test_races.py` runs so many of each kind.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from localchannel import Answer, At, Cut, Fault
from prefix_upload.reporting.exit_codes import ExitCode, exit_code
from prefix_upload.status import Status
from support import running
from support.building import conda_bytes, index_of, package_bytes, written
from support.publishing import Stage, at
from support.running import CHANNEL, TOKEN, RunnerFiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from localchannel import LocalChannel
    from localchannel.faults import Action
    from support.publishing import Publish, Result

RACES = int(os.environ.get("RACES", "5"))
NAME = "demo-1.0-h0_0.conda"
SHARED = f"noarch/{NAME}"
PLACES = ("linux-64", "osx-64")
# What the second publisher reports, by whether it has the same bytes.
SECOND = {True: Status.ALREADY_PRESENT, False: Status.SAME_CONTENT}


@pytest.fixture(params=[True, False], ids=["same bytes", "same contents"])
def is_same(request: pytest.FixtureRequest) -> bool:
    """Whether both have the noarch package with the same bytes, or only with the same contents."""
    return bool(request.param)


@pytest.fixture
def jobs(workspace: Path, is_same: bool) -> dict[str, list[Path]]:
    """The packages of each job."""
    return {
        place: [
            written(
                workspace / place / NAME,
                conda_bytes(index=index_of(timestamp=0 if is_same else number)),
            ),
            written(
                workspace / place / "native-1.0-h0_0.tar.bz2",
                package_bytes(".tar.bz2", "native-1.0-h0_0", index=index_of("native-1.0-h0_0", subdir=place)),
            ),
        ]
        for number, place in enumerate(PLACES)
    }


def together(runs: list[Callable[[], Result]]) -> list[Result]:
    """What two runs report that are under way at the same time."""
    with ThreadPoolExecutor(len(runs)) as threads:
        return [future.result() for future in [threads.submit(run) for run in runs]]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_truth(results: list[Result], server: LocalChannel) -> None:
    """Nothing is lost, and what each of them reports about the channel is true."""
    files = server.files(CHANNEL)
    assert sorted(files) == sorted([SHARED, *(f"{place}/native-1.0-h0_0.tar.bz2" for place in PLACES)])
    for result in results:
        assert exit_code(result.report) is ExitCode.SUCCESS
        for package in result.report.packages_on_channel:
            assert files[f"{package.subdir}/{package.file_name}"] == package.sha256
        for outcome in result.report.outcomes:
            assert outcome.status.is_available
            assert outcome.channel_sha256 in {None, files[SHARED]}


@pytest.mark.parametrize("seed", range(RACES))
def test_a_race(server: LocalChannel, publish: Publish, jobs: dict[str, list[Path]], is_same: bool, seed: int) -> None:
    """The noarch package is uploaded once, whoever is first; the other one finds it there."""
    random = Random(seed)
    phase, concurrency = random.choice(["Compare", "Upload", "Upload", ""]), random.choice(["1", "8"])
    barrier = Barrier(len(jobs), timeout=60)
    server.lag(random.choice([0, 0, 1, 3]))

    def run(paths: list[Path]) -> Result:
        stage = Stage(before_phase=at(phase, barrier.wait)) if phase else Stage()
        return publish(*paths, stage=stage, concurrency=concurrency)

    results = together([partial(run, paths) for paths in jobs.values()])
    check_truth(results, server)
    shared = {place: result.statuses[f"{place}/{NAME}"] for place, result in zip(jobs, results, strict=True)}
    assert sorted(shared.values()) == sorted([Status.UPLOADED, SECOND[is_same]])
    (winner,) = (place for place, status in shared.items() if status is Status.UPLOADED)
    assert server.files(CHANNEL)[SHARED] == sha256(jobs[winner][0])


@pytest.mark.parametrize("seed", range(RACES))
def test_a_race_with_lost_responses(
    server: LocalChannel, publish: Publish, jobs: dict[str, list[Path]], seed: int
) -> None:
    """Both find out what is there, and nobody fails."""
    random = Random(seed)
    faults: list[Action] = [Answer(502), Cut(), Cut(reset=True), Answer(503)]
    moments = [At.DONE, At.DONE, At.BODY, At.START]
    for _ in range(random.randint(1, 3)):
        server.fail(Fault(random.choice(faults), at=random.choice(moments), path="/upload/", file=NAME))
    server.lag(random.choice([0, 2]))
    barrier = Barrier(len(jobs), timeout=60)

    def run(paths: list[Path]) -> Result:
        return publish(*paths, stage=Stage(before_phase=at("Upload", barrier.wait)), retries="4")

    results = together([partial(run, paths) for paths in jobs.values()])
    check_truth(results, server)


@pytest.mark.parametrize("number", range(max(1, RACES // 5) if RACES < 50 else RACES))
def test_a_race_of_processes(
    server: LocalChannel, jobs: dict[str, list[Path]], is_same: bool, tmp_path: Path, number: int
) -> None:
    """The whole action, twice: exit codes and outputs."""
    del number
    inputs = {"channel": CHANNEL, "glob": "**/*.conda\n**/*.tar.bz2", "token": TOKEN, "server-url": server.url}

    def run(place: str) -> running.Finished:
        workspace = jobs[place][0].parent
        return running.run(workspace, inputs, RunnerFiles.create(tmp_path / "runner" / place))

    with ThreadPoolExecutor(len(jobs)) as threads:
        finished = list(threads.map(run, jobs))
    assert [each.exit_code for each in finished] == [0, 0], [each.log for each in finished]
    counts = [(each.outputs["uploaded-count"], each.outputs["present-count"]) for each in finished]
    assert sorted(counts) == [("1", "1"), ("2", "0")]
    winner = jobs[PLACES[counts.index(("2", "0"))]][0]
    files = server.files(CHANNEL)
    assert (len(files), files[SHARED]) == (3, sha256(winner))
    for each in finished:
        # The checksums are those of bytes that are on the channel.
        lines = [line.split("  ") for line in each.outputs["checksums"].splitlines()]
        assert lines
        assert {checksum for checksum, _ in lines} <= set(files.values())
    assert sum(f"  {NAME}" in each.outputs["checksums"] for each in finished) == (2 if is_same else 1)
