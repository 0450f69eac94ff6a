"""The exit codes of the process."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from prefix_upload.status import Status

if TYPE_CHECKING:
    from prefix_upload.report import Report


class ExitCode(IntEnum):
    """One code for each class of failure, so that a script can distinguish a mistyped input from a refused package.

    `BUG` is Python's own code for an uncaught exception; the last two are 128 plus the number of the signal.
    """

    SUCCESS = 0
    BUG = 1
    CONFIGURATION = 2
    NOTHING_TO_UPLOAD = 3
    INVALID_PACKAGES = 4
    UPLOAD_FAILED = 5
    INDEX_BEHIND = 6
    INTERRUPTED = 130
    TERMINATED = 143


def exit_code(report: Report) -> ExitCode:
    """The exit code of a run that completed."""
    if report.count(Status.INVALID):
        return ExitCode.INVALID_PACKAGES
    if report.errors or report.failed_count:
        return ExitCode.UPLOAD_FAILED
    return ExitCode.INDEX_BEHIND if report.is_index_behind else ExitCode.SUCCESS
