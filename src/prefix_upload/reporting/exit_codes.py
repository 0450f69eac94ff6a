"""How a process tells the shell, or the runner, how its run ended."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from prefix_upload.report import Status

if TYPE_CHECKING:
    from prefix_upload.report import Report


class ExitCode(IntEnum):
    """One for each class of failure, so that a script can tell a mistyped input from a package that was refused.

    `BUG` is Python's own code for an exception that nobody expected.
    """

    SUCCESS = 0
    BUG = 1
    CONFIGURATION = 2
    NOTHING_TO_UPLOAD = 3
    INVALID_PACKAGES = 4
    UPLOAD_FAILED = 5
    INTERRUPTED = 130
    TERMINATED = 143


def exit_code(report: Report) -> ExitCode:
    """The code for a run that came to its end."""
    if report.count(Status.INVALID):
        return ExitCode.INVALID_PACKAGES
    return ExitCode.UPLOAD_FAILED if report.result == "failure" else ExitCode.SUCCESS
