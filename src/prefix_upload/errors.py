"""The failures that are expected, each with what happened and what to do.

PrefixUploadError
├── ConfigurationError        the settings do not make sense
├── NothingToPublishError     no file matches
└── ChannelError              a package was not published
├── ChannelWideError      … and no other would be
│   └── AuthenticationError
├── ConflictError
├── FileChangedError
├── AttestationError
└── CancelledError
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable

RERUN_IS_SAFE = "Run the step again: what is on the channel by then is found there and not sent twice."

_SETTING = re.compile(r"⟨([a-z-]+)(?:: ([a-z]+))?⟩")


def setting(name: str, value: str = "") -> str:
    """Stands for a setting, or for its value, in a diagnostic: each front end spells it its own way."""
    return f"⟨{name}: {value}⟩" if value else f"⟨{name}⟩"


CHECK_CONNECTION = f"Check {setting('server-url')}, and the proxy and certificate settings of the machine."


@dataclass(frozen=True)
class Diagnostic:
    """One thing to tell the user: a title of a few words, what happened, and what to do about it.

    `example` holds lines to paste. It is our own text throughout; the others may hold text from outside, such as file
    names or a server's message, so that they have to be sanitized for the place where they are shown.
    """

    title: str
    message: str
    hint: str = ""
    example: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def map(self, change: Callable[[str], str]) -> Diagnostic:
        """The diagnostic with its title, message and hint changed."""
        return replace(self, title=change(self.title), message=change(self.message), hint=change(self.hint))


def spell_settings(text: str, spell: Callable[[str, str], str]) -> str:
    """The text with every setting as `spell` writes its name and value ("" if only the setting is meant)."""
    return _SETTING.sub(lambda match: spell(match[1], match[2] or ""), text)


class PrefixUploadError(Exception):
    """An expected failure, to be shown without a traceback."""

    title: ClassVar[str]

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def diagnostic(self) -> Diagnostic:
        """The failure as users read it."""
        return Diagnostic(self.title, self.message, self.hint)


class ConfigurationError(PrefixUploadError):
    """The settings do not make sense. Has all diagnostics of the run."""

    title = "Configuration"

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(diagnostic.message for diagnostic in diagnostics), "")
        self.diagnostics = diagnostics


class NothingToPublishError(PrefixUploadError):
    """No file matches."""

    title = "No files found"

    def __init__(self, patterns: str) -> None:
        super().__init__(
            f"No file matches {patterns}.",
            "Patterns are relative to the workspace. Check that the build wrote its packages there, that an earlier "
            "step of this job downloaded them, that a pattern for a hidden folder spells its dot, and that no '!' line "
            f"excludes them. If there may be nothing to publish, set {setting('if-no-files-found', 'ignore')}.",
        )


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
