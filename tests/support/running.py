"""Runs the action as the runner does: inputs and files by environment variables, a log on stdout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHANNEL = "octo/stable"
TOKEN = "pfx_3nT1rely-secret.key"
REPOSITORY = Path(__file__).resolve().parents[2]
# As `runs.entrypoint` and `runs.args` of `action.yml` say, but for where the files lie.
COMMAND = (sys.executable, "-I", "-u", "-X", "utf8", str(REPOSITORY / "entrypoint.py"))


@dataclass(frozen=True)
class Finished:
    """What is left of a run: its exit code, everything it printed, and what it wrote for the runner."""

    exit_code: int
    log: str
    outputs: Mapping[str, str]
    summary: str
    artifacts: Sequence[str]


@dataclass(frozen=True)
class RunnerFiles:
    """The files of one step, through which it talks to the runner."""

    output: Path
    summary: Path
    artifacts: Path
    earlier_artifacts: Path

    @classmethod
    def create(cls, folder: Path) -> RunnerFiles:
        """New, empty files, as each step gets them."""
        folder.mkdir(parents=True, exist_ok=True)
        files = cls.named_in(folder)
        for path in (files.output, files.summary, files.artifacts, files.earlier_artifacts):
            path.write_bytes(b"")
        return files

    @classmethod
    def named_in(cls, folder: Path) -> RunnerFiles:
        """The files as they are called in a folder, which the container may see elsewhere."""
        return cls(*(folder / name for name in ("output", "summary", "artifacts", "artifacts_list")))

    def finished(self, exit_code: int, log: str) -> Finished:
        """The run that wrote them."""
        artifacts = self.artifacts.read_text().splitlines()
        return Finished(exit_code, log, parse_outputs(self.output.read_text()), self.summary.read_text(), artifacts)


def environment(workspace: Path, inputs: Mapping[str, str], files: RunnerFiles) -> dict[str, str]:
    """The variables that the runner sets for a container action (names of inputs keep their hyphens)."""
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_ARTIFACTS": str(files.artifacts),
        # Empty as long as GitHub has the feature behind a flag.
        "GITHUB_ARTIFACTS_LIST": str(files.earlier_artifacts),
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_OUTPUT": str(files.output),
        "GITHUB_REPOSITORY": "octo/packages",
        "GITHUB_STEP_SUMMARY": str(files.summary),
        "GITHUB_WORKSPACE": str(workspace),
        **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
    }


def run(workspace: Path, inputs: Mapping[str, str], files: RunnerFiles, *arguments: str, **variables: str) -> Finished:
    """Runs `entrypoint.py` with these arguments in a process of its own, with nothing else in its environment."""
    variables = environment(workspace, inputs, files) | {"PATH": os.defpath} | variables
    process = subprocess.run(  # noqa: S603 - our own entry point
        (*COMMAND, *arguments),
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return files.finished(process.returncode, process.stdout)


def parse_outputs(text: str) -> dict[str, str]:
    """The runner's reading of `GITHUB_OUTPUT` (actions/runner, FileCommandManager), heredoc form only."""
    outputs = {}
    lines = iter(text.splitlines())
    for line in lines:
        match = re.fullmatch(r"([^=<]+)<<(\S+)", line)
        assert match is not None, f"no heredoc: {line!r}"
        value = []
        for part in lines:
            if part == match[2]:
                break
            value.append(part)
        else:
            raise AssertionError(f"{match[1]} has no end")
        outputs[match[1]] = "\n".join(value)
    return outputs
