"""The order of a run: validate everything, ask the channel, upload what is missing, confirm. No printing."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from prefix_upload import validation
from prefix_upload.channel import BATCH_SIZE, Record, conflict
from prefix_upload.errors import RERUN_IS_SAFE, BatchError, CancelledError, ChannelError, ConflictError, Problem
from prefix_upload.models import Outcome, Package, Report, Status, UnvalidatedFile
from prefix_upload.publish.workers import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from prefix_upload.channel import Channel
    from prefix_upload.settings import Settings

__all__ = ["Listener", "Pool", "Publication", "Transfer"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Seconds without news after which there is a sign of life.
_SIGN_OF_LIFE = 10.0
# How often, and after how many seconds each, the channel is asked again for what it has just taken.
_CONFIRMATION_PAUSES = (1.0, 2.0, 4.0, 8.0)


class Listener(Protocol):
    """Whoever tells the user of the run while it goes on. Called in the main thread only."""

    def phase(self, title: str) -> None:
        """A new part of the run begins."""

    def checked(self, file: Package | UnvalidatedFile) -> None:
        """A file was validated."""

    def finished(self, outcome: Outcome) -> None:
        """It is decided what became of a file."""

    def waiting(self, transfers: Sequence[Transfer]) -> None:
        """Nothing has happened for a while; these uploads are under way."""


@dataclass(slots=True)
class Transfer:
    """An upload under way: `sent` bytes of the package have left in the present attempt."""

    package: Package
    started: float
    sent: int = 0


class Publication:
    """One run. `report` tells how far it came, at any moment.

    Args:
        settings: what to do.
        workspace: where the files lie, resolved.
        channel: where they go.
        pool: how to do many things at once.
        listener: who is told.
        sleep: waits, and raises `CancelledError` when the run is cancelled.
    """

    def __init__(
        self,
        settings: Settings,
        workspace: Path,
        channel: Channel,
        *,
        pool: Pool,
        listener: Listener,
        sleep: Callable[[float], None],
    ) -> None:
        self._settings = settings
        self._rules = validation.Rules(workspace, settings.depth, settings.max_size, pool.begin)
        self._channel = channel
        self._pool = pool
        self._listener = listener
        self._sleep = sleep
        self._files: list[Package | UnvalidatedFile] = []
        self._outcomes: dict[str, Outcome] = {}
        self._warnings: list[Problem] = []
        self._transfers: dict[str, Transfer] = {}
        # Packages whose name the channel has with other bytes that may be overwritten.
        self._overwritten: set[tuple[str, str]] = set()
        self._stopped_by: BatchError | None = None
        self._last_news = pool.clock()

    def run(self, paths: Sequence[Path]) -> None:
        """Publishes the files, or nothing if one of them is invalid."""
        packages = self._validate(paths)
        if len(packages) == len(self._files) and not self._pool.is_cancelled():
            self._publish(packages)
        # What is only told was computed meanwhile; a cancelled run does not wait for it.
        self._pool.call(lambda: [package.md5() for package in packages])

    def _publish(self, packages: Sequence[Package]) -> None:
        missing = self._compare(packages)
        if self._settings.dry_run:
            for package in missing:
                self._finish(Outcome(source=package, status=Status.WOULD_UPLOAD))
        elif missing:
            self._upload(missing)
            self._confirm()

    def report(self) -> Report:
        """What became of every file so far."""
        return Report(
            channel=self._settings.channel,
            server_url=self._settings.server_url,
            dry_run=self._settings.dry_run,
            outcomes=tuple(self._outcomes.get(file.relative_path) or self._open_outcome(file) for file in self._files),
            warnings=tuple(self._warnings),
        )

    # Step 1: all files, before the first byte is sent.

    def _validate(self, paths: Sequence[Path]) -> list[Package]:
        self._listener.phase(f"Validate {_counted(len(paths), 'file')}")
        workspace = self._rules.workspace
        self._files = [
            UnvalidatedFile(relative_path=path.relative_to(workspace).as_posix(), file=path.name, findings=())
            for path in paths
        ]
        # What hashes and decodes holds no lock: a thread a processor is what helps.
        workers = len(os.sched_getaffinity(0))
        checked = {}
        for file in self._each(lambda path: validation.check(path, self._rules), paths, workers):
            checked[file.relative_path] = file
            self._listener.checked(file)
        self._files = validation.check_batch([checked.get(file.relative_path, file) for file in self._files])
        for file in self._files:
            if isinstance(file, UnvalidatedFile) and file.findings:
                problem = Problem("Invalid package", f"{'; '.join(file.findings)}.", _INVALID_ADVICE)
                self._finish(Outcome(source=file, status=Status.INVALID, problem=problem))
        return [file for file in self._files if isinstance(file, Package)]

    # Step 2: what the channel has already.

    def _compare(self, packages: Sequence[Package]) -> list[Package]:
        """Finishes what needs no upload and returns what does."""
        self._listener.phase(f"Compare {_counted(len(packages), 'package')} with the channel")
        records: dict[tuple[str, str], Record] = {}
        doubts: list[str] = []
        for lookup in self._each(self._channel.lookup, _batches(packages), self._settings.concurrency):
            records |= lookup.records
            doubts += lookup.doubts
        if doubts:
            self._warnings.append(_cannot_compare(doubts))
        return [package for package in packages if not self._is_settled(package, records.get(package.key))]

    def _is_settled(self, package: Package, record: Record | None) -> bool:
        if record is None or record.sha256 is None:
            return False
        if record.sha256 == package.sha256:
            self._finish(Outcome(source=package, status=Status.ALREADY_PRESENT))
        elif not self._settings.force:
            self._finish(self._taken(package, conflict(package, record.sha256)))
        else:
            self._overwritten.add(package.key)
            return False
        return True

    def _taken(self, package: Package, error: ConflictError) -> Outcome:
        """The channel has other bytes under this name: left alone if that was asked for, else a failure."""
        if self._settings.skip_existing:
            note = Problem("Left alone", error.message, "It is not what this run built.")
            return Outcome(source=package, status=Status.SKIPPED, note=note)
        return Outcome(source=package, status=Status.FAILED, problem=error.problem)

    # Step 3: what is missing, several at once; a failure stays with its file.

    def _upload(self, packages: Sequence[Package]) -> None:
        self._listener.phase(f"Upload {_counted(len(packages), 'package')} to {self._settings.channel}")
        for outcome in self._each(self._upload_one, packages, self._settings.concurrency):
            self._finish(outcome)

    def _upload_one(self, package: Package) -> Outcome:
        """Runs in a worker."""
        if self._pool.is_cancelled():
            return Outcome(source=package, status=Status.NOT_ATTEMPTED, problem=_ENDED_BEFORE)
        if self._stopped_by is not None:
            return Outcome(source=package, status=Status.NOT_ATTEMPTED, problem=_not_attempted(self._stopped_by))
        transfer = self._transfers[package.relative_path] = Transfer(package, self._pool.clock())
        try:
            outcome = self._sent(transfer)
        except BatchError as error:
            self._stopped_by = error
            outcome = Outcome(source=package, status=Status.FAILED, problem=error.problem)
        except ConflictError as error:
            outcome = self._taken(package, error)
        except ChannelError as error:
            outcome = Outcome(source=package, status=Status.FAILED, problem=error.problem)
        return replace(outcome, seconds=self._pool.clock() - transfer.started)

    def _sent(self, transfer: Transfer) -> Outcome:
        def on_progress(sent: int) -> None:
            if self._pool.is_cancelled():
                raise cancelled()
            transfer.sent = sent

        status = self._channel.upload(transfer.package, force=self._settings.force, on_progress=on_progress)
        if status is Status.UPLOADED and transfer.package.key in self._overwritten:
            status = Status.OVERWRITTEN
        return Outcome(source=transfer.package, status=status)

    # Step 4: the server's own word for each.

    def _confirm(self) -> None:
        sent = [
            outcome
            for outcome in self._outcomes.values()
            if outcome.status in {Status.UPLOADED, Status.OVERWRITTEN} and isinstance(outcome.source, Package)
        ]
        if not sent:
            return
        self._listener.phase(f"Confirm {_counted(len(sent), 'upload')}")
        # Until the server tells: a cancelled run may never hear of it.
        self._outcomes |= {outcome.source.relative_path: _confirmed(outcome, {}) for outcome in sent}
        for outcomes in self._each(self._confirm_batch, _batches(sent), self._settings.concurrency):
            for outcome in outcomes:
                if outcome.status is Status.FAILED:
                    self._finish(outcome)
                self._outcomes[outcome.source.relative_path] = outcome

    def _confirm_batch(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Runs in a worker. A record may take a moment to appear, so it is asked for a few times."""
        packages = [outcome.source for outcome in outcomes if isinstance(outcome.source, Package)]
        records: dict[tuple[str, str], Record] = {}
        with contextlib.suppress(CancelledError):
            for pause in (*_CONFIRMATION_PAUSES, 0.0):
                records |= self._channel.lookup(packages).records
                packages = [package for package in packages if records.get(package.key, _NOTHING).sha256 is None]
                if not packages or not pause:
                    break
                self._sleep(pause)
        return [_confirmed(outcome, records) for outcome in outcomes]

    def _each(self, work: Callable[[_Item], _Result], items: Iterable[_Item], workers: int) -> Iterator[_Result]:
        self._last_news = self._pool.clock()
        return self._pool.map(work, items, workers=workers, on_wait=self._show_life)

    def _show_life(self) -> None:
        if self._pool.clock() - self._last_news >= _SIGN_OF_LIFE:
            self._listener.waiting(list(self._transfers.values()))
            self._last_news = self._pool.clock()

    def _finish(self, outcome: Outcome) -> None:
        self._outcomes[outcome.source.relative_path] = outcome
        self._transfers.pop(outcome.source.relative_path, None)
        self._listener.finished(outcome)
        self._last_news = self._pool.clock()

    def _open_outcome(self, file: Package | UnvalidatedFile) -> Outcome:
        """What to say of a file that the run did not come to the end with."""
        if file.relative_path in self._transfers:
            return Outcome(source=file, status=Status.FAILED, problem=cancelled().problem)
        if any(outcome.status is Status.INVALID for outcome in self._outcomes.values()):
            reason = "Not sent, because other files are invalid."
            return Outcome(source=file, status=Status.NOT_ATTEMPTED, problem=Problem("Not attempted", reason))
        return Outcome(source=file, status=Status.NOT_ATTEMPTED, problem=_ENDED_BEFORE)


