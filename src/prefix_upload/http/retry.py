"""How long to keep trying, and when to try again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from prefix_upload.http.client import Answer, NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_Told = TypeVar("_Told")

# The seconds after which a question, which is small, is given up: sooner than an upload.
QUESTION_TIMEOUT = 60.0
# A server that asks for patience may not ask for more than this, in seconds.
_MAX_RETRY_AFTER = 120.0
_MAX_PAUSE = 30.0

Failure = Answer | NoAnswerError
"""What did not bring what was asked for."""


@dataclass(frozen=True)
class Patience:
    """How long to keep trying, and what the world provides for it.

    Args:
        retries: further attempts after a passing failure.
        timeout: seconds without progress on a connection before an attempt is given up.
        sleep: waits so many seconds; what it raises ends the waiting and the attempts.
        now: the time, with its zone.
        jitter: a random number between 0 and 1.
    """

    retries: int
    timeout: float
    sleep: Callable[[float], None]
    now: Callable[[], datetime]
    jitter: Callable[[], float]

    def ask(self, ask: Callable[[float], _Told], *, retries: int | None = None, timeout: float | None = None) -> _Told:
        """What was asked for, asked for again where that fails in passing; in the end also an answer of a failure.

        Args:
            ask: sends the request, with so many seconds for its timeout; it returns the answer, or what it made of one.
            retries: fewer than usual, for a question that can be asked in another way.
            timeout: a shorter one than usual.

        Raises:
            NoAnswerError: there is none.
        """
        retries = self.retries if retries is None else min(self.retries, retries)
        timeout = self.timeout if timeout is None else min(self.timeout, timeout)
        for attempt in range(retries):
            try:
                told = ask(timeout)
            except NoAnswerError as error:
                if error.is_final:
                    raise
                self.pause(attempt, error)
            else:
                if not isinstance(told, Answer) or not (told.is_passing or (told.is_success and not told.is_whole)):
                    return told
                self.pause(attempt, told)
        return ask(timeout)

    def pause(self, attempt: int, failure: Failure) -> None:
        """Waits before the next attempt: longer each time, never in step with others, as the server asks."""
        pause = min(_MAX_PAUSE, 2.0**attempt) * (0.5 + self.jitter() / 2)
        asked = failure.retry_after(self.now()) if isinstance(failure, Answer) else 0.0
        self.sleep(max(pause, min(asked, _MAX_RETRY_AFTER)))


def reason(failure: Failure) -> str:
    """What went wrong, for people."""
    if isinstance(failure, NoAnswerError):
        return str(failure)
    return "the answer is cut off or too large" if failure.is_success else failure.words
