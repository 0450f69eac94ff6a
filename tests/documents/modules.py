"""The table of modules in CONTRIBUTING.md, from the first lines of their docstrings."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from support.running import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SOURCE = REPOSITORY / "src" / "prefix_upload"
_HEAD = "| Module of `src/prefix_upload/` | What it is for |\n| --- | --- |\n"


def contributing() -> str:
    """CONTRIBUTING.md with its table of modules, which is its end."""
    before, _, _ = (REPOSITORY / "CONTRIBUTING.md").read_text().partition(_HEAD)
    return before + _HEAD + "\n".join(_rows(_SOURCE)) + "\n"


def _rows(folder: Path, prefix: str = "") -> Iterator[str]:
    for path in sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        name = prefix + path.stem
        if path.is_dir() and (path / "__init__.py").is_file():
            yield f"| **`{name}/`** | **{_summary(path / '__init__.py')}** |"
            yield from _rows(path, f"{name}/")
        elif path.suffix == ".py" and path.stem != "__init__":
            yield f"| `{name}` | {_summary(path)} |"


def _summary(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    return docstring.partition("\n\n")[0].replace("\n", " ")
