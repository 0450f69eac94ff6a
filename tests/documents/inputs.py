"""The inputs in `action.yml` and in the README, from the table of inputs in the code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from prefix_upload.settings import INPUTS
from support.running import REPOSITORY

if TYPE_CHECKING:
    from prefix_upload.settings import Input

_HEAD = "| Input | Default | Meaning |\n| --- | --- | --- |\n"


def readme() -> str:
    """The README with its table of inputs."""
    before, _, rest = (REPOSITORY / "README.md").read_text().partition(_HEAD)
    _, _, after = rest.partition("\n\n")
    return before + _HEAD + "\n".join(map(_row, INPUTS)) + "\n\n" + after


def action() -> str:
    """`action.yml` with its inputs."""
    before, _, rest = (REPOSITORY / "action.yml").read_text().partition("inputs:\n")
    _, _, after = rest.partition("\n\n")
    return before + "inputs:\n" + "\n".join(map(_declaration, INPUTS)) + "\n\n" + after


def _row(entry: Input) -> str:
    default = " required" if entry.required else f" `{entry.default}`" if entry.default else ""
    more = f" See [below](#{entry.see})." if entry.see else ""
    return f"| `{entry.name}` |{default} | {entry.help}{more} |"


def _declaration(entry: Input) -> str:
    """JSON's strings are YAML's."""
    lines = [f"  {entry.name}:", f"    description: {json.dumps(entry.help)}"]
    lines += ["    required: true"] if entry.required else [f"    default: {json.dumps(entry.default)}"]
    return "\n".join(lines)
