"""The image, built once from the checkout, and containers that are started as the runner starts them."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from container.runner import ContainerRunner
from support.running import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

_TAG = "prefix-upload:test"


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
    """The action's image. `BASE_IMAGE` may name a stand-in where the real base cannot be pulled."""
    base = os.environ.get("BASE_IMAGE")
    arguments = ["--build-arg", f"BASE_IMAGE={base}"] if base else []
    command = [engine, "build", "--network", "host", *arguments, "--tag", _TAG, str(REPOSITORY)]
    build = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - docker
    assert build.returncode == 0, build.stdout + build.stderr
    return _TAG


@pytest.fixture
def container(engine: str, image: str, workspace: Path, tmp_path: Path) -> ContainerRunner:
    """Runs steps with the action in its container."""
    return ContainerRunner(engine, image, workspace, tmp_path / "runner")
