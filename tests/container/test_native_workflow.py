"""`native/action.yml` in a workflow that act runs: the runner's Python is that of the job's image."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from container.act import Act
from support.building import package
from support.running import CHANNEL, REPOSITORY, TOKEN

if TYPE_CHECKING:
    from localchannel import LocalChannel

pytestmark = pytest.mark.container

# What of this repository the action consists of.
_ACTION = ("native", "requirements", "src", "entrypoint.py")


@pytest.fixture
def checkout(workspace: Path) -> Path:
    """A repository with the action and with packages."""
    for name in _ACTION:
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, workspace / name)
    (workspace / ".github" / "workflows").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("native.yml"), workspace / ".github" / "workflows")
    for name in ("one", "two", "left-out"):
        package(workspace / "output", name)
    return workspace


def test_publish_twice_and_read_outputs(checkout: Path, image: str, server: LocalChannel, tmp_path: Path) -> None:
    """The first step installs what the action needs, later ones find it; all have outputs, also the one that fails."""
    # The action's own image has the Python of its base image as well, with pip.
    options = ["--bind", "--var", f"SERVER_URL={server.url}"]
    log = Act(image, tmp_path / "home", secrets={"PREFIX_API_KEY": TOKEN}, options=options).run(checkout)
    assert sorted(server.files(CHANNEL)) == ["noarch/one-1.0-h0_0.conda", "noarch/two-1.0-h0_0.conda"]
    assert f"first success 2, second success 2, third failure failure, {server.url}/channels/@{CHANNEL}" in log
    assert "one-1.0-h0_0.conda: OK" in log
    assert "environments: 1" in log
    assert TOKEN not in log
