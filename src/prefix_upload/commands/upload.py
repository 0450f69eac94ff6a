"""The order of a run: validate everything, sign in, ask the channel, upload what is missing, confirm."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from prefix_upload.concurrency import start_thread
from prefix_upload.errors import (
    AuthenticationError,
    CancelledError,
    ChannelError,
    ChannelWideError,
    ConflictError,
    Diagnostic,
)
from prefix_upload.package import validate
from prefix_upload.package.model import CandidateFile, Package
from prefix_upload.prefix_dev import BATCH_SIZE, Record, conflict
from prefix_upload.report import Attestation, Outcome, Report, Status
from prefix_upload.steps.messages import (
    ENDED_BEFORE,
    INVALID_HINT,
    OTHERS_INVALID,
    WOULD_OVERWRITE,
    Confirmation,
    cancelled,
    cannot_compare,
    confirmed,
    not_attempted,
    pluralize,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from prefix_upload.concurrency import Pool
    from prefix_upload.prefix_dev import Channel
    from prefix_upload.settings import Settings

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Seconds without news after which there is a sign of life.
_SIGN_OF_LIFE = 10.0
# How often, and after how many seconds each, the channel is asked again for what it has just taken.
_CONFIRMATION_PAUSES = (1.0, 2.0, 4.0, 8.0)


class PackageSigner(Protocol):
    """Whoever signs packages. Called in workers."""

    def prepare(self) -> None:
        """Makes sure that it can.

        Raises:
            AuthenticationError: it cannot.
        """

    def sign(self, package: Package) -> Attestation:
        """The package's attestation.

        Raises:
            ChannelError: there is none.
        """


class ProgressReporter(Protocol):
    """Whoever tells the user of the run while it goes on. Called in the main thread only."""

    def phase(self, title: str) -> None:
        """A new part of the run begins."""

    def checked(self, file: Package | CandidateFile) -> None:
        """A file was validated."""

    def finished(self, outcome: Outcome) -> None:
        """It is decided what became of a file."""

    def waiting(self, transfers: Sequence[Transfer]) -> None:
        """Nothing has happened for a while; these uploads are under way."""


@dataclass(slots=True)
class Transfer:
    """An upload under way: `sent` bytes of the package have left in the present attempt.

    `last_error` says why the attempt before failed, if there was one.
    """

    package: Package
    started: float
    sent: int = 0
    last_error: str = ""


class Publication:
    """One run. `report` tells how far it came, at any moment.

    Args:
        settings: what to do.
        workspace: where the files lie, resolved.
        channel: where they go.
        pool: how to do many things at once.
        listener: who is told.
        signer: signs the packages, if they are to be signed.
        sleep: waits, and raises `CancelledError` when the run is cancelled.
    """

    def __init__(
        self,
        settings: Settings,
        workspace: Path,
        channel: Channel,
        *,
        pool: Pool,
        reporter: ProgressReporter,
        signer: PackageSigner | None,
        sleep: Callable[[float], None],
    ) -> None:
        self._settings = settings
        self._rules = validate.Rules(workspace, settings.depth, settings.max_size, start_thread)
        self._channel = channel
        self._pool = pool
        self._reporter = reporter
        self._signer = signer
        self._sleep = sleep
        self._files: list[Package | CandidateFile] = []
        self._outcomes: dict[str, Outcome] = {}
        self._problems: list[Diagnostic] = []
        self._warnings: list[Diagnostic] = []
        self._transfers: dict[str, Transfer] = {}
        # Packages whose name the channel has with other bytes that may be overwritten.
        self._overwritten: set[tuple[str, str]] = set()
        self._stopped_by: ChannelWideError | None = None
        self._last_news = pool.clock()

    def run(self, paths: Sequence[Path]) -> None:
        """Publishes the files, or nothing if one of them is invalid."""
        packages = self._validate(paths)
        if len(packages) == len(self._files) and not self._pool.is_cancelled() and self._authenticate(packages):
            self._publish(packages)

    def _publish(self, packages: Sequence[Package]) -> None:
        missing = self._compare(packages)
        if self._settings.dry_run:
            for package in missing:
                note = WOULD_OVERWRITE if package.key in self._overwritten else None
                self._finish(Outcome(file=package, status=Status.WOULD_UPLOAD, warning=note))
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
            errors=tuple(self._problems),
            warnings=tuple(self._warnings),
        )

    # Step 1: all files, before the first byte is sent.

    def _validate(self, paths: Sequence[Path]) -> list[Package]:
        self._reporter.phase(f"Validate {pluralize(len(paths), 'file')}")
        workspace = self._rules.workspace
        self._files = [
            CandidateFile(relative_path=path.relative_to(workspace).as_posix(), file_name=path.name, findings=())
            for path in paths
        ]
        # What hashes and decodes holds no lock: a thread a processor is what helps.
        workers = len(os.sched_getaffinity(0))
        checked = {}
        for file in self._each(lambda path: validate.check(path, self._rules), paths, workers):
            checked[file.relative_path] = file
            self._reporter.checked(file)
        self._files = validate.check_batch([checked.get(file.relative_path, file) for file in self._files])
        for file in self._files:
            if isinstance(file, CandidateFile) and file.findings:
                problem = Diagnostic("Invalid package", f"{'; '.join(file.findings)}.", INVALID_HINT)
                self._finish(Outcome(file=file, status=Status.INVALID, error=problem))
        return [file for file in self._files if isinstance(file, Package)]

    # Step 2: who is asking, before anybody is.

    def _authenticate(self, packages: Sequence[Package]) -> bool:
        """Whether whoever is asked from now on knows who is asking. A dry run asks as anybody may."""
        if self._settings.dry_run:
            return True
        if self._settings.token is None or self._signer is not None:
            self._reporter.phase("Sign in")
        for step in (self._channel.authenticate, *([self._signer.prepare] if self._signer else [])):
            if self._pool.is_cancelled():
                return False
            error = self._call(partial(_failure_of, step))
            if error is not None:
                self._problems.append(error.diagnostic)
                for package in packages:
                    problem = not_attempted(error)
                    self._finish(Outcome(file=package, status=Status.NOT_ATTEMPTED, error=problem))
                return False
        return not self._pool.is_cancelled()

    # Step 3: what the channel has already.

    def _compare(self, packages: Sequence[Package]) -> list[Package]:
        """Finishes what needs no upload and returns what does."""
        self._reporter.phase(f"Compare {pluralize(len(packages), 'package')} with the channel")
        records: dict[tuple[str, str], Record] = {}
        errors: list[str] = []
        for lookup in self._each(self._channel.lookup, _batches(packages), self._settings.concurrency):
            records |= lookup.records
            errors += lookup.errors
        if errors:
            self._warnings.append(cannot_compare(errors, is_dry_run=self._settings.dry_run))
        return [package for package in packages if not self._is_settled(package, records.get(package.key))]

    def _is_settled(self, package: Package, record: Record | None) -> bool:
        if record is None or record.sha256 is None:
            return False
        if record.sha256 == package.sha256:
            self._finish(Outcome(file=package, status=Status.ALREADY_PRESENT, md5=record.md5))
        elif not self._settings.force:
            self._finish(self._taken(package, conflict(package, record.sha256)))
        else:
            self._overwritten.add(package.key)
            return False
        return True

    def _taken(self, package: Package, error: ConflictError) -> Outcome:
        """The channel has other bytes under this name: left alone if that was asked for, else a failure."""
        if self._settings.skip_existing:
            note = Diagnostic("Left alone", f"{error.message} What is there is not what this run built.")
            return Outcome(file=package, status=Status.SKIPPED, warning=note)
        return Outcome(file=package, status=Status.FAILED, error=error.diagnostic)

    # Step 4: what is missing, several at once; a failure stays with its file.

    def _upload(self, packages: Sequence[Package]) -> None:
        self._reporter.phase(f"Upload {pluralize(len(packages), 'package')} to {self._settings.channel}")
        for outcome in self._each(self._upload_one, packages, self._settings.concurrency):
            self._finish(outcome)

    def _upload_one(self, package: Package) -> Outcome:
        """Runs in a worker."""
        if self._pool.is_cancelled():
            return Outcome(file=package, status=Status.NOT_ATTEMPTED, error=ENDED_BEFORE)
        if self._stopped_by is not None:
            return Outcome(file=package, status=Status.NOT_ATTEMPTED, error=not_attempted(self._stopped_by))
        try:
            return self._sign_and_send(package)
        except ChannelWideError as error:
            self._stopped_by = error
            return Outcome(file=package, status=Status.FAILED, error=error.diagnostic)
        except ConflictError as error:
            return self._taken(package, error)
        except ChannelError as error:
            return Outcome(file=package, status=Status.FAILED, error=error.diagnostic)

    def _sign_and_send(self, package: Package) -> Outcome:
        attestation = self._signer.sign(package) if self._signer else None
        if self._pool.is_cancelled():
            return Outcome(file=package, status=Status.NOT_ATTEMPTED, error=ENDED_BEFORE)
        return self._send(package, attestation)

    def _send(self, package: Package, attestation: Attestation | None) -> Outcome:
        transfer = self._transfers[package.relative_path] = Transfer(package, self._pool.clock())

        def on_progress(sent: int) -> None:
            if self._pool.is_cancelled():
                raise cancelled()
            transfer.sent = sent

        def on_retry(reason: str) -> None:
            transfer.last_error = reason

        receipt = self._channel.upload(
            package,
            force=self._settings.force,
            on_progress=on_progress,
            on_retry=on_retry,
            attestation=attestation.bundle if attestation else None,
        )
        status, md5 = receipt.status, receipt.record.md5 if receipt.record else None
        if status is Status.ALREADY_PRESENT:
            attestation = None  # somebody else's upload was taken
        if status is Status.UPLOADED and package.key in self._overwritten:
            status = Status.OVERWRITTEN
        seconds = self._pool.clock() - transfer.started
        return Outcome(file=package, status=status, seconds=seconds, attestation=attestation, md5=md5)

    # Step 5: the server's own word for each.

    def _confirm(self) -> None:
        sent = [
            (outcome.file, outcome)
            for outcome in self._outcomes.values()
            if outcome.status in {Status.UPLOADED, Status.OVERWRITTEN} and isinstance(outcome.file, Package)
        ]
        if not sent:
            return
        self._reporter.phase(f"Confirm {pluralize(len(sent), 'upload')}")
        # Until the server tells: a cancelled run may never hear of it.
        for package, outcome in sent:
            self._outcomes[package.relative_path] = confirmed(outcome, Confirmation())
        # Records come a hundred at once, attestations one by one.
        size = BATCH_SIZE if self._signer is None else min(BATCH_SIZE, -(-len(sent) // self._settings.concurrency))
        for outcomes in self._each(self._confirm_batch, _batches(sent, size), self._settings.concurrency):
            for outcome in outcomes:
                if outcome.status is Status.FAILED:
                    self._finish(outcome)
                self._outcomes[outcome.file.relative_path] = outcome

    def _confirm_batch(self, sent: Sequence[tuple[Package, Outcome]]) -> list[Outcome]:
        """Runs in a worker. A record may take a moment to appear, so it is asked for a few times."""
        told = {package.key: Confirmation() for package, _ in sent}
        open_ones = sent
        with contextlib.suppress(CancelledError):
            for pause in (*_CONFIRMATION_PAUSES, 0.0):
                self._ask_again(open_ones, told)
                open_ones = [
                    (package, outcome) for package, outcome in open_ones if not told[package.key].suffices(outcome)
                ]
                if not open_ones or not pause:
                    break
                self._sleep(pause)
        return [confirmed(outcome, told[package.key]) for package, outcome in sent]

    def _ask_again(
        self, open_ones: Sequence[tuple[Package, Outcome]], told: dict[tuple[str, str], Confirmation]
    ) -> None:
        records = self._channel.lookup([package for package, _ in open_ones]).records
        for package, outcome in open_ones:
            before = told[package.key]
            is_attested = before.is_attested
            if outcome.attestation is not None and not is_attested:
                is_attested = self._channel.has_attestation(package, outcome.attestation.bundle)
            told[package.key] = Confirmation(records.get(package.key, before.record), is_attested)

    def _each(self, work: Callable[[_Item], _Result], items: Iterable[_Item], workers: int) -> Iterator[_Result]:
        self._last_news = self._pool.clock()
        return self._pool.map(work, items, workers=workers, on_wait=self._show_life)

    def _call(self, work: Callable[[], _Result]) -> _Result | None:
        self._last_news = self._pool.clock()
        return self._pool.call(work, self._show_life)

    def _show_life(self) -> None:
        if self._pool.clock() - self._last_news >= _SIGN_OF_LIFE:
            self._reporter.waiting(list(self._transfers.values()))
            self._last_news = self._pool.clock()

    def _finish(self, outcome: Outcome) -> None:
        self._outcomes[outcome.file.relative_path] = outcome
        self._transfers.pop(outcome.file.relative_path, None)
        self._reporter.finished(outcome)
        self._last_news = self._pool.clock()

    def _open_outcome(self, file: Package | CandidateFile) -> Outcome:
        """What to say of a file that the run did not come to the end with."""
        if file.relative_path in self._transfers:
            return Outcome(file=file, status=Status.FAILED, error=cancelled().diagnostic)
        is_refused = any(outcome.status is Status.INVALID for outcome in self._outcomes.values())
        return Outcome(file=file, status=Status.NOT_ATTEMPTED, error=OTHERS_INVALID if is_refused else ENDED_BEFORE)


def _failure_of(step: Callable[[], None]) -> AuthenticationError | None:
    try:
        step()
    except AuthenticationError as error:
        return error
    return None


def _batches(items: Sequence[_Item], size: int = BATCH_SIZE) -> list[Sequence[_Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
