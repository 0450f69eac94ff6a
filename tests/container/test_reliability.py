"""The rows of `docs/reliability.md` that take a container: a machine without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reliability.judging import judge
from reliability.rows import Row, rows
from reliability.scene import set_stage
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from container.runner import ContainerRunner
    from support.running import Finished

pytestmark = pytest.mark.container


@pytest.mark.parametrize("row", [row for row in rows() if row.offline], ids=lambda row: row.fault)
def test_row(row: Row, container: ContainerRunner, workspace: Path, tmp_path: Path) -> None:
    """As for the other rows, but that the first run has no network."""

    def run(inputs: Mapping[str, str], variables: Mapping[str, str], *, is_first: bool) -> Finished:
        given = {"channel": CHANNEL, "token": TOKEN} | dict(inputs)
        return container.run(given, network="none" if is_first else "host", **variables)

    with set_stage(tmp_path, workspace, row.plan, tls=row.tls) as scene:
        judge(row, scene, run)
