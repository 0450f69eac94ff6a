"""A channel of the local server as the action talks to it, without its waiting."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from prefix_upload.auth import Anonymous, ApiKey
from prefix_upload.http import Client, RetryPolicy
from prefix_upload.http.server import Server
from prefix_upload.package import validate
from prefix_upload.package.formats import ValidationLevel
from prefix_upload.package.model import Package
from prefix_upload.prefix_dev import Channel
from prefix_upload.secret import Secret
from support import building
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from localchannel import LocalChannel
    from support.connecting import Build, Connect

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def pauses() -> list[float]:
    """How long the channels that were made with `connect` would have waited."""
    return []


@pytest.fixture
def connect(server: LocalChannel, pauses: list[float]) -> Connect:
    """Channels that record their pauses, with a clock that stands still and jitter that adds nothing."""

    def make(
        *,
        url: str = "",
        name: str = CHANNEL,
        token: str | None = TOKEN,
        retries: int = 2,
        timeout: float = 30,
        ca_bundle: str = "",
    ) -> Channel:
        credentials = Anonymous() if token is None else ApiKey(Secret(token))
        client = Client(url or server.url, credentials.bearer, connections=4, ca_bundle=ca_bundle, clock=lambda: 0.0)
        retry_policy = RetryPolicy(
            retries=retries, timeout=timeout, sleep=pauses.append, now=lambda: NOW, jitter=lambda: 1.0, server=Server()
        )
        return Channel(client, name, credentials, retry_policy)

    return make


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Packages from the real builder, as validation lets them through."""

    def make(
        name: str = "demo", *, subdir: str = "noarch", extension: str = ".conda", content: str = "hello\n"
    ) -> Package:
        folder = tmp_path / "built" / content.strip()[:20]
        path = building.package(folder, name, subdir=subdir, extension=extension, content=content)
        package = validate.check([path], validate.ValidationOptions(tmp_path, ValidationLevel.FULL, None))
        assert isinstance(package, Package)
        return package

    return make


@pytest.fixture
def package(build: Build) -> Package:
    """A validated package."""
    return build()
