"""Costs side by side, as Markdown."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.measure import Cost

OURS = "prefix-upload"
RIVAL = "rattler-build"

Costs = dict[str, "list[Cost]"]
"""What each contestant cost, run by run."""


def median(measured: Iterable[Cost]) -> float:
    return float(statistics.median(cost.seconds for cost in measured))


def times(costs: Costs, of: str, than: str) -> str:
    """The ratio of the median times of two contestants."""
    return f"{median(costs[of]) / median(costs[than]):.2f}"


def table(title: str, costs: Mapping[str, list[Cost]], notes: Iterable[str]) -> str:
    """The median of each contestant's times, its largest memory, and the ratio to the first one's time."""
    first = median(next(iter(costs.values())))
    lines = [
        f"### {title}",
        "",
        "| | Wall clock | Ratio | Processor | Peak memory |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, measured in costs.items():
        seconds = median(measured)
        processor = statistics.median(cost.processor for cost in measured)
        memory = max(cost.memory for cost in measured)
        lines.append(f"| {name} | {seconds:.2f} s | {seconds / first:.2f} | {processor:.2f} s | {memory:.0f} MB |")
    # A line break each, so that they do not run together.
    return "\n".join([*lines, "", "\\\n".join(notes)]) + "\n"


def than_rival(costs: Costs, scheme: str) -> str:
    return f"{scheme}: {times(costs, f'{RIVAL}, {scheme}', f'{OURS}, {scheme}')} × faster than rattler-build"
