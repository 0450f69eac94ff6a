"""`native/action.yml` in a workflow that act runs: the runner's Python is that of the job's image."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.building import package
from support.running import CHANNEL, REPOSITORY, TOKEN

if TYPE_CHECKING:
    from localchannel import LocalChannel

pytestmark = pytest.mark.container

_ACT = Path(sys.executable).with_name("act")
# What of this repository the action consists of.
_ACTION = ("native", "requirements", "src", "entrypoint.py")


@pytest.fixture
def checkout(workspace: Path) -> Path:
    """A repository with the action and with packages."""
    for name in _ACTION:
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, workspace / name)
    (workspace / ".github" / "workflows").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("workflow") / "native.yml", workspace / ".github" / "workflows")
    for name in ("one", "two", "left-out"):
        package(workspace / "output", name)
    return workspace


def test_publish_twice_and_read_outputs(checkout: Path, image: str, server: LocalChannel, tmp_path: Path) -> None:
    """The first step installs what the action needs, later ones find it; all have outputs, also the one that fails."""
    # The action's own image has the Python of its base image as well, with pip.
    command = [str(_ACT), "push", "--platform", f"ubuntu-latest={image}", "--pull=false", "--network", "host"]
    command += ["--bind", "--secret", "PREFIX_API_KEY", "--var", f"SERVER_URL={server.url}"]
    variables = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name == "PATH"}
    variables |= {"PREFIX_API_KEY": TOKEN, "HOME": str(tmp_path / "home")}
    run = subprocess.run(  # noqa: S603 - act
        command, cwd=checkout, env=variables, capture_output=True, text=True, check=False, timeout=280
    )
    log = run.stdout + run.stderr
    assert run.returncode == 0, log
    assert sorted(server.files(CHANNEL)) == ["noarch/one-1.0-h0_0.conda", "noarch/two-1.0-h0_0.conda"]
    assert f"first success 2, second success 2, third failure failure, {server.url}/channels/@{CHANNEL}" in log
    assert "one-1.0-h0_0.conda: OK" in log
    assert "environments: 1" in log
    assert TOKEN not in log
