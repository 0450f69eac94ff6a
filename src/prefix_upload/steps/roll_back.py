"""If a package failed, deletes again what this run has added to the channel.

Only what is known to be of this run is deleted: the channel did not have the file before, the server has accepted the
upload, and immediately before the deletion, the record has the hash of the local file and was created after the run
began. Where one of these is in doubt, the file may be that of another job that uploads the same bytes.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from enum import StrEnum
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from prefix_upload.errors import RERUN_IS_SAFE, ChannelError, ChannelWideError, Diagnostic, UnconfirmedChangeError
from prefix_upload.status import Status
from prefix_upload.steps import messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prefix_upload.package.dependencies import Key
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev import Record
    from prefix_upload.report import Outcome
    from prefix_upload.steps.compare import Upload
    from prefix_upload.steps.run import RollBack, UploadRun


# The difference that the clocks of a server may have: that of its records, and that of its responses.
_CLOCKS_DIFFER = timedelta(minutes=5)


class _Fate(StrEnum):
    """What becomes of a package that the run has sent, or why it stays."""

    NOT_OURS = "This run has not added it."
    FOUND = "It was on the channel before."
    OURS = "This run has added it."
    OTHER_BYTES = "It has other bytes now."
    ADDED_AGAIN = "It was deleted and added again meanwhile."
    MAY_APPEAR = "It is not listed yet, and may still appear."
    UNKNOWN_RECORD = "Its record could not be read."
    UNKNOWN_AGE = "The server does not say when it was added."
    MAYBE_OLDER = "By the server's clocks, it may have been added before the run."
    MAYBE_OTHERS = "The server did not confirm its upload, so it may be another job's."
    OUT_OF_TIME = "The run ended first."


# What is known not to be of this run any more, so that no command to delete it is shown.
_OF_OTHERS = frozenset({_Fate.OTHER_BYTES, _Fate.ADDED_AGAIN})


def roll_back(run: UploadRun, uploads: Sequence[Upload], needs: Mapping[Key, Sequence[Key]]) -> None:
    """Deletes what this run has added, dependents first, if a package failed and the settings ask for it.

    Also works for some seconds after a cancellation. What can't be deleted is reported as an error of the run.

    Args:
        run: the run.
        uploads: the packages that were to be sent.
        needs: for each package of the batch, those that it depends on.
    """
    outcomes = {outcome.file.label: outcome for outcome in run.ledger.outcomes()}
    reason = _reason(outcomes.values())
    sent = [
        upload.package
        for upload in uploads
        if upload.is_addition and outcomes[upload.package.label].status in {Status.UPLOADED, Status.FAILED}
    ]
    if run.roll_back is None or not reason or not sent:
        return
    run.reporter.phase(f"Roll back, because {reason}")
    # In the ledger at once, because they are abandoned if the run ends.
    for package in sent:
        run.ledger.record(outcomes[package.label])
    replaced = [upload.package for upload in uploads if not upload.is_addition]
    staying = [package for package in replaced if package.label in run.ledger.arrivals]
    _RollBack(run, run.roll_back, reason, outcomes).process(sent, needs, staying)


class _RollBack:
    """Deletes packages one by one, until a deletion fails in a way that would be the same for all."""

    def __init__(self, run: UploadRun, tools: RollBack, reason: str, outcomes: Mapping[str, Outcome]) -> None:
        self._run = run
        self._tools = tools
        self._reason = reason
        self._outcomes = outcomes
        # The packages that stay on the channel, each with the reason.
        self._left: dict[Key, tuple[Package, str]] = {}
        # Those of them that may have been deleted.
        self._in_doubt: set[Key] = set()
        self._stopped_by: ChannelWideError | None = None

    def process(self, sent: Sequence[Package], needs: Mapping[Key, Sequence[Key]], staying: Sequence[Package]) -> None:
        """Deletes those of the packages that this run has added, but nothing that packages need which stay."""
        expected = [package for package in sent if self._outcomes[package.label].status is Status.UPLOADED]
        found = self._tools.pool.call(lambda: self._tools.changes.lookup(sent, expected))
        by_key = {package.key: package for package in sent}
        for key in reversed(list(TopologicalSorter(needs).static_order())):
            if key not in by_key:
                continue
            record = found.records.get(key) if found else None
            fate = self._fate(by_key[key], record, is_expected=by_key[key] in expected)
            if fate is _Fate.UNKNOWN_RECORD and found is None:
                fate = _Fate.OUT_OF_TIME
            others = [*staying, *(package for package, _ in self._left.values())]
            dependents = [package for package in others if key in needs[package.key]]
            self._apply(by_key[key], fate, record, dependents)
        if self._left:
            self._run.ledger.errors.append(self._left_behind(by_key))

    def _fate(self, package: Package, record: Record | None, *, is_expected: bool) -> _Fate:
        """What to do with a package, given what the channel has."""
        if record is None or record.sha256 != package.sha256:
            if not is_expected:  # its own error says what is known
                return _Fate.NOT_OURS
            if record is None:
                return _Fate.UNKNOWN_RECORD
            return _Fate.OTHER_BYTES if record.sha256 else _Fate.MAY_APPEAR
        is_accepted = self._arrival(package)
        return _Fate.NOT_OURS if is_accepted is None else self._fate_by_age(record, is_accepted=is_accepted)

    def _fate_by_age(self, record: Record, *, is_accepted: bool) -> _Fate:
        """What to do with a package that the channel has, and whose upload the server may have accepted."""
        began = self._run.channel.queries.first_response
        if record.created is None or began is None:
            return _Fate.UNKNOWN_AGE
        if not is_accepted:
            return _Fate.FOUND if record.created < began - _CLOCKS_DIFFER else _Fate.MAYBE_OTHERS
        return _Fate.OURS if record.created >= began else _Fate.MAYBE_OLDER

    def _arrival(self, package: Package) -> bool | None:
        """Whether the server has accepted a package; `None` if it can't have stored it."""
        may_be_there = self._outcomes[package.label].error == messages.ENDED_DURING
        return self._run.ledger.arrivals.get(package.label, False if may_be_there else None)

    def _apply(self, package: Package, fate: _Fate, record: Record | None, dependents: Sequence[Package]) -> None:
        outcome = self._outcomes[package.label]
        if fate is _Fate.NOT_OURS:
            return
        if fate is _Fate.FOUND:
            if outcome.status is Status.UPLOADED:
                self._run.ledger.record(outcome._replace(status=Status.ALREADY_PRESENT))
            return
        if fate is not _Fate.OURS:
            why: str = fate
        elif dependents:
            why = f"'{dependents[0].label}' needs it."
        else:
            why = self._delete(package, record)
        if not why:
            self._run.finish(_deleted(outcome, self._reason))
            return
        self._left[package.key] = (package, why)
        if package.key in self._in_doubt:
            self._run.ledger.record(_maybe_deleted(outcome, self._reason))

    def _delete(self, package: Package, record: Record | None) -> str:
        """Deletes a package with this record. Returns why it stays on the channel, or may; "" if it is gone."""
        if self._stopped_by is not None:
            return self._stopped_by.message

        is_asked = threading.Event()

        def delete() -> str:
            # Other jobs may have changed what is there while other packages were deleted.
            if why := _why_changed(record, self._tools.changes.record(package)):
                return why
            is_asked.set()
            try:
                self._tools.changes.delete(package)
            except ChannelError as error:
                if isinstance(error, ChannelWideError):
                    self._stopped_by = error
                if isinstance(error, UnconfirmedChangeError):
                    self._in_doubt.add(package.key)
                return error.message
            return ""

        if self._tools.pool.is_cancelled():
            return _Fate.OUT_OF_TIME
        why = self._tools.pool.call(delete)
        if why is not None:
            return why
        if not is_asked.is_set():
            return _Fate.OUT_OF_TIME
        self._in_doubt.add(package.key)
        return "The run ended before its deletion was confirmed."

    def _left_behind(self, sent: Mapping[Key, Package]) -> Diagnostic:
        """The error about packages that stay on the channel, in the order in which to delete them."""
        groups: dict[str, list[str]] = {}
        for package, why in self._left.values():
            groups.setdefault(why, []).append(f"'{package.label}'")
        listed = " ".join(f"{', '.join(labels)}: {why}" for why, labels in groups.items())
        left = [key for key, (_, why) in self._left.items() if why not in _OF_OTHERS]
        urls = [self._tools.changes.deletion_url(sent[key]) for key in left]
        hint = self._stopped_by.hint if self._stopped_by else ""
        hint = f"{hint} To delete what is left, run:".strip() if urls else hint
        return Diagnostic(
            "Rollback incomplete",
            f"{messages.pluralize(len(self._left), 'package')} that this run has uploaded may still be on the channel. "
            f"{listed}",
            hint,
            "\n".join(f'curl --fail -X DELETE -H "Authorization: Bearer $PREFIX_API_KEY" {url}' for url in urls),
            self._stopped_by.page if self._stopped_by else "",
            language="sh",
        )


