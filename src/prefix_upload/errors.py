"""Expected failures. Each has a message about what happened, and a hint about what to do.

PrefixUploadError
├── ConfigurationError          the settings are invalid
├── NothingToPublishError       no file matches
├── CancelledError              the run was cancelled in the meantime
└── ChannelError                a package was not published
    ├── ChannelWideError        … and no other package would be
    │   ├── ChannelNotFoundError
    │   ├── TokenRejectedError
    │   ├── ConnectionFailedError
    │   ├── ServerUnavailableError
    │   ├── UnexpectedResponseError
    │   └── AuthenticationError
    ├── UnconfirmedChangeError
    ├── ServerDownError
    ├── ConflictError
    ├── FileChangedError
    └── AttestationError
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

RERUN_IS_SAFE = "Re-run it: packages that are already on the channel are not uploaded again."
# For the commands that change what is on a channel.
CHANGES_RERUN_IS_SAFE = "Re-run it: what is done already is left alone."
SERVER_MESSAGE = "See the server's message above."

_SETTING = re.compile(r"⟨([a-z-]+)(?:: ([a-z]+))?⟩")


def setting(name: str, value: str = "") -> str:
    """A placeholder for a setting, or for a setting and its value, that each front end spells in its own way."""
    return f"⟨{name}: {value}⟩" if value else f"⟨{name}⟩"


USE_SERVER_ITSELF = f"Set {setting('server-url')} to the address of the server itself."
CHECK_CONNECTION = f"Check {setting('server-url')}, and the proxy and certificate settings of this machine."


class Diagnostic(NamedTuple):
    """A message for the user.

    `example` is always our own text. The other fields may contain untrusted text, such as file names or a server's
    message, and must be sanitized for the place where they are shown. `page` is made of our own text and of settings
    that were checked.

    Attributes:
        title: a few words.
        message: what happened.
        hint: what to do about it.
        example: lines to paste.
        page: the URL of a page on which to do it, or to read about it. A section of the README, such as `#patterns`, is
            completed by the front end, which knows where the README is.
        language: the language of the example.
    """

    title: str
    message: str
    hint: str = ""
    example: str = ""
    page: str = ""
    language: str = "yaml"

    def __str__(self) -> str:
        return " ".join(filter(None, (self.message, self.advice)))

    @property
    def advice(self) -> str:
        """The hint with the page, as plain text; without a section of the README whose URL is not known."""
        is_url = self.page != "" and not self.page.startswith("#")
        return " ".join(filter(None, (self.hint, f"See {self.page}" if is_url else "")))

    @property
    def paragraphs(self) -> list[str]:
        """The message and the advice, in lines."""
        if not self.example:
            return [self.message, self.advice]
        # The hint ends where the example begins, so the page comes after both.
        return [self.message, self.hint, *self.example.splitlines(), self._replace(hint="").advice]

    def map(self, change: Callable[[str], str]) -> Diagnostic:
        """The diagnostic with `change` applied to its title, message and hint."""
        return self._replace(title=change(self.title), message=change(self.message), hint=change(self.hint))


def spell_settings(text: str, spell: Callable[[str, str], str]) -> str:
    """The text with each placeholder replaced by `spell(name, value)`; the value is "" if the placeholder has none."""
    return _SETTING.sub(lambda match: spell(match[1], match[2] or ""), text)


class PrefixUploadError(Exception):
    """An expected failure, shown without a traceback."""

    title: ClassVar[str]

    def __init__(self, message: str, hint: str, page: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.page = page

    @property
    def diagnostic(self) -> Diagnostic:
        """The failure as a message for the user."""
        return Diagnostic(self.title, self.message, self.hint, page=self.page)


class ConfigurationError(PrefixUploadError):
    """The settings are invalid. Carries a diagnostic for each problem."""

    title = "Configuration"

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(diagnostic.message for diagnostic in diagnostics), "")
        self.diagnostics = diagnostics


class NothingToPublishError(PrefixUploadError):
    """No file matches the patterns.

    Args:
        patterns: the patterns, quoted.
        available: a sentence that says which packages the workspace has; "" if that is not known.
        advice: what to change in the patterns; "" if that is not known.
    """

    title = "No files found"

    def __init__(self, patterns: str, available: str, advice: str = "") -> None:
        advice = advice or (
            "Patterns are relative to the workspace. Check that an earlier step built or downloaded the packages there."
        )
        super().__init__(
            f"No file matches {patterns}. {available}".rstrip(),
            f"{advice} If it is fine that there is nothing to publish, set {setting('if-no-files-found', 'ignore')}.",
            page="#patterns",
        )


class CancelledError(PrefixUploadError):
    """The run was cancelled. Ends whatever is under way."""

    title = "Cancelled"

    def __init__(self) -> None:
        super().__init__("The run was cancelled.", RERUN_IS_SAFE)


class ChannelError(PrefixUploadError):
    """A package was not published, or it is not known whether it was."""

    title = "Upload failed"


class ChannelWideError(ChannelError):
    """A failure that would be the same for every package. Uploads that have not started are not attempted."""


class ChannelNotFoundError(ChannelWideError):
    """The channel does not exist, or is not visible to the run."""

    title = "Channel not found"


class TokenRejectedError(ChannelWideError):
    """The server does not accept the token."""

    title = "Token rejected"


class ConnectionFailedError(ChannelWideError):
    """The server could not be reached."""

    title = "Server unreachable"


class ServerUnavailableError(ChannelWideError):
    """The server does not answer queries now, but may do so later."""

    title = "Server unavailable"


class UnexpectedResponseError(ChannelWideError):
    """The server does not answer queries as prefix.dev does."""

    title = "Unexpected response"


class AuthenticationError(ChannelWideError):
    """The run cannot authenticate, so nothing can be sent."""

    title = "Authentication failed"


class UnconfirmedChangeError(ChannelError):
    """Whether the server has made a change that it was asked for is not known."""


class ServerDownError(ChannelError):
    """All attempts ended without a response, or with a server error (5xx)."""


class ConflictError(ChannelError):
    """The channel has different contents under this file name, or what it has could not be compared."""

    title = "File name already taken"


class FileChangedError(ChannelError):
    """The file has changed since it was validated."""

    title = "File changed"


class AttestationError(ChannelError):
    """The package could not be signed, and was not sent."""

    title = "Not signed"
