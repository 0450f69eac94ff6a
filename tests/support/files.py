"""Files of a channel, made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from prefix_upload.package.model import ChannelFile

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def channel_file(file_name: str, subdir: str = "noarch", *, days: float = 0, **changes: Any) -> ChannelFile:
    """The file of this name, added so many days ago."""
    name, version, build = file_name.removesuffix(".conda").removesuffix(".tar.bz2").rsplit("-", 2)
    fields: dict[str, Any] = {
        "file_name": file_name,
        "name": name,
        "version": version,
        "build": build,
        "build_number": 0,
        "subdir": subdir,
        "size": 1000,
        "sha256": "a" * 64,
        "created": NOW - timedelta(days=days),
    }
    return ChannelFile(**fields | changes)
