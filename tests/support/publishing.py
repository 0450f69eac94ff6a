"""A publication as tests run it: who listens to it, and what is left of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from prefix_upload.package.model import CandidateFile, Package
from prefix_upload.report import Attestation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prefix_upload.report import Outcome, Report
    from prefix_upload.status import Status
    from prefix_upload.steps.progress import Transfer
    from prefix_upload.steps.run import PackageSigner, UploadRun


def nothing(*_: object) -> None:
    """What most hooks do."""


def at(step: str, act: Callable[[], object]) -> Callable[[str], None]:
    """A hook that acts when this step of the run begins."""

    def hook(title: str) -> None:
        if title.startswith(step):
            act()

    return hook


@dataclass
class Stage:
    """The listener, the clock and the sleep of a publication; the hooks are called before what they are named after."""

    before_phase: Callable[[str], None] = nothing
    before_sleep: Callable[[float], None] = nothing
    is_cancelled: Callable[[], bool] = lambda: False
    is_over: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = lambda: 0.0
    signer: PackageSigner | None = None
    interval: float = 10.0
    events: list[str] = field(default_factory=list)
    waits: list[list[tuple[str, int]]] = field(default_factory=list)
    last_errors: set[str] = field(default_factory=set)
    pauses: list[float] = field(default_factory=list)

    def phase(self, title: str) -> None:
        """Notes it."""
        self.before_phase(title)
        self.events.append(title)

    def note(self, text: str) -> None:
        """Notes it."""
        self.events.append(text)

    def checked(self, file: Package | CandidateFile) -> None:
        """Notes it."""
        self.events.append(f"{'ok' if isinstance(file, Package) else 'invalid'} {file.relative_path}")

    def finished(self, outcome: Outcome) -> None:
        """Notes it."""
        self.events.append(f"{outcome.status} {outcome.file.label}")

    def waiting(self, transfers: Sequence[Transfer]) -> None:
        """Notes it."""
        self.waits.append([(transfer.package.relative_path, transfer.sent) for transfer in transfers])
        self.last_errors |= {transfer.last_error for transfer in transfers}

    def sleep(self, seconds: float) -> None:
        """Notes it."""
        self.before_sleep(seconds)
        self.pauses.append(seconds)

    def now(self) -> datetime:
        """The time of day, which only passes while the run sleeps."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=sum(self.pauses))


@dataclass
class Signer:
    """Signs with a word; `before_sign` is called before."""

    before_sign: Callable[[], None] = nothing
    is_prepared: bool = False

    def prepare(self) -> None:
        """Notes it."""
        self.is_prepared = True

    def sign(self, package: Package) -> Attestation:
        """Says that it is signed."""
        self.before_sign()
        return Attestation(bundle=json.dumps({"signed": package.file_name}), log_index=1)


@dataclass(frozen=True)
class Result:
    """What a run reported."""

    report: Report

    @property
    def statuses(self) -> dict[str, Status]:
        """By relative path."""
        return {outcome.file.label: outcome.status for outcome in self.report.outcomes}

    def outcome(self, path: str) -> Outcome:
        """Of one file."""
        return next(outcome for outcome in self.report.outcomes if outcome.file.label == path)

    def problem(self, path: str) -> str:
        """The message about a file's failure."""
        return str(self.outcome(path).error)

    def note(self, path: str) -> str:
        """The warning about a file."""
        return str(self.outcome(path).warning)


class MakeRun(Protocol):
    """Makes a run over files of the workspace, with these inputs (hyphens as underscores)."""

    def __call__(self, *paths: Path, stage: Stage | None = None, **inputs: str) -> UploadRun:
        """Retries are off unless they are asked for."""


class Publish(Protocol):
    """Publishes files of the workspace with these inputs (hyphens as underscores)."""

    def __call__(self, *paths: Path, stage: Stage | None = None, **inputs: str) -> Result:
        """Retries are off unless they are asked for."""
