"""The files through which a step passes its outputs and its summary to the runner."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from actions_toolkit import core
from actions_toolkit.file_command import issue_file_command

from prefix_upload.errors import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class CommandFiles:
    """The runner's files for this step. Outside GitHub Actions there are none, and nothing is written."""

    def write_outputs(self, values: Mapping[str, str]) -> list[Diagnostic]:
        """Sets the outputs. Returns a diagnostic if that fails."""

        def write() -> None:
            for name, value in values.items():
                core.set_output(name, value)

        hint = "Later steps would read empty outputs. The log and the job summary have the same information."
        return self._write("GITHUB_OUTPUT", "outputs", write, hint)

    def write_summary(self, text: str) -> list[Diagnostic]:
        """Appends to the job summary. Returns a diagnostic if that fails."""

        def write() -> None:
            issue_file_command("STEP_SUMMARY", text)

        return self._write("GITHUB_STEP_SUMMARY", "summary", write, "The log has the same information.")

    def append_artifacts(self, lines: Sequence[str]) -> list[Diagnostic]:
        """Appends to the list of the job's artifacts. Returns a diagnostic if that fails."""

        def write() -> None:
            with Path(os.environ["GITHUB_ARTIFACTS"]).open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)

        hint = "If a later step is to attest the packages, give it the output 'checksums' as 'subject-checksums'."
        return self._write("GITHUB_ARTIFACTS", "list of artifacts", write, hint) if lines else []

    def _write(self, variable: str, what: str, write: Callable[[], None], hint: str) -> list[Diagnostic]:
        path = os.environ.get(variable)
        if not path:
            return []
        size = 0
        try:
            # Creates a missing file, for which the toolkit would raise a bare Exception.
            with Path(path).open("a") as file:
                size = file.tell()
            write()
        except OSError as error:
            # NOTE: undo a partial write, since the runner fails the step if an output is truncated (actions/runner,
            # FileCommandManager).
            with contextlib.suppress(OSError):
                os.truncate(path, size)
            message = f"Could not write the {what} to {path} ({error.strerror})."
            return [Diagnostic("Could not write", message, hint)]
        return []
