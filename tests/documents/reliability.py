"""The rows as a page: `docs/reliability.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reliability.rows import RETRIES, SECTIONS

if TYPE_CHECKING:
    from reliability.rows import Row


_HEAD = f"""\
# What happens when something fails

Each row is run by the tests, twice: once with the fault, once after it. Two packages are published; the fault befalls
the first one. `{{count}}` rows; in none of them is a package lost, doubled or under a wrong hash, and in all of them a
second run ends with both packages on the channel, or says again what stands in the way.

*Statuses* are those of the two packages in the outputs; *on the channel* tells which of them the channel has after the
first run, with the right bytes; *again* are the statuses after the second run, in which nothing fails any more. Where
nothing stands under *what the user reads*, the run got over it by itself. Runs have `retries: {RETRIES}`, but where the
row says otherwise; pauses before a retry are 0.5 to 1 s, 1 to 2 s, and so on to 30 s, or what the server asks for, up
to 120 s. Where the second package is *not-attempted*, one was sent after the other (`concurrency: 1`); of several that
are begun at the same time each may fail.

This page is written by `make docs` from the tests' own table.
"""
_COLUMNS = "| Fault | What the user reads | Exit code | Statuses | On the channel | Again |"
_CHANNEL = {
    (True, True): "both",
    (True, False): "the first",
    (False, True): "the other",
    (False, False): "neither",
}


def render() -> str:
    """The whole page."""
    count = sum(map(len, SECTIONS.values()))
    parts = [_HEAD.replace("{count}", str(count))]
    for title, rows in SECTIONS.items():
        lines = [f"## {title}", "", _COLUMNS, "| --- | --- | ---: | --- | --- | --- |", *map(_line, rows)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _line(row: Row) -> str:
    reads = f"“{_cell(row.reads.strip())}”" if row.reads else ""
    mended = f" ({row.mended})" if row.mended else ""
    again = f"{', '.join(row.ends_again)}{mended}"
    cells = (_cell(row.fault), reads, str(row.exit_code), ", ".join(row.ends), _CHANNEL[row.on_channel], again)
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
