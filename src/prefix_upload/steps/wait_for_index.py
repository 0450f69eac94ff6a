"""Waits until clients can install the packages, as far as the channel's index shows.

The index is written some time after an upload: usually seconds, sometimes minutes. If that takes long, the server is
asked once to write it anew.
"""

from __future__ import annotations

from itertools import chain, groupby, repeat
from typing import TYPE_CHECKING, TypeVar

from prefix_upload.package.model import Artifact
from prefix_upload.prefix_dev.index import SubdirIndex
from prefix_upload.prefix_dev.index_entries import WantedPackage
from prefix_upload.prefix_dev.responses import LookupFailedError
from prefix_upload.report import IndexOutcome, IndexStatus
from prefix_upload.steps import index_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from prefix_upload.prefix_dev.index_entries import Flaw
    from prefix_upload.report import Outcome
    from prefix_upload.steps.run import UploadRun

_Item = TypeVar("_Item")

# Seconds between two looks at the index; the last one is repeated.
_PAUSES = (1.0, 2.0, 4.0, 8.0, 10.0)
# Seconds between two lines in the log about what is missing.
_QUIET = 10.0
# Seconds that the last look may take after the time is up.
_LAST_LOOK = 2.0


def wait_for_index(run: UploadRun) -> None:
    """Waits for the index to show every package that is on the channel and that solvers get.

    If a package failed, the run fails anyway, so it does not wait. Another hash than the package's ends the wait,
    unless `force` is set: then it may be that of the file that was overwritten.
    """
    if run.is_cancelled:
        return
    run.reporter.phase("Wait for the index")
    outcomes = run.ledger.outcomes()
    if run.ledger.errors or any(outcome.status.is_failure for outcome in outcomes):
        run.reporter.note(index_messages.NOT_WAITED)
        return
    available = [outcome for outcome in outcomes if outcome.status.is_available]
    withheld = [outcome.file.file_name for outcome in available if not outcome.is_offered]
    if withheld:
        run.reporter.note(index_messages.withheld(withheld))
    packages = _by_subdir(outcome for outcome in available if outcome.is_offered)
    if packages:
        _IndexWait(run, packages).run()


def _by_subdir(outcomes: Iterable[Outcome]) -> Mapping[str, Sequence[WantedPackage]]:
    """The packages to wait for. If the channel has another build of one, the index lists that one."""
    found = [
        (outcome.file.subdir, WantedPackage(outcome.file.name, outcome.file.file_name, sha256))
        for outcome in outcomes
        if isinstance(outcome.file, Artifact) and (sha256 := outcome.channel_sha256 or outcome.file.sha256)
    ]
    found.sort()
    return {subdir: [package for _, package in group] for subdir, group in groupby(found, key=lambda item: item[0])}


class _TimeIsUpError(Exception):
    """The last look takes too long."""


