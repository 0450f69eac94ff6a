"""The rows as a page: `docs/reliability.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reliability.rows import RETRIES, SECTIONS

if TYPE_CHECKING:
    from reliability.rows import Row


_HEAD = f"""\
# What happens when something fails

The tests run each of these {{count}} rows twice: once with the fault and once without. Both runs publish two
packages, and the fault affects the first one. No package is ever lost, duplicated or published under a wrong hash.
After the second run both packages are on the channel, or the message says what has to be fixed.

*Statuses* are the statuses of the two packages in the outputs. *On the channel* says which packages the channel has
after the first run, with the right bytes. *Second run* gives the statuses after the second run. If there is no message,
the run recovered by itself. Unless the row says otherwise, runs have `retries: {RETRIES}`; the pause before a retry
is 0.5 to 1 s, then 1 to 2 s, and so on up to 30 s, or what the server asks for, up to 120 s. If the second package is
*not-attempted*, it depends on the first one, or the packages were uploaded one after the other (`concurrency: 1`): with
several uploads at a time, each of them can fail. A dash means that the run ended before it looked for packages.

`make docs` writes this page from the table of the tests. An excerpt from a longer message ends in "…".
"""
_TIME_LIMITS = """\
## Time limits

A `timeout` is a time without progress. A byte that is sent or received is progress while a body is being transferred.
Response headers have to be complete within the `timeout` after the last byte was sent. Connecting may take 60 s per
step; the body of a response two minutes, and a second more for each 64 KiB.

A server that is down doesn't keep the job waiting, however many packages there are. Once requests to it got no response
for `retries + 1` times `timeout` (at least 60 s each; 30 minutes at the defaults), nothing more is sent to it. The
pauses between attempts are part of that time, and concurrent waits count once; any response but a
408, 425, 429 or 5xx resets the clock.
Look-ups, identity tokens and Sigstore have separate limits, with at most 60 s per attempt: 3, 6 and 6 minutes at the
defaults.
Together with the look-ups' own pauses, all waiting ends within 45 minutes at the defaults.

The wait for the index (`wait-for-index`) is on top of that. However long the server is down meanwhile, it is asked
again until `index-timeout` is over; a request that is still under way then is abandoned after 2 s.
"""
_COLUMNS = "| Fault | Message | Exit code | Statuses | On the channel | Second run |"
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
    parts.append(_TIME_LIMITS)
    return "\n".join(parts)


def _line(row: Row) -> str:
    excerpt = row.reads.strip()
    reads = f"“{_cell(excerpt)}{'' if excerpt.endswith('.') else '…'}”" if excerpt else ""
    repaired = f" ({row.repaired})" if row.repaired else ""
    again = f"{', '.join(row.ends_again)}{repaired}"
    cells = (_cell(row.fault), reads, str(row.exit_code), ", ".join(row.ends), _CHANNEL[row.on_channel], again)
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
