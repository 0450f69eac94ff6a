"""The other commands in the container: as actions, and on its command line."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from container.act import Act, released
from support.building import conda_bytes, written
from support.readme import OURS
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from container.runner import ContainerRunner
    from localchannel import LocalChannel

pytestmark = pytest.mark.container

OLD, NEW = "demo-1.0-h0_0.conda", "demo-2.0-h0_0.conda"


def test_the_actions(container: ContainerRunner, server: LocalChannel, tmp_path: Path) -> None:
    """Yank, unyank, reindex and delete, with what each action passes to the image."""
    for file in (OLD, NEW):
        server.publish(CHANNEL, written(tmp_path / file, conda_bytes(file.removesuffix(".conda"))))
    inputs = {"channel": CHANNEL, "token": TOKEN, "server-url": server.url}

    yanked = container.run(inputs | {"packages": OLD, "reason": "broken"}, command="yank")
    assert (yanked.exit_code, yanked.outputs["yanked-count"]) == (0, "1"), yanked.log
    assert server.state(CHANNEL, "noarch", OLD) == ("broken", False)
    unyanked = container.run(inputs | {"packages": OLD}, command="unyank")
    assert (unyanked.exit_code, unyanked.outputs["unyanked-count"]) == (0, "1"), unyanked.log
    reindexed = container.run(inputs | {"subdirs": "noarch"}, command="reindex")
    assert (reindexed.exit_code, reindexed.outputs["result"]) == (0, "success"), reindexed.log
    planned = container.run(inputs | {"packages": "demo", "keep-last": "1"}, command="delete")
    assert (planned.exit_code, planned.outputs["planned-count"]) == (0, "1"), planned.log
    assert len(server.files(CHANNEL)) == 2
    deleted = container.run(inputs | {"packages": "demo", "keep-last": "1", "dry-run": "false"}, command="delete")
    assert (deleted.exit_code, deleted.outputs["deleted-count"]) == (0, "1"), deleted.log
    assert list(server.files(CHANNEL)) == [f"noarch/{NEW}"]
    assert "not the latest version" in deleted.summary


def test_a_workflow_with_all_of_them(image: str, server: LocalChannel, workspace: Path, tmp_path: Path) -> None:
    """Their inputs arrive, and later steps read their outputs, also those of a step that failed."""
    for file in (OLD, NEW):
        server.publish(CHANNEL, written(tmp_path / file, conda_bytes(file.removesuffix(".conda"))))
    workflows = workspace / ".github" / "workflows"
    workflows.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("commands.yml"), workflows)
    options = ["--local-repository", f"{OURS}={released(tmp_path / 'released', image)}"]
    options += ["--var", f"SERVER_URL={server.url}"]
    log = Act(image, tmp_path / "home", secrets={"PREFIX_API_KEY": TOKEN}, options=options).run(workspace)
    assert "yank success 1, unyank success 1, reindex success, plan dry-run 1 0, delete success 1, again failure" in log
    assert list(server.files(CHANNEL)) == [f"noarch/{NEW}"]
    assert TOKEN not in log


def test_the_command_line(container: ContainerRunner, server: LocalChannel, workspace: Path) -> None:
    """The image has the same program, with every command."""
    for file in (OLD, NEW):
        written(workspace / file, conda_bytes(file.removesuffix(".conda")))
    docker = [container.engine, "run", "--rm", "--network", "host", "--entrypoint", "prefix-upload"]
    docker += ["--volume", f"{workspace}:/data", "--workdir", "/data", "--env", f"PREFIX_API_KEY={TOKEN}"]
    docker += ["--env", f"PREFIX_CHANNEL={CHANNEL}", "--env", f"PREFIX_SERVER_URL={server.url}", container.image]

    def run(*words: str) -> list[str]:
        """The statuses that a command prints."""
        done = subprocess.run([*docker, *words, "--json"], capture_output=True, text=True, check=False)  # noqa: S603 - docker
        assert done.returncode == 0, done.stderr
        return [row["status"] for row in json.loads(done.stdout)]

    assert run("check", "*.conda") == ["valid", "valid"]
    assert run("upload", "*.conda") == ["uploaded", "uploaded"]
    assert run("yank", "--reason", "broken", OLD) == ["yanked"]
    assert run("unyank", OLD) == ["unyanked"]
    for words in (["reindex", "noarch"], ["whoami"]):
        done = subprocess.run([*docker, *words], capture_output=True, text=True, check=False)  # noqa: S603 - docker
        assert done.returncode == 0, done.stderr
    assert run("delete", "--keep-last", "1", "demo") == ["would-delete"]
    assert run("delete", OLD) == ["deleted"]
    assert list(server.files(CHANNEL)) == [f"noarch/{NEW}"]
