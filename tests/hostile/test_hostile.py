"""Every file has its verdict, within bounds of time and memory, and no file stops or fools a whole run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hostile import ambiguous, bombs, broken, metadata, odd, places
from support.running import CHANNEL
from support.workflow_commands import OURS, commands

if TYPE_CHECKING:
    from hostile.case import Case
    from localchannel import LocalChannel
    from support.action import Action

CASES = [case for group in (bombs, broken, ambiguous, metadata, odd, places) for case in group.cases()]
CHECK = Path(__file__).with_name("check.py")
# Of the processor, so that a busy machine changes nothing; and of memory, in MB.
MAX_SECONDS, MAX_MEMORY = 20.0, 300.0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdict(case: Case, tmp_path: Path) -> None:
    """Refused with the reason, or accepted with the warning, and nothing is exhausted."""
    path = case.make(tmp_path)
    run = subprocess.run([sys.executable, "-I", CHECK, path], capture_output=True, check=False, timeout=200)  # noqa: S603 - this interpreter
    assert run.returncode == 0, run.stderr
    reported = json.loads(run.stdout)
    assert case.finding in "; ".join(reported["findings"])
    assert bool(reported["findings"]) == bool(case.finding), reported
    assert case.warning in "; ".join(reported["warnings"])
    assert bool(reported["warnings"]) == bool(case.warning), reported
    assert reported["seconds"] < MAX_SECONDS
    assert reported["memory"] < MAX_MEMORY


def test_there_are_enough() -> None:
    """No file stands there twice."""
    assert len({case.name for case in CASES}) == len(CASES) >= 90


def test_one_run_over_all_that_is_refused(action: Action, workspace: Path, server: LocalChannel) -> None:
    """Each is reported with its reasons, nothing is sent, and no name or content takes effect in the log."""
    refused = [case for case in CASES if case.finding and case.name != "a file that is gone"]
    for number, case in enumerate(refused):
        folder = workspace / str(number)
        folder.mkdir()
        case.make(folder)
    finished = action(glob="*/*", validate="metadata")
    assert finished.exit_code == 4
    assert not server.requests
    assert {command.name for command in commands(finished.log)} <= OURS


@pytest.mark.parametrize("case", [case for case in odd.cases() if not case.is_old], ids=lambda case: case.name)
def test_what_is_odd_is_published(case: Case, action: Action, workspace: Path, server: LocalChannel) -> None:
    """Rattler reads it, too, and finds the same hash."""
    case.make(workspace)
    finished = action(glob="*.*")
    assert finished.exit_code == 0, finished.log
    (row,) = json.loads(finished.outputs["packages"])
    assert server.files(CHANNEL) == {f"{row['subdir']}/{row['file']}": row["sha256"]}
