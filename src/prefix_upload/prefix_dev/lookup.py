"""What queries about a batch of packages found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefix_upload.package.model import Artifact
    from prefix_upload.prefix_dev.records import Records
    from prefix_upload.prefix_dev.responses import LookupFailedError, Reason

_Artifact = TypeVar("_Artifact", bound="Artifact")


class Lookup(NamedTuple):
    """What the queries about a batch found.

    Attributes:
        records: the records that were found.
        failures: why queries failed.
        is_answered: whether a query succeeded.
        knows_user: whether the server accepted the token; `None` if it did not say.
    """

    records: Records
    failures: tuple[LookupFailedError, ...] = ()
    is_answered: bool = False
    knows_user: bool | None = None

    @classmethod
    def combined(cls, lookups: Iterable[Lookup]) -> Lookup:
        """All of them as one; records of later ones replace those of earlier ones."""
        records: Records = {}
        failures: list[LookupFailedError] = []
        is_answered, knows_user = False, None
        for lookup in lookups:
            records |= lookup.records
            failures += lookup.failures
            is_answered |= lookup.is_answered
            knows_user = lookup.knows_user if knows_user is None else knows_user
        return cls(records, tuple(failures), is_answered, knows_user)

    @property
    def is_worth_repeating(self) -> bool:
        """Whether records that are missing may be found within seconds."""
        return self.is_answered or not all(failure.reason.is_lasting for failure in self.failures)

    def failed_for(self, reason: Reason) -> bool:
        """Whether a query failed for this reason."""
        return any(failure.reason is reason for failure in self.failures)

    def unknown(self, packages: Iterable[_Artifact]) -> list[_Artifact]:
        """Those packages that may or may not be on the channel."""
        return [package for package in packages if package.key not in self.records]
