"""A whole upload against the local server, without its waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prefix_upload import concurrency
from prefix_upload.auth import Anonymous, ApiKey
from prefix_upload.commands.upload import upload
from prefix_upload.concurrency import Pool
from prefix_upload.http import Client, RetryPolicy
from prefix_upload.http.server import Server
from prefix_upload.prefix_dev import Channel
from prefix_upload.prefix_dev.changes import Changes
from prefix_upload.prefix_dev.queries import ChannelQueries
from prefix_upload.settings import Workspace
from prefix_upload.settings.parsing import parse
from prefix_upload.settings.settings import UploadSettings
from prefix_upload.steps.run import RollBack, Tools, UploadRun
from support import building
from support.publishing import MakeRun, Publish, Result, Stage
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from localchannel import LocalChannel


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal, or silence, is noticed at once."""
    monkeypatch.setattr(concurrency, "_POLL", 0.005)


@pytest.fixture
def demo(workspace: Path) -> Path:
    """A package."""
    return building.package(workspace)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Another package of the same name."""
    return building.package(tmp_path / "old", content="old\n")


@pytest.fixture
def three(workspace: Path) -> list[Path]:
    """Three packages."""
    return [building.package(workspace, name) for name in ("first", "second", "third")]


@pytest.fixture
def make_run(server: LocalChannel, workspace: Path) -> MakeRun:
    """Makes runs that have not started."""

    def make(*paths: Path, stage: Stage | None = None, **inputs: str) -> UploadRun:
        stage = stage or Stage()
        glob = "\n".join(str(path.relative_to(workspace)) for path in paths)
        raw = {"channel": CHANNEL, "glob": glob, "token": TOKEN, "server-url": server.url, "retries": "0"}
        raw |= {name.replace("_", "-"): value for name, value in inputs.items()}
        settings = parse(UploadSettings, raw, Workspace(workspace))
        credentials = ApiKey(settings.token) if settings.token else Anonymous()
        retry_policy = RetryPolicy(
            retries=settings.retries,
            timeout=settings.timeout,
            sleep=stage.sleep,
            now=stage.now,
            jitter=lambda: 1.0,
            server=Server(),
        )
        bearer, connections = credentials.bearer, settings.concurrency
        client = Client(settings.server_url, bearer, connections=connections, ca_bundle="", clock=stage.clock)
        queries = ChannelQueries(client, settings.channel, credentials, retry_policy)
        changes = Changes(client, settings.channel, credentials, retry_policy, queries)
        pool = Pool(is_cancelled=stage.is_over, clock=stage.clock)
        return UploadRun(
            settings,
            Tools(
                channel=Channel(client, settings.channel, credentials, retry_policy),
                pool=Pool(is_cancelled=stage.is_cancelled, clock=stage.clock),
                reporter=stage,
                sleep=stage.sleep,
            ),
            workspace,
            signer=stage.signer,
            roll_back=RollBack(changes, pool) if settings.rollback_on_failure else None,
        )

    return make


@pytest.fixture
def publish(make_run: MakeRun) -> Publish:
    """Makes one and runs it."""

    def run(*paths: Path, stage: Stage | None = None, **inputs: str) -> Result:
        made = make_run(*paths, stage=stage, **inputs)
        upload(made)
        return Result(made.report())

    return run
