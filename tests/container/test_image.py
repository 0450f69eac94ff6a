"""The container as the runner starts it, in a friendly and in a hostile environment."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.building import package
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from container.runner import ContainerRunner
    from localchannel import LocalChannel
    from support.running import Finished

pytestmark = pytest.mark.container


def inputs(server: LocalChannel, **others: str) -> dict[str, str]:
    """The inputs of a plain upload."""
    plain = {"channel": CHANNEL, "glob": "**/*.conda\n**/*.tar.bz2", "token": TOKEN, "server-url": server.url}
    return plain | others


def statuses(finished: Finished) -> set[str]:
    """The statuses in the `packages` output."""
    return {row["status"] for row in json.loads(finished.outputs["packages"])}


def test_hostile_environment_and_read_only_workspace(
    container: ContainerRunner, server: LocalChannel, workspace: Path
) -> None:
    """What earlier steps set and what lies in the workspace changes nothing, and nothing is left behind."""
    path = package(workspace)
    for name in ("requests", "zstandard", "prefix_upload", "sitecustomize", "json"):
        (workspace / f"{name}.py").write_text("raise SystemExit('the workspace was imported')\n")
    before = sorted(workspace.rglob("*"))
    finished = container.run(
        inputs(server),
        mode="ro",
        PATH="utter-nonsense",
        PYTHONPATH="/github/workspace",
        PYTHONHOME="/github/workspace",
        PYTHONSTARTUP="/github/workspace/json.py",
        LD_LIBRARY_PATH="/github/workspace",
        LANG="C",
        TMPDIR="/github/workspace",
    )
    assert finished.exit_code == 0, finished.log
    assert server.sha256(CHANNEL, "noarch", path.name)
    assert sorted(workspace.rglob("*")) == before


def test_host_paths_in_the_glob(container: ContainerRunner, server: LocalChannel, workspace: Path) -> None:
    """Lines of the glob that the runner leaves as the host's paths are understood."""
    package(workspace / "a")
    package(workspace / "b", "left-out")
    lines = ("# all but one", "/github/workspace/a/*.conda", "/home/runner/work/packages/packages/b/*.conda")
    glob = "\n".join((*lines, "!/home/runner/work/packages/packages/b/left-*"))
    finished = container.run(inputs(server, glob=glob))
    assert finished.exit_code == 0, finished.log
    assert list(server.files(CHANNEL)) == ["noarch/demo-1.0-h0_0.conda"]


def test_holds_nothing_but_the_action(engine: str, image: str) -> None:
    """No compiler, no pip beside the action, no tests; every module compiled beforehand."""
    script = """
        set -e
        cd /app && test "$(ls)" = "$(printf 'entrypoint.py\\nsrc\\nvenv')" && test "$(ls src)" = prefix_upload
        ! command -v gcc && ! test -e /app/venv/bin/pip && ! test -e /app/venv/lib/python3.*/site-packages/tests
        ! find /app -name 'test_*' -o -name '*.pyc' -path '*/tests/*' | grep .
        for source in $(find /app/src -name '*.py'); do
            ls "$(dirname "$source")/__pycache__/$(basename "$source" .py)".*.pyc >/dev/null
        done
    """
    command = [engine, "run", "--rm", "--network", "host", "--entrypoint", "sh", image, "-c", script]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - docker
    assert answer.returncode == 0, answer.stdout + answer.stderr


def _given_packages(kind: str) -> list[Path]:
    folder = os.environ.get("PREFIX_UPLOAD_PACKAGES")
    return sorted(path for path in Path(folder, kind).rglob("*") if path.is_file()) if folder else []


@pytest.mark.skipif(not _given_packages("valid"), reason="PREFIX_UPLOAD_PACKAGES names no folder of real packages")
class TestGivenPackages:
    """Packages that other projects built, where `PREFIX_UPLOAD_PACKAGES` brings some: `valid/` and `invalid/`."""

    def test_valid_ones_publish_once(self, container: ContainerRunner, server: LocalChannel, workspace: Path) -> None:
        """All of them in one step; the second step sends nothing and asks at most twice."""
        for path in _given_packages("valid"):
            (workspace / path.parent.name).mkdir(exist_ok=True)
            (workspace / path.parent.name / path.name).write_bytes(path.read_bytes())
        first = container.run(inputs(server))
        assert first.exit_code == 0, first.log
        assert len(server.files(CHANNEL)) == len(_given_packages("valid"))
        check = subprocess.run(
            ["sha256sum", "-c", "-"],  # noqa: S607 - coreutils
            input="".join(f"{line}\n" for line in _by_path(first)),
            cwd=workspace,
            text=True,
            capture_output=True,
            check=False,
        )
        assert check.returncode == 0, check.stdout
        before = len(server.requests)
        second = container.run(inputs(server))
        assert statuses(second) == {"already-present"}
        assert len(server.requests) - before <= 2
        assert not [request for request in server.requests[before:] if "/upload/" in request.path]

    @pytest.mark.parametrize("path", _given_packages("invalid"), ids=lambda path: path.name)
    def test_invalid_ones_are_refused(
        self, container: ContainerRunner, server: LocalChannel, workspace: Path, path: Path
    ) -> None:
        """Each with exit code 4, a reason, and no upload."""
        (workspace / path.name).write_bytes(path.read_bytes())
        finished = container.run(inputs(server, glob="*"))
        assert finished.exit_code == 4, finished.log
        assert not server.uploads
        (row,) = json.loads(finished.outputs["packages"])
        assert row["status"] == "invalid"
        assert row["error"]
        assert "nothing was uploaded" in finished.log


def _by_path(finished: Finished) -> list[str]:
    """The checksums with the paths that the files have in the workspace."""
    lines = finished.outputs["checksums"].splitlines()
    rows = json.loads(finished.outputs["packages"])
    assert [line.split("  ")[1] for line in lines] == [row["file"] for row in rows]
    return [f"{line.split('  ')[0]}  {row['path']}" for line, row in zip(lines, rows, strict=True)]
