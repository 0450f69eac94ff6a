"""The workflows in the README."""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import YAML

from support.running import REPOSITORY

README = (REPOSITORY / "README.md").read_text()
# Workflows with the action that publishes, in its container; the others are below.
BLOCKS: tuple[str, ...] = tuple(
    block
    for block in re.findall(r"```yaml\n(?!# \.gitlab-ci)(.*?)```", README, re.DOTALL)
    if "uses: org/prefix-upload/" not in block
)
OTHER_BLOCKS: tuple[str, ...] = tuple(
    block for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "uses: org/prefix-upload/" in block
)
OURS = "org/prefix-upload@v1"


def parsed(block: str) -> dict[str, Any]:
    """A workflow, or a piece of one: its `steps`, and what else it changes."""
    loaded = YAML(typ="safe").load(block)
    return {"steps": loaded} if isinstance(loaded, list) else dict(loaded)


def workflow(block: str) -> dict[str, Any]:
    """A workflow that can run: a piece of one is a change to the job that publishes in the first one.

    Its steps come in place of our step, and the other keys in place of the ones there.
    """
    piece = parsed(block)
    if "jobs" in piece:
        return piece
    whole = parsed(BLOCKS[0])
    job = whole["jobs"]["publish"]
    before = [step for step in job["steps"] if step["uses"] != OURS]
    job |= piece | {"steps": [*before, *piece["steps"]]}
    return whole


def our_steps(piece: object) -> list[dict[str, Any]]:
    """Every step of our action in a piece of YAML."""
    match piece:
        case {"uses": str(uses)} if uses.startswith(("org/prefix-upload@", "org/prefix-upload/")):
            return [dict(piece)]  # type: ignore[call-overload]  # it is a mapping, as the pattern says
        case dict():
            return [step for value in piece.values() for step in our_steps(value)]
        case list():
            return [step for value in piece for step in our_steps(value)]
    return []


def actions() -> set[str]:
    """Every action that the workflows use, with its version."""
    return set(re.findall(r"\buses: (\S+)", "".join(BLOCKS)))


def anchor(title: str) -> str:
    """What a link to a heading ends in, on GitHub."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
