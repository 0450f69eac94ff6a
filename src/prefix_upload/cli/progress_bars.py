"""Progress bars for a terminal, by `rich` (the extra `progress`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console as RichConsole
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from prefix_upload.reporting.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.progress import TaskID

    from prefix_upload.cli.terminal import Terminal
    from prefix_upload.report import Outcome
    from prefix_upload.steps.progress import Transfer


class ProgressBars(Console):
    """Logs the progress of a run, with a bar for each upload in progress below the lines."""

    interval = 0.2
    shows_reasons = False

    def __init__(self, terminal: Terminal, spell: Callable[[str, str], str]) -> None:
        super().__init__(terminal, spell)
        columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(
            *columns, console=RichConsole(file=terminal.stream), transient=True, redirect_stdout=False
        )
        self._tasks: dict[str, TaskID] = {}
        self._terminal = terminal

    def waiting(self, transfers: Sequence[Transfer]) -> None:
        """Updates the bars."""
        if transfers:
            self._progress.start()
        for transfer in transfers:
            label = transfer.package.label
            if label not in self._tasks:
                shown = self._terminal.safe(transfer.package.file_name)
                self._tasks[label] = self._progress.add_task(shown, total=transfer.package.size)
            self._progress.update(self._tasks[label], completed=transfer.sent)

    def finished(self, outcome: Outcome) -> None:
        """Logs the outcome of a file, and removes its bar."""
        task = self._tasks.pop(outcome.file.label, None)
        if task is not None:
            self._progress.remove_task(task)
        self._pause()
        super().finished(outcome)

    def phase(self, title: str) -> None:
        """Logs the title of a step, below which nothing is in progress yet."""
        self._pause()
        super().phase(title)

    def close(self) -> None:
        """Removes the bars."""
        self._pause()

    def _pause(self) -> None:
        """Removes the bars until there is progress again, so that a line can be printed above them."""
        self._progress.stop()
