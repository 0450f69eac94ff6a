"""The failed attempts of an upload. One of them may have stored the package all the same."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from prefix_upload.http import Failure, RequestError, describe_failure
from prefix_upload.prefix_dev.lookup import Lookup
from prefix_upload.prefix_dev.poll import poll
from prefix_upload.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev.queries import ChannelQueries
    from prefix_upload.prefix_dev.records import Record


class Receipt(NamedTuple):
    """How an upload ended, and the channel's record of the package if it was looked up."""

    status: Status
    record: Record | None = None


class Attempts:
    """What is known about the failed attempts of one upload."""

    def __init__(
        self,
        queries: ChannelQueries,
        sleep: Callable[[float], None],
        package: Package,
        *,
        force: bool,
        on_retry: Callable[[str, bool], None],
    ) -> None:
        self._queries = queries
        self._sleep = sleep
        self._package = package
        self._force = force
        self._on_retry = on_retry
        self.count = 0
        self.may_have_arrived = False
        self.last_lookup: Lookup | None = None

    def failed(self, failure: Failure) -> Callable[[bool], Receipt | None] | None:
        """Notes a transient failure. Returns what looks for the package if the server may have stored it."""
        self.count += 1
        self.may_have_arrived |= failure.may_have_arrived
        self._on_retry(describe_failure(failure), self.may_have_arrived)
        return partial(self._receipt_if_there, failure) if self.may_have_arrived else None

    def receipt(self) -> Receipt | None:
        """Looks for the package once more, if an earlier attempt may have arrived."""
        return self._look(polls=True) if self.may_have_arrived else None

    def poll_lookup(self) -> Lookup:
        """Looks up the package until the channel has it with its hash, or with another one that it will not lose."""
        found = Lookup({})

        def look(is_last: bool) -> bool:
            nonlocal found
            latest = self._queries.lookup([self._package], is_thorough=is_last)
            found = Lookup.combined([Lookup(found.records), latest])
            record = found.records.get(self._package.key)
            return is_settled(record, self._package, force=self._force) or not latest.is_worth_repeating

        poll(look, self._sleep)
        return found

    def _receipt_if_there(self, failure: Failure, is_last: bool) -> Receipt | None:
        # An error response seldom hides a stored package, and if it does, the retry ends with a 409: look once.
        return self._look(polls=is_last or isinstance(failure, RequestError))

    def _look(self, *, polls: bool) -> Receipt | None:
        if polls:
            self.last_lookup = self.poll_lookup()
        else:
            self.last_lookup = self._queries.lookup([self._package])
        record = self.last_lookup.records.get(self._package.key)
        is_there = record is not None and record.sha256 == self._package.sha256
        return Receipt(Status.UPLOADED, record) if is_there else None


def is_settled(record: Record | None, package: Package, *, force: bool) -> bool:
    """Whether a record decides about an upload: it has the package's hash, or one that no upload is replacing.

    Another hash that only repodata shows may be one of before, so it decides nothing.
    """
    if record is None or record.sha256 is None:
        return False
    return record.sha256 == package.sha256 or not (force or record.may_be_outdated)
