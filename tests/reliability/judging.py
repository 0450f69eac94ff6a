"""What has to hold after both runs of a row."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Protocol

from reliability.rows import NOT_LISTED, RETRIES, Row
from support.running import CHANNEL
from support.workflow_commands import annotated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reliability.scene import Scene
    from support.running import Finished

GLOB = "*.conda"


class Run(Protocol):
    """Runs the action once over the scene's workspace."""

    def __call__(self, inputs: Mapping[str, str], variables: Mapping[str, str], *, is_first: bool) -> Finished:
        """`inputs` are all inputs; `variables` come on top of what the runner sets."""


def judge(row: Row, scene: Scene, run: Run) -> Finished:
    """Runs twice: with the fault, and after it. Returns the first run."""
    plain = {"retries": str(RETRIES), "glob": GLOB, "server-url": scene.server.url}
    first = run(plain | scene.inputs, scene.variables, is_first=True)
    log = first.log
    assert first.exit_code == row.exit_code, log
    assert "Traceback" not in log
    if row.reads:
        reported = [command.data for kind in ("error", "warning") for command in annotated(log, kind)]
        assert any(row.reads in text for text in reported), log
    else:
        assert annotated(log, "error") == annotated(log, "warning") == [], log
    if "GITHUB_OUTPUT" in scene.variables:  # the row makes the file unusable
        assert first.outputs == {}, log
    else:
        assert statuses(first, scene) == row.ends, log
    scene.heal()
    on_channel = (is_on_channel(scene, scene.hit, first), is_on_channel(scene, scene.other, first))
    assert on_channel == row.on_channel, log
    row.repair(scene)
    second = run(plain | scene.inputs, scene.variables, is_first=False)
    assert (second.exit_code, statuses(second, scene)) == (row.again_code, row.ends_again), second.log
    if not row.again_code:
        assert scene.server.files(CHANNEL) == {f"noarch/{p.name}": sha256(p) for p in (scene.hit, scene.other)}
    return first


def statuses(finished: Finished, scene: Scene) -> tuple[str, str]:
    """The status of the package that was hit, and that of the other one. There is a row for each, or for neither."""
    found = {row["file"]: row["status"] for row in json.loads(finished.outputs["packages"])}
    if not found:
        return NOT_LISTED
    assert set(found) == {scene.hit.name, scene.other.name}
    return found[scene.hit.name], found[scene.other.name]


def is_on_channel(scene: Scene, path: Path, finished: Finished) -> bool:
    """Whether the channel has the package with the bytes that were validated."""
    there = scene.server.sha256(CHANNEL, "noarch", path.name)
    if there is None:
        return False
    if json.loads(finished.outputs.get("packages", "[]")):
        (validated,) = (r["sha256"] for r in json.loads(finished.outputs["packages"]) if r["file"] == path.name)
        return bool(there == validated)
    return there == sha256(path)


def sha256(path: Path) -> str:
    """The hash of a file as it is now."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
