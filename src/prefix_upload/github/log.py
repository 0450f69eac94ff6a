"""The job's log. Everything that the action prints goes through this module.

Secrets are masked, and untrusted text takes no effect: the runner parses each line for commands, and file names,
metadata, server messages and the workflow's own inputs may look like one.
"""

from __future__ import annotations

import io
import logging
import sys
from collections import deque
from typing import TYPE_CHECKING, Literal

from actions_toolkit import core

from prefix_upload.redaction import Redactor
from prefix_upload.reporting import sanitize
from prefix_upload.reporting.streams import discard

if TYPE_CHECKING:
    from collections.abc import Callable

# Characters of an annotation that the runner shows, with some margin (actions/runner, ActionCommandManager).
_MAX_ANNOTATION = 4000


class Log:
    """The job's log. Only the main thread may write to it; any thread may add a mask."""

    def __init__(self) -> None:
        # Libraries' log records would bypass this class, and may contain untrusted text.
        logging.disable()
        if isinstance(sys.stdout, io.TextIOWrapper):
            # The toolkit ends lines with `os.linesep`, which Windows' text mode would change once more. And whatever
            # the encoding, each line can be written.
            sys.stdout.reconfigure(newline="", errors="backslashreplace")
        self._in_group = False
        self._redactor = Redactor()
        self._unmasked: deque[str] = deque()

    def add_mask(self, secret: str) -> None:
        """Masks a secret: in this log from now on, and in the runner before anything else is printed."""
        if self._redactor.add(secret):
            self._unmasked.append(secret)

    def hide(self, secret: str) -> None:
        """Hides a secret in this log from now on. It is not printed, not even for the runner."""
        self._redactor.add(secret)

    def flush_masks(self) -> None:
        """Registers secrets with the runner that it does not know yet."""
        while self._unmasked:
            self._print(core.set_secret, self._unmasked.popleft())

    def info(self, line: str) -> None:
        """Prints a line."""
        self.flush_masks()
        self._print(core.info, self._sanitized(line))

    def open_group(self, title: str) -> None:
        """Opens a collapsible group of lines, and closes the one before."""
        self.flush_masks()
        self.close_group()
        self._print(core.start_group, self._sanitized(title))
        self._in_group = True

    def close_group(self) -> None:
        """Closes the open group, if there is one."""
        if self._in_group:
            self._print(core.end_group)
            self._in_group = False

    def annotate(self, kind: Literal["error", "warning"], title: str, *paragraphs: str) -> None:
        """Adds an annotation, which is also shown on the run's page. Each paragraph becomes a line."""
        self.flush_masks()
        annotate = core.error if kind == "error" else core.warning
        text = "\n".join(self._sanitized(paragraph) for paragraph in paragraphs if paragraph)
        self._print(annotate, text[:_MAX_ANNOTATION], title=self._sanitized(title))

    def redact(self, text: str) -> str:
        """The text with each secret replaced by stars, for text that is not printed here but written to a file."""
        return self._redactor.redact(text)

    def redact_message(self, text: str) -> str:
        """Like `redact`, for a server's message, which may be truncated."""
        return self._redactor.redact_message(text)

    @staticmethod
    def _print(say: Callable[..., None], *arguments: str, **properties: str) -> None:
        """Prints with a function of the toolkit. A log that can't be written ends nothing: there are the outputs."""
        try:
            say(*arguments, **properties)
        except OSError:
            discard(sys.stdout)

    def _sanitized(self, text: str) -> str:
        return sanitize.for_log(self.redact(text))
