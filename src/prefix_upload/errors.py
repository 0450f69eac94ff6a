"""Every failure that is reported on purpose: what happened, what to do, and how the run ends.

There is an exit code for each class of failure, so that a workflow can tell a mistyped input from a package that
the server refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

# What to do wherever nobody can tell, or not everything was done: the order of a run makes it true.
RERUN_IS_SAFE = "Run the step again: what is on the channel by then is found there and not sent twice."


class ExitCode(IntEnum):
    """How a run ended. `BUG` is Python's own code for the traceback that follows."""

    SUCCESS = 0
    BUG = 1
    CONFIGURATION = 2
    NOTHING_TO_UPLOAD = 3
    INVALID_PACKAGES = 4
    UPLOAD_FAILED = 5
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True)
class Diagnostic:
    """One thing to tell the user: a few words as title, what happened, and what to do about it.

    `example` are lines to paste, in our own words throughout. The other texts may hold words from outside (file names,
    a server's answer); whoever shows them neutralises them for the place where they are shown.
    """

    title: str
    message: str
    hint: str = ""
    example: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class PrefixUploadError(Exception):
    """A failure that was foreseen. It is shown without a traceback."""

    title: ClassVar[str]

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def diagnostic(self) -> Diagnostic:
        """The failure as it is told to the user."""
        return Diagnostic(self.title, self.message, self.hint)


class ConfigurationError(PrefixUploadError):
    """The workflow asks for something that cannot be done. Carries all problems of the run at once."""

    title = "Configuration"

    def __init__(self, *problems: Diagnostic) -> None:
        super().__init__("; ".join(problem.message for problem in problems), "")
        self.diagnostics = problems


class ChannelError(PrefixUploadError):
    """The server did not take one package, or did not say what it has."""

    title = "Upload failed"


class ChannelWideError(ChannelError):
    """An answer that would be the same for every package: uploads that have not started never do."""


class AuthenticationError(ChannelWideError):
    """Nobody knows who is asking, so that nothing can be sent."""

    title = "Sign-in failed"


class ConflictError(ChannelError):
    """The channel has other bytes under this file name."""

    title = "File name taken"


class FileChangedError(ChannelError):
    """The file is no longer the one that was validated."""

    title = "File changed"


class AttestationError(ChannelError):
    """The package could not be signed, and was not sent."""

    title = "Not signed"


class CancelledError(ChannelError):
    """The run was cancelled while this package was being sent."""

    title = "Cancelled"
