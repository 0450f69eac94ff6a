from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from prefix_upload.cancellation import SIGNALS, Cancellation
from prefix_upload.reporting.exit_codes import ExitCode
from support.running import REPOSITORY


def test_nobody_cancelled() -> None:
    """Waiting takes its time, and there is no exit code."""
    cancellation = Cancellation()
    assert (cancellation.is_requested, cancellation.exit_code, cancellation.wait(0)) == (False, None, False)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(
    ("numbers", "exit_code"),
    [
        ([signal.SIGINT], ExitCode.INTERRUPTED),
        ([signal.SIGTERM], ExitCode.TERMINATED),
        ([signal.SIGINT, signal.SIGTERM], ExitCode.INTERRUPTED),
    ],
)
def test_the_first_signal_counts(numbers: list[signal.Signals], exit_code: ExitCode) -> None:
    """The runner sends SIGINT, and SIGTERM after it; both end a wait."""
    cancellation = Cancellation()
    cancellation.watch()
    for number in numbers:
        signal.raise_signal(number)
    assert (cancellation.is_requested, cancellation.exit_code) == (True, exit_code)
    assert cancellation.wait(10) is True


@pytest.mark.usefixtures("handlers")
def test_the_age_of_a_cancellation() -> None:
    """It is counted from the first signal on."""
    now = [100.0]
    cancellation = Cancellation(clock=lambda: now[0])
    cancellation.watch()
    assert not cancellation.is_older_than(0)
    signal.raise_signal(signal.SIGINT)
    now[0] += 3
    signal.raise_signal(signal.SIGTERM)
    assert (cancellation.is_older_than(3), cancellation.is_older_than(3.1)) == (True, False)


@pytest.mark.usefixtures("handlers")
def test_a_signal_within_a_signal() -> None:
    """The second one may come while the first one's handler holds the lock of the event, which has only one."""

    class Interrupted(threading.Event):
        lock = threading.Lock()

        def set(self) -> None:
            assert self.lock.acquire(blocking=False)
            signal.raise_signal(signal.SIGTERM)
            super().set()

    cancellation = Cancellation()
    cancellation._requested = Interrupted()
    cancellation.watch()
    signal.raise_signal(signal.SIGINT)
    assert (cancellation.exit_code, cancellation.wait(0)) == (ExitCode.INTERRUPTED, True)


def test_nothing_slow_is_loaded_before_the_signals_are_watched() -> None:
    """Until they are, a signal is lost to the container's first process."""
    loaded = "import sys, prefix_upload.cancellation; print(*sorted(sys.modules))"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, 'src'); {loaded}"]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)  # noqa: S603 - this interpreter
    modules = run.stdout.split()
    assert {"signal", "threading"} <= set(modules)
    assert not {"requests", "dataclasses", "json", "zstandard", "prefix_upload.action"} & set(modules)
    script = (REPOSITORY / "entrypoint.py").read_text()
    assert script.index("cancellation.watch()") < script.index("from prefix_upload.action import main")
    assert set(SIGNALS) == {signal.SIGINT, signal.SIGTERM}
