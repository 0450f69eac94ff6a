"""One run of a command: what its steps share, and their results so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from prefix_upload.report import Outcome, Report, Status
from prefix_upload.steps import messages
from prefix_upload.steps.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
    from pathlib import Path

    from prefix_upload.concurrency import Pool
    from prefix_upload.errors import ChannelWideError
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev import Channel
    from prefix_upload.prefix_dev.deletions import Deletions
    from prefix_upload.report import Attestation
    from prefix_upload.settings import Settings
    from prefix_upload.steps.progress import ProgressReporter

_Item = TypeVar("_Item")
_Node = TypeVar("_Node", bound="Hashable")
_Result = TypeVar("_Result")


class RollBack(NamedTuple):
    """What rolling back needs. Unlike the rest of a run, it works for some seconds after a cancellation."""

    deletions: Deletions
    pool: Pool


class PackageSigner(Protocol):
    """Signs packages. Called from worker threads."""

    def prepare(self) -> None:
        """Makes sure that packages can be signed.

        Raises:
            AuthenticationError: no package can be signed.
        """

    def sign(self, package: Package) -> Attestation:
        """Returns a signed attestation of the package.

        Raises:
            ChannelError: the package could not be signed.
        """


@dataclass(kw_only=True)
class Run:
    """What the steps of a command share.

    Args:
        settings: the settings of the run.
        workspace: the folder that patterns are relative to, resolved.
        channel: the channel to publish to.
        pool: runs calls in threads.
        reporter: shows the progress.
        signer: signs the packages; `None` if they are published without attestations.
        sleep: waits for this many seconds; raises `CancelledError` if the run is cancelled.
        roll_back: deletes what the run has added, if a package fails; `None` to leave it there.
    """

    settings: Settings
    workspace: Path
    channel: Channel
    pool: Pool
    reporter: ProgressReporter
    signer: PackageSigner | None
    sleep: Callable[[float], None]
    roll_back: RollBack | None = None
    ledger: Ledger = field(default_factory=Ledger)
    _last_news: float = 0.0

    @property
    def is_cancelled(self) -> bool:
        """Whether the run is cancelled, so that nothing more is started."""
        return self.pool.is_cancelled()

    def each(self, work: Callable[[_Item], _Result], items: Iterable[_Item], workers: int) -> Iterator[_Result]:
        """Yields the results of `work` as they complete, from this many worker threads (see `Pool.map`)."""
        self._last_news = self.pool.clock()
        return self.pool.map(work, items, workers=workers, on_wait=self._show_progress)

    def each_in_order(
        self, work: Callable[[_Node], _Result], needs: Mapping[_Node, Iterable[_Node]], workers: int
    ) -> Iterator[_Result]:
        """Like `each`, but calls `work` with an item after those that it needs (see `Pool.map_in_order`)."""
        self._last_news = self.pool.clock()
        return self.pool.map_in_order(work, needs, workers=workers, on_wait=self._show_progress)

    def call(self, work: Callable[[], _Result]) -> _Result | None:
        """The result of `work`, called in a thread; `None` if a cancellation cut it short."""
        self._last_news = self.pool.clock()
        return self.pool.call(work, self._show_progress)

    def finish(self, outcome: Outcome) -> None:
        """Records and shows the outcome of a file."""
        self.ledger.record(outcome)
        self.reporter.finished(outcome)
        self._last_news = self.pool.clock()

    def stop(self, error: ChannelWideError, packages: Iterable[Package]) -> None:
        """Records an error of the run as a whole, and the packages that it keeps from being uploaded."""
        self.ledger.errors.append(error.diagnostic)
        for package in packages:
            self.finish(Outcome(file=package, status=Status.NOT_ATTEMPTED, error=messages.not_attempted(error)))

    def report(self) -> Report:
        """The report of the run so far; available at any time."""
        checksums_file = self.settings.checksums_file
        return Report(
            channel=self.settings.channel,
            server_url=self.settings.server_url,
            dry_run=self.settings.dry_run,
            outcomes=self.ledger.outcomes(),
            errors=tuple(self.ledger.errors),
            warnings=tuple(self.ledger.warnings),
            index=tuple(self.ledger.index),
            index_seconds=self.ledger.index_seconds,
            checksums_file=checksums_file.relative_to(self.workspace).as_posix() if checksums_file else "",
        )

    def _show_progress(self) -> None:
        if self.pool.clock() - self._last_news >= self.reporter.interval:
            self.reporter.waiting(list(self.ledger.transfers.values()))
            self._last_news = self.pool.clock()
