"""One command as a whole process: how long it took, how much it computed, how much memory it had.

Run as a program, it measures the command that it reads, as JSON, from its standard input. That is a process of its
own since Linux counts the memory that a process had before `exec`, which is its parent's, into its peak.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Cost:
    """Wall-clock and processor seconds, and the peak of the resident memory in MB."""

    seconds: float
    processor: float
    memory: float


@dataclass(frozen=True)
class Command:
    """A process to measure."""

    arguments: Sequence[str]
    environ: Mapping[str, str]

    def measure(self) -> Cost:
        """Runs it once.

        Raises:
            RuntimeError: it failed, so that its time says nothing.
        """
        request = json.dumps([list(self.arguments), dict(self.environ)])
        run = subprocess.run(  # noqa: S603 - this file
            [sys.executable, "-I", "-S", __file__], input=request, capture_output=True, text=True, check=False
        )
        if run.returncode:
            raise RuntimeError(f"{self.arguments} failed:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
        return Cost(**json.loads(run.stdout))


def _main() -> None:
    arguments, environ = json.load(sys.stdin)
    started = time.perf_counter()
    process = subprocess.Popen(arguments, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603 - as asked
    assert process.stdout is not None
    with process.stdout as log:
        output = log.read()
    # `wait4`, since it tells what this one process used.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.stdout.buffer.write(output)
        sys.exit(1)
    processor = usage.ru_utime + usage.ru_stime
    print(json.dumps({"seconds": seconds, "processor": processor, "memory": usage.ru_maxrss / 1000}))


if __name__ == "__main__":
    _main()
