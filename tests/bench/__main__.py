"""Runs every comparison and writes the figures into `docs/benchmarks.md`: `make bench`.

The channel server runs in this process, each contestant in one of its own.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.machine import Machine
from bench.scenarios import scenarios
from support.running import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterable

_PAGE = REPOSITORY / "docs" / "benchmarks.md"
_START, _END = "<!-- figures: written by make bench -->\n", "<!-- end of figures -->\n"


def main() -> None:
    """Runs the scenarios that are named, or all; only all of them go into the page."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("letters", nargs="*", help="the scenarios to run (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each command runs (default: 5)")
    options = parser.parse_args()
    tables = []
    with tempfile.TemporaryDirectory(prefix="prefix-upload-bench-") as scratch:
        machine = Machine(Path(scratch), options.rounds)
        for letter, scenario in scenarios().items():
            if not options.letters or letter in options.letters:
                tables.append(scenario(machine))
                print(tables[-1], flush=True)
    if not options.letters:
        _write(tables, options.rounds)


def _write(tables: Iterable[str], rounds: int) -> None:
    before, _, rest = _PAGE.read_text().partition(_START)
    _, _, after = rest.partition(_END)
    _PAGE.write_text("\n".join([before + _START, _machine(rounds), *tables, _END + after]))


def _machine(rounds: int) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    python = platform.python_version()
    machine = f"{cores} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, Python {python}"
    return f"Measured on {machine}; each command {rounds} time{'s' * (rounds > 1)}.\n"


if __name__ == "__main__":
    main()