def _why_changed(earlier: Record | None, latest: Record | None) -> str:
    """Why the file of a record is not the one of an earlier record any more; "" if it is, or if it is gone."""
    if earlier is None or latest is None:
        return _Fate.UNKNOWN_RECORD
    if latest.sha256 is None:
        return ""
    if latest.sha256 != earlier.sha256:
        return _Fate.OTHER_BYTES
    return "" if latest.created == earlier.created else _Fate.ADDED_AGAIN


def _reason(outcomes: Iterable[Outcome]) -> str:
    """Why to roll back; "" if there is no reason to. A package that was not attempted is the reason if none failed."""
    failed = [outcome for outcome in outcomes if outcome.status.is_failure]
    failed.sort(key=lambda outcome: outcome.status.is_consequence)
    if not failed:
        return ""
    first = failed[0]
    return f"'{first.file.label}' was not attempted" if first.status.is_consequence else f"'{first.file.label}' failed"


def _deleted(outcome: Outcome, reason: str) -> Outcome:
    """The outcome of a package that was deleted again. One that had failed stays failed, with its own reason."""
    if outcome.status is Status.FAILED and outcome.error and outcome.error != messages.ENDED_DURING:
        message = f"{outcome.error.message} It was deleted from the channel again."
        return outcome._replace(error=outcome.error._replace(message=message))
    error = Diagnostic("Rolled back", f"Deleted from the channel again, because {reason}.")
    return outcome._replace(status=Status.ROLLED_BACK, error=error, warning=None, md5=None)


def _maybe_deleted(outcome: Outcome, reason: str) -> Outcome:
    """The outcome of a package that may have been deleted again. One that had failed stays failed, for its reason."""
    if outcome.status is Status.FAILED:
        return outcome
    message = f"The server was asked to delete it again, because {reason}. It may or may not be on the channel."
    error = Diagnostic("Rollback incomplete", message, RERUN_IS_SAFE)
    return outcome._replace(status=Status.FAILED, error=error, warning=None, md5=None)
