"""A validated package, made up: for tests of what happens after validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefix_upload.package.model import Package


def make_package(number: int = 0, **changes: Any) -> Package:
    """The package `tool-<number>-1.0-h0_0.conda`, but for these changes."""
    file_name = f"tool-{number}-1.0-h0_0.conda"
    fields: dict[str, Any] = {
        "path": Path(file_name),
        "relative_path": f"out/{file_name}",
        "file_name": file_name,
        "name": f"tool-{number}",
        "version": "1.0",
        "build": "h0_0",
        "build_number": 0,
        "subdir": "noarch",
        "size": 1_234_567,
        "sha256": f"{number:064x}",
    }
    return Package(**fields | changes)
