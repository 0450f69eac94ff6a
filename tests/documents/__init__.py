"""The parts of the documentation that follow the code: `make docs` writes them, and a test compares them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from documents import inputs, modules, reliability
from support.running import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DOCUMENTS: dict[Path, Callable[[], str]] = {
    REPOSITORY / "README.md": inputs.readme,
    REPOSITORY / "CONTRIBUTING.md": modules.contributing,
    **{path: partial(inputs.action, command) for command, path in inputs.ACTION_FILES.items()},
    REPOSITORY / "docs" / "reliability.md": reliability.render,
}
"""Each file, and what it should be."""
