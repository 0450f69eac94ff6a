"""`docker run` as actions/runner does it (ContainerActionHandler.cs, DockerCommandManager.cs)."""

from __future__ import annotations

import os
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from support.doors import RunnerStep
from support.running import REPOSITORY, Finished, RunnerFiles, environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Inside the container.
WORKSPACE = Path("/github/workspace")
_FILES = Path("/github/file_commands")


def action(command: str = "upload") -> dict[str, Any]:
    """The `action.yml` of a command."""
    folder = REPOSITORY if command == "upload" else REPOSITORY / command
    return dict(YAML(typ="safe").load(folder / "action.yml"))


@dataclass
class ContainerRunner:
    """Starts the action's image for one step after another, on the same workspace."""

    engine: str
    image: str
    workspace: Path
    folder: Path
    steps: int = field(default=0, init=False)

    def run(
        self,
        inputs: Mapping[str, str],
        *,
        mode: str = "rw",
        network: str = "host",
        command: str = "upload",
        **variables: str,
    ) -> Finished:
        """Runs a step to its end."""
        return self.start(inputs, mode=mode, network=network, command=command, **variables).finished(timeout=120)

    def start(
        self,
        inputs: Mapping[str, str],
        *,
        mode: str = "rw",
        network: str = "host",
        command: str = "upload",
        **variables: str,
    ) -> ContainerStep:
        """Starts a step with the action of a command.

        `mode` is that of the workspace's mount, `variables` what earlier steps left behind.
        """
        self.steps += 1
        folder = self.folder / str(self.steps)
        files = RunnerFiles.create(folder / "file_commands")
        defaults = {name: str(reported.get("default", "")) for name, reported in action(command)["inputs"].items()}
        variables = self._environment(defaults | dict(inputs)) | variables
        client = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
        name = f"step-{uuid.uuid4().hex}"
        runs = action(command)["runs"]
        arguments = [self.engine, "run", "--name", name, "--workdir", str(WORKSPACE), "--rm", "--network", network]
        arguments += ["--entrypoint", runs["entrypoint"], *self._mounts(folder, mode)]
        for variable in variables:
            arguments += ["-e", variable]
        process = subprocess.Popen(  # noqa: S603 - docker
            [*arguments, self.image, *runs["args"]],
            # The values come by the environment, so that no argument of any process shows them.
            env=client | variables,
            executable=self.engine,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return ContainerStep(process, files, self.engine, name)

    def _environment(self, inputs: Mapping[str, str]) -> dict[str, str]:
        return environment(WORKSPACE, inputs, RunnerFiles.named_in(_FILES)) | {
            "CI": "true",
            "HOME": "/github/home",
            "RUNNER_WORKSPACE": "/home/runner/work/packages",
        }

    def _mounts(self, folder: Path, mode: str) -> Sequence[str]:
        mounts = []
        for name in ("home", "workflow", "file_commands"):
            (folder / name).mkdir(exist_ok=True)
            mounts += ["-v", f"{folder / name}:/github/{name}"]
        return [*mounts, "-v", f"{self.workspace}:{WORKSPACE}:{mode}"]


@dataclass(frozen=True)
class ContainerStep(RunnerStep):
    """A step that is running."""

    engine: str
    name: str

    def signal(self, name: str) -> None:
        """Sends a signal to the container's first process, as the runner does when a job is cancelled."""
        subprocess.run([self.engine, "kill", "--signal", name, self.name], capture_output=True, check=True)  # noqa: S603 - docker
