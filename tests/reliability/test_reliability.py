"""Every row of `docs/reliability.md`: the run in which it happens, and the run after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reliability.judging import judge
from reliability.rows import SECTIONS, Row, rows
from reliability.scene import set_stage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.action import Action, Pauses
    from support.running import Finished


@pytest.mark.parametrize("row", [row for row in rows() if not row.offline], ids=lambda row: row.fault)
def test_row(row: Row, action: Action, pauses: Pauses, workspace: Path, tmp_path: Path) -> None:
    """The user reads why, no package is lost, doubled or under a wrong hash, and a second run puts it right."""

    def run(inputs: Mapping[str, str], variables: Mapping[str, str], *, is_first: bool) -> Finished:
        finished = action(variables, **inputs)
        if is_first and row.waits is not None:
            low, high = row.waits
            assert low <= max(pauses.seconds) <= high
        return finished

    with set_stage(tmp_path, workspace, row.plan, tls=row.tls) as scene:
        judge(row, scene, run)


def test_there_are_enough_rows() -> None:
    """No fault stands there twice."""
    faults = [row.fault for row in rows()]
    assert len(set(faults)) == len(faults) >= 40
    assert all(SECTIONS.values())
