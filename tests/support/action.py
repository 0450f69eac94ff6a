"""The action as tests run it in their own process."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from support.running import Finished


class Action(Protocol):
    """Runs the action of a command in this process, with these inputs (hyphens as underscores)."""

    def __call__(self, variables: Mapping[str, str] = ..., /, *, command: str = ..., **inputs: str) -> Finished:
        """Inputs that are not given are those of a plain run; `variables` replace what the runner sets."""


@dataclass
class Pauses:
    """Stands for the action's waiting: notes how long it would have taken, and takes no time.

    `before` is called before each pause. `monotonic` is the action's clock, for which the pauses took their time.
    """

    seconds: list[float] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    _passed: float = 0.0

    def __call__(self, cancelled: threading.Event, seconds: float) -> bool:
        """Tells whether the run is cancelled, as the real waiting does."""
        self.before()
        self.seconds.append(seconds)
        if not cancelled.is_set():
            self._passed += seconds
        return cancelled.is_set()

    def monotonic(self) -> float:
        """Seconds since some time."""
        return time.monotonic() + self._passed
