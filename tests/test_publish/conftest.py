"""A whole publication against the local server, without its waiting."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import pytest

from prefix_upload import settings
from prefix_upload.channel import Channel
from prefix_upload.credentials import ApiKey
from prefix_upload.http import Client, Patience
from prefix_upload.models import Outcome, Package, Report, Status, UnvalidatedFile
from prefix_upload.publish import Pool, Publication, Signs, Transfer
from prefix_upload.settings import Job, Workspace
from running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from localchannel import LocalChannel


def nothing(*_: object) -> None:
    """What most hooks do."""


@dataclass
class Stage:
    """The listener, the clock and the sleep of a publication; the hooks are called before what they are named after."""

    before_phase: Callable[[str], None] = nothing
    before_sleep: Callable[[float], None] = nothing
    is_cancelled: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = lambda: 0.0
    signer: Signs | None = None
    told: list[str] = field(default_factory=list)
    waits: list[list[tuple[str, int]]] = field(default_factory=list)
    setbacks: set[str] = field(default_factory=set)
    pauses: list[float] = field(default_factory=list)

    def phase(self, title: str) -> None:
        """Notes it."""
        self.before_phase(title)
        self.told.append(title)

    def checked(self, file: Package | UnvalidatedFile) -> None:
        """Notes it."""
        self.told.append(f"{'ok' if isinstance(file, Package) else 'invalid'} {file.relative_path}")

    def finished(self, outcome: Outcome) -> None:
        """Notes it."""
        self.told.append(f"{outcome.status} {outcome.source.relative_path}")

    def waiting(self, transfers: Sequence[Transfer]) -> None:
        """Notes it."""
        self.waits.append([(transfer.package.relative_path, transfer.sent) for transfer in transfers])
        self.setbacks |= {transfer.setback for transfer in transfers}

    def sleep(self, seconds: float) -> None:
        """Notes it."""
        self.before_sleep(seconds)
        self.pauses.append(seconds)


@dataclass(frozen=True)
class Run:
    """A publication that has run, or broken off."""

    report: Report

    @property
    def statuses(self) -> dict[str, Status]:
        """By relative path."""
        return {outcome.source.relative_path: outcome.status for outcome in self.report.outcomes}

    def outcome(self, path: str) -> Outcome:
        """Of one file."""
        return next(outcome for outcome in self.report.outcomes if outcome.source.relative_path == path)

    def problem(self, path: str) -> str:
        """All that is said of a file's failure."""
        return str(self.outcome(path).problem)

    def note(self, path: str) -> str:
        """All that is said beside its status."""
        return str(self.outcome(path).note)


class Publish(Protocol):
    """Publishes files of the workspace with these inputs (hyphens as underscores)."""

    def __call__(self, *paths: Path, stage: Stage | None = None, **inputs: str) -> Run:
        """Retries are off unless they are asked for."""


@pytest.fixture
def publication(server: LocalChannel, workspace: Path) -> Callable[..., Publication]:
    """Makes one that has not run."""

    def make(stage: Stage, **inputs: str) -> Publication:
        raw = {"channel": CHANNEL, "glob": "*", "token": TOKEN, "server-url": server.url, "retries": "0"}
        raw |= {name.replace("_", "-"): value for name, value in inputs.items()}
        asked = settings.parse(raw, Workspace(workspace), Job())
        credentials = ApiKey(asked.token)
        patience = Patience(
            retries=asked.retries,
            timeout=asked.timeout,
            sleep=stage.sleep,
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            jitter=lambda: 1.0,
        )
        bearer, connections = credentials.bearer, asked.concurrency
        client = Client(asked.server_url, bearer, connections=connections, ca_bundle="", clock=stage.clock)
        return Publication(
            asked,
            workspace,
            Channel(client, asked.channel, credentials, patience),
            pool=Pool(is_cancelled=stage.is_cancelled, clock=stage.clock),
            listener=stage,
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
