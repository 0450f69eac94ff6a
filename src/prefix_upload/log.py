"""The job's log: whatever the action prints goes through here, and nowhere else.

Secrets become stars, and text from outside is only text: file names, metadata, the server's words and the workflow's
own inputs may look like commands to the runner, which parses each line.
"""

from __future__ import annotations

from typing import Literal

from actions_toolkit import core

from prefix_upload import neutral

# What the runner shows of an annotation, in characters, with some room (actions/runner, ActionCommandManager).
_MAX_ANNOTATION = 4000


class Log:
    """Only the main thread may write to it."""

    def __init__(self) -> None:
        self._in_group = False
        self._secrets: list[str] = []

    def mask(self, secret: str) -> None:
        """Lets the runner replace the secret by stars from now on, and does so itself."""
        if secret:
            core.set_secret(secret)
            self._secrets.append(secret)

    def say(self, line: str) -> None:
        """A line."""
        core.info(self._harmless(line))

    def open_group(self, title: str) -> None:
        """Begins lines that can be folded; ends those before."""
        self.close_group()
        core.start_group(self._harmless(title))
        self._in_group = True

    def close_group(self) -> None:
        """Ends the lines that can be folded, if there are any."""
        if self._in_group:
            core.end_group()
            self._in_group = False

    def annotate(self, kind: Literal["error", "warning"], title: str, *paragraphs: str) -> None:
        """Something that is also shown on the run's page."""
        annotate = core.error if kind == "error" else core.warning
        text = "\n".join(self._harmless(paragraph) for paragraph in paragraphs if paragraph)
        annotate(text[:_MAX_ANNOTATION], title=self._harmless(title))

    def without_secrets(self, text: str) -> str:
        """The text with stars for each secret: for what is not printed, but written or passed on."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _harmless(self, text: str) -> str:
        return neutral.log(self.without_secrets(text))
