"""A whole workflow, run by act: build on two platforms, publish in one job, read the outputs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from installing import install
from running import CHANNEL, REPOSITORY, TOKEN

if TYPE_CHECKING:
    from localchannel import LocalChannel

pytestmark = pytest.mark.container

_WORKFLOW = Path(__file__).with_name("workflow")
_ACT = Path(sys.executable).with_name("act")


@pytest.fixture(scope="session")
def job_image(engine: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the jobs, with the builder at the version that is locked for the tests."""
    folder = tmp_path_factory.mktemp("job-image")
    locked = (REPOSITORY / "requirements" / "dev.txt").read_text()
    builder = re.search(r"^py-rattler-build==[^\n]*\\\n(?: +--hash=[^\n]*\n)+", locked, re.MULTILINE)
    assert builder is not None
    (folder / "builder.txt").write_text(builder[0])
    base = os.environ.get("BASE_IMAGE")
    arguments = ["--build-arg", f"BASE_IMAGE={base}"] if base else []
    file = _WORKFLOW / "job.Dockerfile"
    tag = "prefix-upload-job:test"
    command = [engine, "build", "--network", "host", *arguments, "--file", str(file), "--tag", tag, str(folder)]
    build = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - docker
    assert build.returncode == 0, build.stdout + build.stderr
    return tag


@pytest.fixture
def checkout(workspace: Path, image: str) -> Path:
    """A repository as a release has it: `runs.image` names an image instead of the Dockerfile."""
    action = (REPOSITORY / "action.yml").read_text()
    released, count = re.subn(r"(?m)^  image: Dockerfile$", f"  image: docker://{image}", action)
    assert count == 1
    (workspace / "action.yml").write_text(released)
    (workspace / ".github" / "workflows").mkdir(parents=True)
    shutil.copy(_WORKFLOW / "publish.yml", workspace / ".github" / "workflows")
    shutil.copy(_WORKFLOW / "build.py", workspace)
    return workspace


def test_build_publish_and_read_outputs(checkout: Path, job_image: str, server: LocalChannel, tmp_path: Path) -> None:
    """The workflow ends green, its last step has the outputs, and the packages can be installed."""
    command = [str(_ACT), "push", "--platform", f"ubuntu-latest={job_image}", "--pull=false", "--network", "host"]
    command += ["--bind", "--secret", "PREFIX_API_KEY", "--var", f"SERVER_URL={server.url}"]
    variables = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name == "PATH"}
    variables |= {"PREFIX_API_KEY": TOKEN, "HOME": str(tmp_path / "home")}
    run = subprocess.run(  # noqa: S603 - act
        command, cwd=checkout, env=variables, capture_output=True, text=True, check=False, timeout=240
    )
    log = run.stdout + run.stderr
    assert run.returncode == 0, log
    files = ["linux-64/hello-1.0-hb0f4dca_0.conda", "osx-arm64/hello-1.0-h60d57d3_0.conda"]
    assert sorted(server.files(CHANNEL)) == files
    assert f"result=success uploaded=2 url={server.url}/channels/{CHANNEL}" in log
    assert "subdirs ['linux-64', 'osx-arm64']" in log
    assert len(re.findall(r"hello-1.0-h\w+_0\.conda: OK", log)) == 2
    assert TOKEN not in log
    prefix = install(f"{server.url}/{CHANNEL}", "hello", tmp_path / "client")
    assert (prefix / "share" / "hello.txt").read_text() == "hello from linux-64\n"