class _IndexWait:
    """One wait for the index of some subdirs."""

    def __init__(self, run: UploadRun, packages: Mapping[str, Sequence[WantedPackage]]) -> None:
        self._run = run
        self._timeout = run.settings.index_timeout
        self._started = run.pool.clock()
        self._last_news = 0.0
        self._index = run.channel.index(lambda: self._next_event - self._elapsed)
        self._pending = {name: self._index.subdir(name, wanted) for name, wanted in packages.items()}
        self._outcomes: dict[str, IndexOutcome] = {}
        self._is_reindexed = False

    def run(self) -> None:
        """Waits, and records what became of each subdir."""
        subdirs = list(self._pending.values())
        self._run.reporter.note(index_messages.begin(subdirs, self._timeout))
        try:
            for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
                self._look()
                if self._is_over:
                    break
                self._pause(pause)
                self._reindex()
        except _TimeIsUpError:
            self._finish_installable()
        seconds = self._elapsed
        for subdir in self._pending.values():
            self._outcomes[subdir.name] = self._unfinished(subdir, seconds)
        self._run.ledger.index = [self._outcomes[subdir.name] for subdir in subdirs]
        self._run.ledger.index_seconds = seconds

    @property
    def _elapsed(self) -> float:
        return self._run.pool.clock() - self._started

    @property
    def _next_event(self) -> float:
        """When a new index is requested or, after that, the time is up, in seconds since the start."""
        return self._timeout if self._is_reindexed else self._timeout / 2

    @property
    def _is_over(self) -> bool:
        is_wrong = any(self._wrong(subdir) for subdir in self._pending.values())
        return not self._pending or is_wrong or self._run.is_cancelled or self._elapsed >= self._timeout

    def _look(self) -> None:
        """Looks at the index of each subdir that has not shown all packages yet."""
        for reads in (SubdirIndex.file_reads, SubdirIndex.shard_reads):
            self._each(lambda read: read(), [read for subdir in self._pending.values() for read in reads(subdir)])
        self._finish_installable()
        self._show_progress()

    def _finish_installable(self) -> None:
        """Records the subdirs whose index shows all packages."""
        for subdir in [subdir for subdir in self._pending.values() if not subdir.flaws]:
            del self._pending[subdir.name]
            count, seconds = len(subdir.packages), self._elapsed
            self._outcomes[subdir.name] = IndexOutcome(subdir.name, IndexStatus.INSTALLABLE, count, seconds, {})
            self._run.reporter.note(index_messages.installable(subdir, seconds))

    def _each(self, work: Callable[[_Item], None], items: Sequence[_Item]) -> None:
        for _ in self._run.pool.map(work, items, workers=self._run.settings.concurrency, on_wait=self._on_wait):
            pass

    def _pause(self, seconds: float) -> None:
        """Waits, but not beyond the next event."""
        pause = max(0.0, min(seconds, self._next_event - self._elapsed))
        self._run.pool.call(lambda: self._run.sleep(pause), self._on_wait)

    def _reindex(self) -> None:
        """After half of the time, asks the server once to write the index of each subdir anew that is late."""
        if self._is_reindexed or self._elapsed < self._timeout / 2 or self._run.is_cancelled:
            return
        self._is_reindexed = True
        notes: list[str] = []

        def request(subdir: str) -> None:
            try:
                self._index.reindex(subdir)
            except LookupFailedError as error:
                notes.append(index_messages.not_reindexed(subdir, error))
            else:
                notes.append(index_messages.reindexed(subdir))

        self._each(request, list(self._pending))
        for note in sorted(notes):
            self._run.reporter.note(note)

    def _on_wait(self) -> None:
        if self._elapsed > self._timeout + _LAST_LOOK:
            raise _TimeIsUpError
        self._show_progress()

    def _show_progress(self) -> None:
        if self._elapsed - self._last_news < _QUIET:
            return
        self._last_news = self._elapsed
        for subdir in self._pending.values():
            self._run.reporter.note(index_messages.progress(subdir, self._elapsed))

    def _wrong(self, subdir: SubdirIndex) -> Mapping[str, Flaw]:
        """The packages that the index lists with another hash, which is not just outdated."""
        if self._run.settings.force:
            return {}
        return {name: flaw for name, flaw in subdir.flaws.items() if flaw.is_wrong}

    def _unfinished(self, subdir: SubdirIndex, seconds: float) -> IndexOutcome:
        missing = {name: flaw.reason for name, flaw in subdir.flaws.items()}
        count = len(subdir.packages)
        if wrong := self._wrong(subdir):
            error = index_messages.wrong(self._run.settings.channel, subdir, wrong)
            return IndexOutcome(subdir.name, IndexStatus.WRONG, count, seconds, missing, error)
        if seconds < self._timeout:  # the run was cancelled, or another subdir is wrong
            self._run.reporter.note(index_messages.progress(subdir, seconds))
            return IndexOutcome(subdir.name, IndexStatus.UNFINISHED, count, seconds, missing)
        error = index_messages.late(subdir, missing, self._timeout)
        return IndexOutcome(subdir.name, IndexStatus.LATE, count, seconds, missing, error)