_NOTHING = Record(None)
_INVALID_ADVICE = "Nothing was sent. Build the package again, or leave it out with a '!' line in the input 'glob'."
_ENDED_BEFORE = Problem("Not attempted", "Not sent, because the run ended before.")


def cancelled() -> CancelledError:
    """The error for an upload that is given up because the run was cancelled."""
    return CancelledError(
        "The run was cancelled while this package was being sent: the channel may have it or not.",
        RERUN_IS_SAFE,
    )


def _confirmed(outcome: Outcome, records: Mapping[tuple[str, str], Record]) -> Outcome:
    """The outcome in the light of the server's own record."""
    package = outcome.source
    if not isinstance(package, Package):
        return outcome
    record = records.get(package.key)
    if record is None:
        note = Problem(
            "Not confirmed", "The server took it, but its record could not be read, so nobody compared the hashes."
        )
        return replace(outcome, note=note)
    if record.sha256 == package.sha256:
        return outcome
    told = "does not list it" if record.sha256 is None else f"lists other bytes, with SHA-256 {record.sha256}"
    problem = Problem(
        "Not confirmed",
        f"The server took the package (SHA-256 {package.sha256}), but {told}.",
        "Look at the channel: somebody may have deleted or overwritten it. Then run the step again.",
    )
    return replace(outcome, status=Status.FAILED, problem=problem)


def _not_attempted(error: BatchError) -> Problem:
    return Problem("Not attempted", f"Not sent, because another upload had this answer: {error.message}", error.advice)


def _cannot_compare(doubts: Iterable[str]) -> Problem:
    reasons = "; ".join(dict.fromkeys(doubts))
    return Problem(
        "Channel not compared",
        f"The channel could not be asked for all of its files ({reasons}).",
        "Packages that it may have are sent, and then compared if the server says that it has them.",
    )


def _batches(items: Sequence[_Item]) -> list[Sequence[_Item]]:
    return [items[start : start + BATCH_SIZE] for start in range(0, len(items), BATCH_SIZE)]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
