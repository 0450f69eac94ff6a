"""One run of a command: what its steps share, and their results so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from prefix_upload.report import Outcome, Report
from prefix_upload.status import Status
from prefix_upload.steps import messages
from prefix_upload.steps.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from prefix_upload.concurrency import Pool
    from prefix_upload.errors import ChannelWideError
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev import Channel
    from prefix_upload.prefix_dev.changes import Changes
    from prefix_upload.prefix_dev.listing import ChannelListing
    from prefix_upload.report import Attestation
    from prefix_upload.settings.settings import LocalSettings, Settings, UploadSettings
    from prefix_upload.steps.progress import ProgressReporter

_Item = TypeVar("_Item")
_Node = TypeVar("_Node", bound="Hashable")
_Result = TypeVar("_Result")


class RollBack(NamedTuple):
    """What rolling back needs. Unlike the rest of a run, it works for some seconds after a cancellation."""

    changes: Changes
    pool: Pool


class Retention(NamedTuple):
    """What deleting old versions needs. `now` is the time that ages are counted to, with a time zone."""

    listing: ChannelListing
    changes: Changes
    now: datetime


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


class Tools(NamedTuple):
    """What any command works with.

    Attributes:
        channel: the channel to work on.
        pool: runs calls in threads.
        reporter: shows the progress.
        sleep: waits for this many seconds; raises `CancelledError` if the run is cancelled.
    """

    channel: Channel
    pool: Pool
    reporter: ProgressReporter
    sleep: Callable[[float], None]


class Run:
    """What the steps of any command share.

    Args:
        settings: the settings of the run.
        tools: what it works with.
    """

    settings: Settings

    def __init__(self, settings: Settings, tools: Tools) -> None:
        self.settings = settings
        self.channel, self.pool, self.reporter, self.sleep = tools
        self.ledger = Ledger()
        self._last_news = 0.0

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

    def report(self) -> Report:
        """The report of the run so far; available at any time."""
        return Report(
            command=self.settings.command,
            channel=self.settings.channel,
            server_url=self.settings.server_url,
            dry_run=self.settings.is_dry_run,
            outcomes=self.ledger.outcomes(),
            errors=tuple(self.ledger.errors),
            warnings=tuple(self.ledger.warnings),
        )

    def _show_progress(self) -> None:
        if self.pool.clock() - self._last_news >= self.reporter.interval:
            self.reporter.waiting(list(self.ledger.transfers.values()))
            self._last_news = self.pool.clock()


class LocalRun(Run):
    """What the steps share that work on local files.

    Args:
        settings: as for `Run`.
        tools: as for `Run`.
        workspace: the folder that patterns are relative to, resolved.
        folder: the folder that paths are shown relative to, if they are below it; `None`: the workspace.
    """

    settings: LocalSettings

    def __init__(self, settings: LocalSettings, tools: Tools, workspace: Path, folder: Path | None = None) -> None:
        super().__init__(settings, tools)
        self.workspace = workspace
        self.folder = folder


class UploadRun(LocalRun):
    """What the steps of `upload` share.

    Args:
        settings: as for `Run`.
        tools: as for `Run`.
        workspace: as for `LocalRun`.
        folder: as for `LocalRun`.
        signer: signs the packages; `None` if they are published without attestations.
        roll_back: deletes what the run has added, if a package fails; `None` to leave it there.
        retention: deletes old versions of the packages; `None` to leave them there.
    """

    settings: UploadSettings

    def __init__(
        self,
        settings: UploadSettings,
        tools: Tools,
        workspace: Path,
        folder: Path | None = None,
        *,
        signer: PackageSigner | None,
        roll_back: RollBack | None = None,
        retention: Retention | None = None,
    ) -> None:
        super().__init__(settings, tools, workspace, folder)
        self.signer = signer
        self.roll_back = roll_back
        self.retention = retention

    def stop(self, error: ChannelWideError, packages: Iterable[Package]) -> None:
        """Records an error of the run as a whole, and the packages that it keeps from being uploaded."""
        self.ledger.errors.append(error.diagnostic)
        for package in packages:
            self.finish(Outcome(file=package, status=Status.NOT_ATTEMPTED, error=messages.not_attempted(error)))

    def report(self) -> Report:
        """The report of the run so far; available at any time."""
        path = self.settings.checksums_file
        return (
            super()
            .report()
            .replace(
                checksums_file=path.relative_to(self.workspace).as_posix() if path else "",
                index=tuple(self.ledger.index),
                index_seconds=self.ledger.index_seconds,
            )
        )
