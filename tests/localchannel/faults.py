"""Scripted failures: which request fails, at which moment, and how."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from localchannel.journal import Request


class At(Enum):
    """How far the server gets with a request before the fault sets in."""

    START = auto()
    """The head was read, nothing of the body."""
    BODY = auto()
    """The whole body was read, nothing was done with it."""
    DONE = auto()
    """The request was carried out (an upload is stored), its answer not yet sent."""


@dataclass(frozen=True)
class Answer:
    """Send this instead of the real answer.

    Before the end of the body the connection ends with the answer. If it `lingers`, as with nginx, the client can
    read the answer although it is still sending; otherwise what it still sends resets the connection.
    """

    status: int
    body: str | bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    lingers: bool = True


@dataclass(frozen=True)
class Cut:
    """Close the connection without an answer; `reset` sends a TCP RST where a plain close sends a FIN."""

    reset: bool = False


@dataclass(frozen=True)
class Truncate:
    """Send the real answer's head and the first `keep` bytes of its body, then close.

    `Content-Length` always promises at least one byte more than follows.
    """

    keep: int = 0


@dataclass(frozen=True)
class Stall:
    """Never answer: silence until the client hangs up or the server stops."""


@dataclass(frozen=True)
class Delay:
    """Be silent for so many seconds, then go on as if nothing was."""

    seconds: float


@dataclass(frozen=True)
class Drip:
    """Send this, and then that again and again until the client hangs up or the server stops."""

    first: bytes
    again: bytes


@dataclass(frozen=True)
class Interim:
    """Send the heads of interim answers with these codes (1xx), then go on as if nothing was."""

    codes: tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """Call this, then go on as if nothing was: for what happens elsewhere at that moment."""

    function: Callable[[], object]


Action = Answer | Cut | Truncate | Stall | Delay | Drip | Interim | Call


@dataclass(frozen=True)
class Fault:
    """A failure that awaits its request.

    Attributes:
        then: What happens.
        at: When; a number is that many bytes of the body (its end, where the body is shorter).  `Truncate`
            concerns the answer and ignores it.
        method: Only requests with this method.
        path: Only requests whose path with query contains this.
        file: Only uploads of this file name.
        times: So many requests fail; `None` is for ever. Which of several requests at the same time is the first is
            left to chance, so queries for the limits of a plan are not counted: they fail if all requests do.
        plan: Only such queries.
    """

    then: Action
    at: At | int = At.BODY
    method: str | None = None
    path: str = ""
    file: str | None = None
    times: int | None = 1
    plan: bool = False

    def matches(self, request: Request) -> bool:
        """Whether this fault is meant for `request`."""
        if self.plan != request.is_about_plan and (self.plan or self.times is not None):
            return False
        return self.method in (None, request.method) and self.path in request.path and self.file in (None, request.file)


class Interrupted(Exception):  # noqa: N818 - not an error: the script says so
    """Carries a fault's action out of the work it interrupts."""

    def __init__(self, action: Action) -> None:
        super().__init__(action)
        self.action = action


class Script:
    """The faults still to come; the first that matches a request is used up by it."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Fault, int | None]] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        """Append to the script."""
        with self._lock:
            self._waiting += [(fault, fault.times) for fault in faults]

    def clear(self) -> None:
        """Forget what is still to come."""
        with self._lock:
            self._waiting.clear()

    def take(self, request: Request) -> Fault | None:
        """The fault that `request` runs into, if any."""
        with self._lock:
            for position, (fault, left) in enumerate(self._waiting):
                if fault.matches(request):
                    self._use(position, fault, left)
                    return fault
        return None

    def _use(self, position: int, fault: Fault, left: int | None) -> None:
        if left is None:
            return
        if left > 1:
            self._waiting[position] = (fault, left - 1)
        else:
            del self._waiting[position]
