"""What a front end shows while a run goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.package.model import CandidateFile, Package
    from prefix_upload.report import Outcome


@dataclass(slots=True)
class Transfer:
    """An upload in progress.

    Attributes:
        package: what is sent.
        started: when its first attempt began, in monotonic seconds.
        sent: bytes of the file that the current attempt has sent.
        last_error: why the previous attempt failed; "" if there was none.
    """

    package: Package
    started: float
    sent: int = 0
    last_error: str = ""


class ProgressReporter(Protocol):
    """Shows the progress of a run. Called by the main thread only."""

    def phase(self, title: str) -> None:
        """A step begins."""

    def checked(self, file: Package | CandidateFile) -> None:
        """A file was validated."""

    def finished(self, outcome: Outcome) -> None:
        """The outcome of a file is known."""

    def waiting(self, transfers: Sequence[Transfer]) -> None:
        """Nothing was reported for a while; these uploads are in progress."""
