"""The job's log: whatever the action prints goes through here, and nowhere else.

Secrets become stars, and text from outside is only text: file names, metadata, the server's words and the workflow's
own inputs may look like commands to the runner, which parses each line.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from typing import Literal

from actions_toolkit import core

from prefix_upload.reporting import sanitize

# What the runner shows of an annotation, in characters, with some room (actions/runner, ActionCommandManager).
_MAX_ANNOTATION = 4000
# By so many characters a token is recognised of which the end is missing.
_BEGINNING = 16


class Log:
    """Only the main thread may write to it; any thread may tell it a secret."""

    def __init__(self) -> None:
        # What libraries would say goes past this class, and may hold words from outside.
        logging.disable()
        self._in_group = False
        self._secrets: list[str] = []
        self._unmasked: deque[str] = deque()

    def add_mask(self, secret: str) -> None:
        """From now on the secret is shown as stars, here and, before anything else is printed, by the runner."""
        if secret and secret not in self._secrets:
            self._secrets.append(secret)
            self._unmasked.append(secret)

    def flush_masks(self) -> None:
        """Tells the runner the secrets that it does not know yet."""
        while self._unmasked:
            core.set_secret(self._unmasked.popleft())

    def info(self, line: str) -> None:
        """A line."""
        self.flush_masks()
        core.info(self._sanitized(line))

    def open_group(self, title: str) -> None:
        """Begins lines that can be folded; ends those before."""
        self.flush_masks()
        self.close_group()
        core.start_group(self._sanitized(title))
        self._in_group = True

    def close_group(self) -> None:
        """Ends the lines that can be folded, if there are any."""
        if self._in_group:
            core.end_group()
            self._in_group = False

    def annotate(self, kind: Literal["error", "warning"], title: str, *paragraphs: str) -> None:
        """Something that is also shown on the run's page, of several lines."""
        self.flush_masks()
        annotate = core.error if kind == "error" else core.warning
        text = "\n".join(self._sanitized(paragraph) for paragraph in paragraphs if paragraph)
        annotate(text[:_MAX_ANNOTATION], title=self._sanitized(title))

    def redact(self, text: str) -> str:
        """The text with stars for each secret: for what is not printed, but written or passed on."""
        # The longest first: a token may be part of another one.
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        # What a server repeats is cut where it is long, and the runner knows only whole tokens.
        for secret in self._secrets:
            if len(secret) > _BEGINNING:
                text = re.sub(rf"{re.escape(secret[:_BEGINNING])}[\w.~+/=-]*", "***", text)
        return text

    def _sanitized(self, text: str) -> str:
        return sanitize.for_log(self.redact(text))
