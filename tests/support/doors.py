"""The doors that need no container: `entrypoint.py` and `native/action.yml`, as the runner opens them, and a shell."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ruamel.yaml import YAML

from support.running import COMMAND, REPOSITORY, Finished, RunnerFiles, environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NATIVE = REPOSITORY / "native"


class Step(Protocol):
    """A step that is running."""

    def finished(self, timeout: float) -> Finished:
        """What is left of it, once it has ended. It has to within so many seconds."""

    def signal(self, name: str) -> None:
        """Sends a signal, such as "INT", to the process that the runner would send it to."""


class Door(Protocol):
    """Starts one step after another in the same job."""

    def run(self, inputs: Mapping[str, str], **variables: str) -> Finished:
        """Runs a step to its end. `variables` are what earlier steps left in the environment."""

    def start(self, inputs: Mapping[str, str], **variables: str) -> Step:
        """Starts a step."""


def native_action() -> dict[str, Any]:
    """`native/action.yml`."""
    return dict(YAML(typ="safe").load(NATIVE / "action.yml"))


@dataclass(frozen=True)
class RunnerStep:
    """A step that a runner has started: its process, which prints the log, and the files that it writes."""

    process: subprocess.Popen[str]
    files: RunnerFiles

    def finished(self, timeout: float) -> Finished:
        """What is left of it, once it has ended. It has to within so many seconds."""
        log, _ = self.process.communicate(timeout=timeout)
        return self.files.finished(self.process.returncode, log)

    def signal(self, name: str) -> None:
        """The runner knows only the process that it has started (actions/runner, ProcessInvoker)."""
        self.process.send_signal(signal.Signals[f"SIG{name}"])


@dataclass
class _ProcessDoor:
    workspace: Path
    folder: Path
    steps: int = field(default=0, init=False)

    def run(self, inputs: Mapping[str, str], **variables: str) -> Finished:
        return self.start(inputs, **variables).finished(timeout=120)

    def start(self, inputs: Mapping[str, str], **variables: str) -> RunnerStep:
        self.steps += 1
        files = RunnerFiles.create(self.folder / str(self.steps))
        command, set_by_door = self.command(inputs, files)
        process = subprocess.Popen(  # noqa: S603 - our own action
            command,
            env={"PATH": os.defpath, **set_by_door, **variables},
            cwd=self.workspace,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return RunnerStep(process, files)

    def command(self, inputs: Mapping[str, str], files: RunnerFiles) -> tuple[Sequence[str], Mapping[str, str]]:
        """The command of a step, and its environment."""
        raise NotImplementedError


class EntryPoint(_ProcessDoor):
    """`entrypoint.py`, in a process of its own."""

    def command(self, inputs: Mapping[str, str], files: RunnerFiles) -> tuple[Sequence[str], Mapping[str, str]]:
        """As in `action.yml`."""
        return COMMAND, environment(self.workspace, inputs, files)


class NativeAction(_ProcessDoor):
    """The step of `native/action.yml`, as the runner runs scripts (actions/runner, ScriptHandler).

    `temp` is the job's folder for temporary files. The Python of the tests is the runner's.
    """

    def __init__(self, workspace: Path, folder: Path, temp: Path) -> None:
        super().__init__(workspace, folder)
        self.temp = temp
        self.temp.mkdir(parents=True, exist_ok=True)

    def command(self, inputs: Mapping[str, str], files: RunnerFiles) -> tuple[Sequence[str], Mapping[str, str]]:
        """The script in a file, and what the expressions of `env` result in."""
        action = native_action()
        (step,) = action["runs"]["steps"]
        assert step["shell"] == "bash"
        script = self.temp / f"{self.steps}.sh"
        script.write_text(step["run"])
        contexts = {f"inputs.{name}": str(declared.get("default", "")) for name, declared in action["inputs"].items()}
        contexts |= {f"inputs.{name}": value for name, value in inputs.items()}
        contexts |= {"github.action_repository": "org/prefix-upload", "github.action_ref": "v1"}
        variables = {
            name: re.sub(r"\$\{\{ (.*?) \}\}", lambda match: contexts[match[1]], text)
            for name, text in step["env"].items()
        }
        variables |= environment(self.workspace, {}, files) | {
            "GITHUB_ACTION_PATH": str(NATIVE),
            "GITHUB_SERVER_URL": "https://github.com",
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "RUNNER_TEMP": str(self.temp),
        }
        return ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)), variables


@dataclass(frozen=True)
class _Command:
    process: subprocess.Popen[str]

    def finished(self, timeout: float) -> Finished:
        """A shell has neither outputs nor a summary: rows are printed as JSON, and all else is the log."""
        rows, log = self.process.communicate(timeout=timeout)
        code = self.process.returncode
        outputs = {"packages": rows or "[]", "result": "failure" if code else "success"}
        return Finished(code, log, outputs, summary=log, artifacts=[])

    def signal(self, name: str) -> None:
        """As Ctrl-C or `kill` send it."""
        self.process.send_signal(signal.Signals[f"SIG{name}"])


class CommandLine:
    """`prefix-upload upload`, in the workspace, with the key in the environment and patterns as arguments."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace

    def run(self, inputs: Mapping[str, str], **variables: str) -> Finished:
        """Runs a command to its end."""
        return self.start(inputs, **variables).finished(timeout=120)

    def start(self, inputs: Mapping[str, str], **variables: str) -> _Command:
        """Starts a command."""
        patterns = [line for line in inputs.get("glob", "").splitlines() if line and not line.startswith("#")]
        flags = []
        for name, value in inputs.items():
            if name not in {"glob", "token"} and value != "false":
                flags += [f"--{name}"] if value == "true" else [f"--{name}", value]
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "prefix_upload", "upload", "--json", *flags, "--", *patterns],
            env={
                "HOME": str(self._workspace / "no home"),
                "PATH": os.defpath,
                "PREFIX_API_KEY": inputs["token"],
                "PYTHONPATH": str(REPOSITORY / "src"),
                **variables,
            },
            cwd=self._workspace,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return _Command(process)
