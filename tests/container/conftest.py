"""The image, built once from the checkout, and containers that are started as the runner starts them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from container.runner import ContainerRunner
from support.running import REPOSITORY

_TAG = "prefix-upload:test"
_JOB_TAG = "prefix-upload-job:test"
_JOB_FILE = Path(__file__).with_name("job.Dockerfile")


@pytest.fixture(scope="session")
def engine() -> str:
    """The Docker client's path. Without an engine the test is skipped; in CI it has to run, so there it fails."""
    client = shutil.which("docker")
    if client is not None:
        answer = subprocess.run([client, "info"], capture_output=True, check=False)  # noqa: S603 - docker
        if answer.returncode == 0:
            return client
    if os.environ.get("CI"):
        pytest.fail("CI is set, but there is no container engine")
    pytest.skip("there is no container engine")


@pytest.fixture(scope="session")
def image(engine: str) -> str:
    """The action's image."""
    return _build(engine, _TAG, REPOSITORY)


@pytest.fixture(scope="session")
def job_image(engine: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of a workflow's jobs, with the builder at the version that is locked for the tests."""
    folder = tmp_path_factory.mktemp("job-image")
    locked = (REPOSITORY / "requirements" / "dev.txt").read_text()
    builder = re.search(r"^py-rattler-build==[^\n]*\\\n(?: +--hash=[^\n]*\n)+", locked, re.MULTILINE)
    assert builder is not None
    (folder / "builder.txt").write_text(builder[0])
    return _build(engine, _JOB_TAG, folder, "--file", str(_JOB_FILE))


def _build(engine: str, tag: str, context: Path, *arguments: str) -> str:
    """Builds an image. `BASE_IMAGE` may name a stand-in where the real base cannot be pulled."""
    base = os.environ.get("BASE_IMAGE")
    arguments = (*arguments, "--build-arg", f"BASE_IMAGE={base}") if base else arguments
    command = [engine, "build", "--network", "host", *arguments, "--tag", tag, str(context)]
    build = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - docker
    assert build.returncode == 0, build.stdout + build.stderr
    return tag


@pytest.fixture
def container(engine: str, image: str, workspace: Path, tmp_path: Path) -> ContainerRunner:
    """Runs steps with the action in its container."""
    return ContainerRunner(engine, image, workspace, tmp_path / "runner")
