"""What a front end shows during a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.package.model import CandidateFile, Package
    from prefix_upload.report import Outcome


class Transfer:
    """An upload in progress.

    Attributes:
        package: the package that is being sent.
        started: when its first attempt began, in monotonic seconds.
        has_begun: whether anything of the package may have been sent.
        sent: the number of bytes that the current attempt has sent.
        last_error: why the previous attempt failed; "" if there was none.
    """

    def __init__(self, package: Package, started: float, *, sent: int = 0, last_error: str = "") -> None:
        self.package = package
        self.started = started
        self.has_begun = False
        self.sent = sent
        self.last_error = last_error


class ProgressReporter(Protocol):
    """Shows the progress of a run. Called from the main thread only.

    Attributes:
        interval: the seconds without an outcome after which the uploads in progress are shown.
    """

    interval: float

    def phase(self, title: str) -> None:
        """Called when a step begins."""

    def note(self, text: str) -> None:
        """Called with something about the run that only matters to those who read along."""

    def checked(self, file: Package | CandidateFile) -> None:
        """Called when a file has been validated; only a `Package` is valid."""

    def finished(self, outcome: Outcome) -> None:
        """Called when the outcome of a file is known."""

    def waiting(self, transfers: Sequence[Transfer]) -> None:
        """Called when there was no outcome for a while, with the uploads in progress, if any."""
