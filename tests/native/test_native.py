"""`native/action.yml`: how it finds Python and sets up what it runs in. `container/test_doors.py` runs the action."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.building import package
from support.doors import NATIVE, NativeAction, native_action
from support.native import folder, prepare
from support.running import CHANNEL, REPOSITORY, TOKEN
from support.workflow_commands import annotated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localchannel import LocalChannel


def executable(path: Path, script: str) -> Path:
    """A program on `PATH`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def native(workspace: Path, tmp_path: Path) -> NativeAction:
    """Steps of a job whose virtual environment is complete."""
    prepare(tmp_path / "temp")
    return NativeAction(workspace, tmp_path / "runner", tmp_path / "temp")


def inputs(server: LocalChannel) -> dict[str, str]:
    """The inputs of a plain upload."""
    return {"channel": CHANNEL, "glob": "*.conda", "token": TOKEN, "server-url": server.url}


# The runner's Python.


@pytest.mark.parametrize("names", [("python",), ("python3",), ("python", "python3")], ids=" and ".join)
def test_one_of_two_names_is_enough(
    names: tuple[str, ...], native: NativeAction, server: LocalChannel, workspace: Path, tmp_path: Path
) -> None:
    """Whichever is recent enough; the other may be missing or old."""
    path = package(workspace)
    for name in ("python", "python3"):
        if name in names:
            executable(tmp_path / "bin" / name, f'exec {sys.executable} "$@"')
        else:
            executable(tmp_path / "bin" / name, "echo 'Unknown option: -I' >&2; exit 2")
    finished = native.run(inputs(server), PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert finished.exit_code == 0, finished.log
    assert "Unknown option" not in finished.log
    assert server.sha256(CHANNEL, "noarch", path.name)


@pytest.mark.parametrize(("system", "has_container"), [("Linux", True), ("macOS", False), ("Windows", False)])
def test_no_python(
    native: NativeAction, server: LocalChannel, tmp_path: Path, system: str, *, has_container: bool
) -> None:
    """The error names the action that brings one."""
    for name in ("python", "python3"):
        executable(tmp_path / "bin" / name, "exit 1")
    finished = native.run(inputs(server), PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin", RUNNER_OS=system)
    (error,) = annotated(finished.log, "error")
    assert (finished.exit_code, error.properties["title"]) == (2, "Python is missing")
    assert "Python 3.11 or newer" in error.data
    assert "actions/setup-python" in error.data
    assert ("in a container" in error.data) is has_container
    assert not server.requests


def test_what_earlier_steps_left_changes_nothing(
    native: NativeAction, server: LocalChannel, workspace: Path, tmp_path: Path
) -> None:
    """Neither variables of Python nor modules in the workspace are read, and no file is left there."""
    path = package(workspace)
    for name in ("requests", "zstandard", "prefix_upload", "sitecustomize", "json", "hashlib", "venv", "pip"):
        (workspace / f"{name}.py").write_text("raise SystemExit('the workspace was imported')\n")
    before = sorted(workspace.rglob("*"))
    hostile = {"PYTHONPATH": str(workspace), "PYTHONHOME": str(tmp_path), "PYTHONSAFEPATH": "", "LANG": "C"}
    finished = native.run(inputs(server), **hostile)
    assert finished.exit_code == 0, finished.log
    assert server.sha256(CHANNEL, "noarch", path.name)
    assert sorted(workspace.rglob("*")) == before


def test_hints_do_not_speak_of_a_container(native: NativeAction, server: LocalChannel) -> None:
    """There is none, so a path outside the workspace is visible, but still not what a pattern may name."""
    variables = {"SSL_CERT_FILE": "/missing/ca.pem"}
    wrong = {"glob": "/elsewhere/*.conda", "server-url": "https://channel.test"}
    finished = native.run(inputs(server) | wrong, **variables)
    data = [error.data for error in annotated(finished.log, "error")]
    assert finished.exit_code == 2
    assert any("outside the workspace" in text for text in data)
    assert any("SSL_CERT_FILE is '/missing/ca.pem'" in text for text in data)
    assert "container" not in finished.log
    assert "https://github.com/org/prefix-upload/blob/v1/README.md#patterns" in finished.log


@pytest.mark.parametrize(("name", "exit_code"), [("INT", 130), ("TERM", 143)])
def test_cancelled_before_the_action_starts(
    native: NativeAction, server: LocalChannel, workspace: Path, tmp_path: Path, name: str, exit_code: int
) -> None:
    """While packages are installed, the runner's signals reach the shell only. Nothing is uploaded afterwards."""
    package(workspace)
    wait = 'case "$*" in *virtual_environment*) echo waiting >&2; exec sleep 60;; esac'
    executable(tmp_path / "bin" / "python", f'{wait}; exec {sys.executable} "$@"')
    step = native.start(inputs(server), PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert step.process.stdout is not None
    assert step.process.stdout.readline() == "waiting\n"
    step.signal(name)
    finished = step.finished(timeout=30)
    assert (finished.exit_code, finished.log) == (exit_code, "")
    assert not server.requests


# The virtual environment.


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An action that needs one small package, which is in `wheels`."""
    shutil.copytree(NATIVE, tmp_path / "action" / "native", ignore=shutil.ignore_patterns("__pycache__"))
    wheel = tmp_path / "wheels" / "tiny-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "VALUE = 42\n")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "tiny.py,,\n")
    requirements = tmp_path / "action" / "requirements" / "runtime.txt"
    requirements.parent.mkdir()
    requirements.write_text(f"tiny==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    return tmp_path / "action"


@pytest.fixture
def set_up(checkout: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Sets up its virtual environment, or finds it."""
    (tmp_path / "temp").mkdir()

    def run(**variables: str) -> subprocess.CompletedProcess[str]:
        given = {"RUNNER_TEMP": str(tmp_path / "temp"), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")}
        return subprocess.run(  # noqa: S603 - ours
            [sys.executable, "-I", "-u", "-X", "utf8", str(checkout / "native" / "virtual_environment.py")],
            env={"PATH": os.defpath, "PIP_CONFIG_FILE": os.devnull} | given | variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_it_is_set_up_once_per_job(
    set_up: Callable[..., subprocess.CompletedProcess[str]], checkout: Path, tmp_path: Path
) -> None:
    """From the locked requirements, whatever earlier steps left; the next step finds it and starts no installation."""
    (tmp_path / "pip.py").write_text("raise SystemExit('the working directory was imported')\n")
    first = set_up(PYTHONPATH=str(tmp_path), PYTHONHOME=str(tmp_path), PYTHONINSPECT="1")
    assert first.returncode == 0, first.stderr
    environment = folder(tmp_path / "temp", checkout / "requirements" / "runtime.txt")
    assert Path(first.stdout) == environment / "bin" / "python"
    command = [first.stdout, "-I", "-c", "import tiny; print(tiny.VALUE)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "42\n"  # noqa: S603 - ours
    shutil.rmtree(tmp_path / "wheels")
    second = set_up()
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, "")


def test_what_was_interrupted_is_set_up_again(
    set_up: Callable[..., subprocess.CompletedProcess[str]], checkout: Path, tmp_path: Path
) -> None:
    """A folder that is not complete is emptied first."""
    environment = folder(tmp_path / "temp", checkout / "requirements" / "runtime.txt")
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").write_text("half of it")
    assert set_up().returncode == 0
    assert (environment / "complete").exists()


def test_other_bytes_are_not_installed(
    set_up: Callable[..., subprocess.CompletedProcess[str]], checkout: Path, tmp_path: Path
) -> None:
    """The error says what to do, and the next step tries again."""
    wheel = tmp_path / "wheels" / "tiny-1.0-py3-none-any.whl"
    good = wheel.read_bytes()
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("more.py", "")
    refused = set_up()
    (error,) = annotated(refused.stderr, "error")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert error.properties["title"] == "Could not install the dependencies"
    assert "PIP_INDEX_URL" in error.data
    assert not (folder(tmp_path / "temp", checkout / "requirements" / "runtime.txt") / "complete").exists()
    wheel.write_bytes(good)
    assert set_up().returncode == 0


def test_what_has_no_hash_is_not_installed(
    set_up: Callable[..., subprocess.CompletedProcess[str]], checkout: Path
) -> None:
    """Each requirement needs one."""
    (checkout / "requirements" / "runtime.txt").write_text("tiny==1.0\n")
    assert set_up().returncode == 2


# What is declared.


def declared() -> Mapping[str, str]:
    """The environment of the step."""
    (step,) = native_action()["runs"]["steps"]
    return dict(step["env"])


def test_each_input_is_passed_on_by_the_environment() -> None:
    """None is part of the script, where a shell would act on it."""
    action = native_action()
    (step,) = action["runs"]["steps"]
    assert "${{" not in step["run"]
    passed = {name: value for name, value in declared().items() if name.startswith("INPUT_")}
    assert passed == {f"INPUT_{name.upper()}": f"${{{{ inputs.{name} }}}}" for name in action["inputs"]}


def test_each_output_is_that_of_the_step() -> None:
    """Under its name."""
    action = native_action()
    (step,) = action["runs"]["steps"]
    values = {name: output["value"] for name, output in action["outputs"].items()}
    assert values == {name: f"${{{{ steps.{step['id']}.outputs.{name} }}}}" for name in values}


def test_scripts_keep_their_line_ends() -> None:
    """Git on Windows would change them."""
    assert "*.sh text eol=lf" in (REPOSITORY / ".gitattributes").read_text().splitlines()
    assert b"\r" not in (NATIVE / "run.sh").read_bytes()
