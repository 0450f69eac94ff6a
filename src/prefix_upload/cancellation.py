"""Cancellation of a run by SIGINT or SIGTERM, which are recorded instead of ending the process.

This module imports next to nothing, so that `entrypoint.py` can install the handlers before it loads the rest. Until
then, SIGTERM would be lost, since the action is the first process of its container, for which signals have no default
effect (signal(7), pid_namespaces(7)). SIGINT would end the run without outputs, with Python's `KeyboardInterrupt`.
"""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

# The runner cancels a job with SIGINT, SIGTERM 7.5 s later, and SIGKILL after another 2.5 s; on Windows with Ctrl-C,
# Ctrl-Break (SIGBREAK), and by ending the process (actions/runner, ProcessInvoker). The exit codes are those of shells,
# 128 plus the number of the signal, and the same on all systems.
_EXIT_CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGBREAK": 143}
SIGNALS = {getattr(signal, name): code for name, code in _EXIT_CODES.items() if hasattr(signal, name)}
"""The signals that cancel a run on this system, and the exit code of a run that each has cancelled."""


class Cancellation:
    """Whether the run is cancelled, and by which signal.

    Args:
        wait: waits for the event for at most this many seconds and returns whether it is set. Tests wait less.
        clock: returns monotonic seconds.
    """

    def __init__(
        self,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wait = wait
        self._clock = clock
        self._requested_at = 0.0
        self._requested = threading.Event()
        self._signal: int | None = None

    def watch(self) -> None:
        """Installs the signal handlers. Call this in the main thread."""
        for number in SIGNALS:
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        # NOTE: a second signal can interrupt this handler while `set` has the event's lock: it must not call it again.
        if self._signal is None:
            self._requested_at = self._clock()
            self._signal = number
            self._requested.set()

    @property
    def is_requested(self) -> bool:
        """Whether the run is cancelled."""
        return self._signal is not None

    def is_older_than(self, seconds: float) -> bool:
        """Whether the run was cancelled at least so many seconds ago."""
        return self.is_requested and self._clock() - self._requested_at >= seconds

    @property
    def exit_code(self) -> int | None:
        """That of a run that this signal has cancelled; `None` if the run is not cancelled."""
        return None if self._signal is None else SIGNALS[self._signal]

    def wait(self, seconds: float) -> bool:
        """Waits for this many seconds, or until the run is cancelled. Returns whether it is.

        For worker threads only: the main thread has to stay free to handle signals.
        """
        return self._wait(self._requested, seconds)
