"""Whole workflows, run by act in containers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from support.running import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ACT = Path(sys.executable).with_name("act")
# The systems that jobs ask for. All of them get the same image.
_RUNNERS = ("ubuntu-latest", "macos-latest", "windows-latest")


def released(folder: Path, image: str) -> Path:
    """The actions in a folder as a release has them: `runs.image` names an image instead of the Dockerfile."""
    for command in (".", "delete", "yank", "unyank", "reindex"):
        action = (REPOSITORY / command / "action.yml").read_text()
        text, count = re.subn(r"(?m)^  image: (\.\./)?Dockerfile\b.*$", f"  image: docker://{image}", action)
        assert count == 1
        (folder / command).mkdir(parents=True, exist_ok=True)
        (folder / command / "action.yml").write_text(text)
    return folder


@dataclass(frozen=True)
class Act:
    """Runs the workflows of a checkout.

    Attributes:
        image: the image of the jobs.
        home: a folder for what act keeps.
        variables: what each job has in its environment.
        secrets: the secrets of the repository.
        options: further arguments of act.
    """

    image: str
    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()

    def run(self, checkout: Path, event: str = "push") -> str:
        """Runs what the event starts, all of which has to succeed. Returns the log."""
        command = [str(_ACT), event, "--pull=false", "--network", "host", *self.options]
        for runner in _RUNNERS:
            command += ["--platform", f"{runner}={self.image}"]
        for name in self.secrets:
            command += ["--secret", name]
        for name, value in self.variables.items():
            command += ["--env", f"{name}={value}"]
        kept = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name == "PATH"}
        run = subprocess.run(  # noqa: S603 - act
            command,
            cwd=checkout,
            env={**kept, **self.secrets, "HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        log = run.stdout + run.stderr
        assert run.returncode == 0, log
        return log
