"""Contents of packages that no archive was read for."""

from __future__ import annotations

from typing import Any

from prefix_upload.package.archive import Contents


def contents(**parts: Any) -> Contents:
    """Contents with these attributes, and nothing else."""
    made = Contents()
    for name, part in parts.items():
        assert hasattr(made, name)
        setattr(made, name, part)
    return made
