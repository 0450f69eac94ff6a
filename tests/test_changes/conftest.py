"""Files on a channel that commands work on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from support.running import CHANNEL

if TYPE_CHECKING:
    from localchannel import LocalChannel
    from support.changing import Put


@pytest.fixture
def now() -> datetime:
    """The time at which the test began."""
    return datetime.now(UTC)


@pytest.fixture
def put(server: LocalChannel, now: datetime) -> Put:
    """Puts files on the channel."""

    def add(*files: str, subdir: str = "noarch", days: float = 100, size: int = 1000) -> None:
        created = now - timedelta(days=days)
        for file in files:
            server.invent(CHANNEL, file, subdir, created=created, size=size)

    return add
