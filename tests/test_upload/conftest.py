"""A whole publication against the local server, without its waiting."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from prefix_upload import settings
from prefix_upload.auth import ApiKey
from prefix_upload.commands.upload import Publication
from prefix_upload.concurrency import Pool
from prefix_upload.http import Client, RetryPolicy
from prefix_upload.prefix_dev import Channel
from prefix_upload.settings import Job, Workspace
from support.publishing import Publish, Run, Stage
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from localchannel import LocalChannel


@pytest.fixture
def publication(server: LocalChannel, workspace: Path) -> Callable[..., Publication]:
    """Makes one that has not run."""

    def make(stage: Stage, **inputs: str) -> Publication:
        raw = {"channel": CHANNEL, "glob": "*", "token": TOKEN, "server-url": server.url, "retries": "0"}
        raw |= {name.replace("_", "-"): value for name, value in inputs.items()}
        parsed_settings = settings.parse(raw, Workspace(workspace), Job())
        credentials = ApiKey(parsed_settings.token)
        retry_policy = RetryPolicy(
            retries=parsed_settings.retries,
            timeout=parsed_settings.timeout,
            sleep=stage.sleep,
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            jitter=lambda: 1.0,
        )
        bearer, connections = credentials.bearer, parsed_settings.concurrency
        client = Client(parsed_settings.server_url, bearer, connections=connections, ca_bundle="", clock=stage.clock)
        return Publication(
            parsed_settings,
            workspace,
            Channel(client, parsed_settings.channel, credentials, retry_policy),
            pool=Pool(is_cancelled=stage.is_cancelled, clock=stage.clock),
            reporter=stage,
            signer=stage.signer,
            sleep=stage.sleep,
        )

    return make


@pytest.fixture
def publish(publication: Callable[..., Publication]) -> Publish:
    """Makes one and runs it."""

    def run(*paths: Path, stage: Stage | None = None, **inputs: str) -> Run:
        made = publication(stage or Stage(), **inputs)
        made.run(paths)
        return Run(made.report())

    return run
