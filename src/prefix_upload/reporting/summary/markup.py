"""Markdown and HTML of the job summary, in bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A list with more entries than this is folded.
MAX_OPEN = 20


def truncate_lines(lines: Iterable[str], max_bytes: int, overflow: str) -> str:
    """As many lines as fit into `max_bytes`, and a line with the number of the others, which `overflow` formats."""
    kept: list[str] = []
    left_out = 0
    for line in lines:
        max_bytes -= len(line.encode()) + 1
        if max_bytes < 0:
            left_out += 1
        else:
            kept.append(line)
    if left_out:
        kept.append(overflow.format(left_out))
    return "\n".join(kept)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], share: int) -> str:
    """A table. A column whose title begins with a blank is aligned to the right; an empty one is left out."""
    rows = list(rows)
    used = [number for number in range(len(columns)) if any(row[number] for row in rows)]
    head = [
        f"| {' | '.join(columns[number].strip() for number in used)} |",
        f"| {' | '.join('---:' if columns[number].startswith(' ') else '---' for number in used)} |",
    ]
    lines = (f"| {' | '.join(row[number] for number in used)} |" for row in rows)
    return "\n".join(head) + "\n" + truncate_lines(lines, share, f"| … and {{}} more {'|' * len(used)}")


def details(title: str, content: str, *, is_open: bool = False) -> str:
    """Content that a click on its title shows or hides. The title is HTML."""
    return f"<details{' open' if is_open else ''}>\n<summary>{title}</summary>\n\n{content}\n\n</details>"


def with_nbsp(text: str) -> str:
    """Our own text without line breaks, for a cell of a table."""
    return text.replace(" ", "&nbsp;")
