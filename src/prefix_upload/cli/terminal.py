"""What the command line prints: lines that are safe to show in a terminal, without secrets."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, TextIO

from prefix_upload.errors import spell_settings
from prefix_upload.redaction import Redactor
from prefix_upload.reporting import sanitize
from prefix_upload.reporting.streams import write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefix_upload.errors import Diagnostic

# Inputs that are operands.
_OPERANDS = {"glob": "PACKAGE", "packages": "PACKAGE", "subdirs": "SUBDIR"}

_BOLD, _PLAIN = "\033[1m", "\033[0m"


def as_flag(name: str, value: str) -> str:
    """A setting as it is written in a shell: `--force`, or `--if-no-files-found ignore`."""
    if name in _OPERANDS:
        return _OPERANDS[name]
    if value in {"", "true"}:
        return f"--{name}"
    return f"--no-{name}" if value == "false" else f"--{name} {value}"


class Terminal:
    """Prints lines. Implements `reporting.console.Log`. Only the main thread may print.

    Args:
        stream: where lines are printed.
        is_bold: whether titles are bold.
    """

    def __init__(self, stream: TextIO, *, is_bold: bool) -> None:
        # Libraries' log records would bypass this class, and may contain untrusted text.
        logging.disable()
        if isinstance(stream, io.TextIOWrapper):  # whatever the encoding, each line can be written
            stream.reconfigure(errors="backslashreplace")
        self.stream = stream
        self._is_bold = is_bold
        self._redactor = Redactor()
        # Where the API key is from.
        self.key_source = "--token"

    def spell(self, name: str, value: str) -> str:
        """A setting as users know it."""
        return self.key_source if name == "token" and not value else as_flag(name, value)

    def hide(self, secret: str) -> None:
        """Hides a secret from now on."""
        self._redactor.add(secret)

    def redact(self, text: str) -> str:
        """The text without secrets."""
        return self._redactor.redact(text)

    def redact_message(self, text: str) -> str:
        """Like `redact`, for a server's message, which may be truncated."""
        return self._redactor.redact_message(text)

    def info(self, line: str) -> None:
        """Prints a line."""
        self._print(self.safe(line))

    def open_group(self, title: str) -> None:
        """Prints the title of the lines that follow."""
        title = self.safe(title)
        self._print(f"{_BOLD}{title}{_PLAIN}" if self._is_bold else title)

    def close_group(self) -> None:
        """Does nothing: the next title ends the lines."""

    def show(self, kind: str, diagnostics: Iterable[Diagnostic]) -> None:
        """Prints diagnostics: what happened in the first line, what to do below it."""
        for diagnostic in diagnostics:
            first, *others = filter(None, diagnostic.paragraphs)
            self._print(self.safe(f"{kind}: {diagnostic.title}: {first}"))
            for line in others:
                self._print(f"  {self.safe(line)}")

    def _print(self, line: str) -> None:
        write(self.stream, f"{line}\n")

    def safe(self, text: str) -> str:
        """The text without secrets, and without characters that act on a terminal."""
        return sanitize.for_log(self.redact(text))

    def presentable(self, diagnostic: Diagnostic) -> Diagnostic:
        """The diagnostic without secrets, and with the flags for its settings."""
        return diagnostic.map(lambda text: self.redact(spell_settings(text, self.spell)))
