"""The inputs in each `action.yml` and in the README, from the table of inputs in the code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from prefix_upload.commands.table import ACTIONS
from prefix_upload.settings import INPUTS, inputs_of
from support.running import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefix_upload.settings import Input

_HEAD = "| Input | Default | Meaning |\n| --- | --- | --- |\n"
_CHANGES_HEAD = "| Input of other actions | For | Default | Meaning |\n| --- | --- | --- | --- |\n"
ACTION_FILES = {command: REPOSITORY / ("" if command == ACTIONS[0] else command) / "action.yml" for command in ACTIONS}
"""The `action.yml` of each command."""


def readme() -> str:
    """The README with its tables of inputs."""
    text = (REPOSITORY / "README.md").read_text()
    text = _with_table(text, _HEAD, map(_row, inputs_of(ACTIONS[0])))
    others = [entry for entry in INPUTS if entry.commands & set(ACTIONS[1:])]
    return _with_table(text, _CHANGES_HEAD, map(_change_row, others))


def _with_table(text: str, head: str, rows: Iterable[str]) -> str:
    before, _, rest = text.partition(head)
    _, _, after = rest.partition("\n\n")
    return before + head + "\n".join(rows) + "\n\n" + after


def action(command: str) -> str:
    """A command's `action.yml` with its inputs."""
    before, _, rest = ACTION_FILES[command].read_text().partition("inputs:\n")
    _, _, after = rest.partition("outputs:\n")
    return before + "inputs:\n" + "\n".join(map(_declaration, inputs_of(command))) + "\n\noutputs:\n" + after


def _row(entry: Input) -> str:
    return f"| `{entry.name}` |{_default(entry)} | {_meaning(entry)} |"


def _change_row(entry: Input) -> str:
    commands = [command for command in ACTIONS[1:] if command in entry.commands]
    names = "all" if len(commands) == len(ACTIONS) - 1 else ", ".join(f"`{command}`" for command in commands)
    return f"| `{entry.name}` | {names} |{_default(entry)} | {_meaning(entry)} |"


def _default(entry: Input) -> str:
    return " required" if entry.required else f" `{entry.default}`" if entry.default else ""


def _meaning(entry: Input) -> str:
    return f"{entry.help} See [below](#{entry.see})." if entry.see else entry.help


def _declaration(entry: Input) -> str:
    """JSON's strings are YAML's."""
    lines = [f"  {entry.name}:", f"    description: {json.dumps(entry.help)}"]
    lines += ["    required: true"] if entry.required else [f"    default: {json.dumps(entry.default)}"]
    return "\n".join(lines)
