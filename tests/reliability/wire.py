"""A TCP relay that harms connections at the byte, below HTTP and TLS: where a scripted answer cannot reach."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_PIECE = 16 * 1024
# Small buffers, so that a relay that does not read is soon felt by the sender.
_BUFFER = 64 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Harm(Enum):
    """What becomes of a connection."""

    CLOSE = auto()
    RESET = auto()
    STALL = auto()
    DELAY = auto()


@dataclass(frozen=True)
class Rule:
    """When a connection is harmed, and how.

    Attributes:
        harm: What happens to it.
        sent: After so many bytes from the client; only connections that send as many are harmed.
        received: Then after so many more bytes from the server; `None`: at once.
        times: So many connections are harmed; `None` is for ever.
    """

    harm: Harm
    sent: int = 0
    received: int | None = None
    times: int | None = 1


class Wire:
    """Relays to a port of the loopback interface, for the length of a `with` block."""

    def __init__(self, port: int, rule: Rule) -> None:
        self._target = port
        self._rule = rule
        self._left = rule.times
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listening = socket.socket()
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(64)
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        with self._listening, suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [client, server]
            relay = _Relay(self, client, server)
            for target in (relay.upwards, relay.downwards):
                self._threads.append(threading.Thread(target=target, daemon=True))
                self._threads[-1].start()

    def take(self) -> bool:
        """Whether one more connection is to be harmed."""
        with self._lock:
            if self._left is None:
                return True
            self._left -= 1
            return self._left >= 0

    @property
    def rule(self) -> Rule:
        """When a connection is harmed, and how."""
        return self._rule

    def wait(self, seconds: float | None = None) -> None:
        """Waits; returns early when the wire is taken down."""
        self._stopping.wait(seconds)


class _Relay:
    """One connection."""

    def __init__(self, wire: Wire, client: socket.socket, server: socket.socket) -> None:
        self._wire = wire
        self._client = client
        self._server = server
        self._sent = 0
        self._received = 0
        self._is_due = False

    def upwards(self) -> None:
        """What the client sends."""
        rule = self._wire.rule
        with suppress(OSError):
            if not rule.sent:
                self._become_due()
            while data := self._client.recv(_PIECE):
                self._sent += len(data)
                if not self._is_due and self._sent >= rule.sent:
                    self._become_due()
                if self._is_due and rule.harm is Harm.DELAY:
                    self._wire.wait(0.012)
                self._server.sendall(data)
            self._server.shutdown(socket.SHUT_WR)

    def downwards(self) -> None:
        """What the server answers."""
        rule = self._wire.rule
        with suppress(OSError):
            while data := self._server.recv(_PIECE):
                if self._is_due and rule.received is not None:
                    left = rule.received - self._received
                    self._received += len(data)
                    if left < len(data):
                        self._client.sendall(data[: max(left, 0)])
                        self._harm()
                        return
                self._client.sendall(data)
            self._client.shutdown(socket.SHUT_WR)

    def _become_due(self) -> None:
        if not self._wire.take():
            return
        self._is_due = True
        if self._wire.rule.received is None:
            self._harm()

    def _harm(self) -> None:
        match self._wire.rule.harm:
            case Harm.STALL:
                self._wire.wait()
            case Harm.RESET:
                self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                self._end(socket.SHUT_RD)
            case Harm.CLOSE:
                self._end(socket.SHUT_RDWR)
            case Harm.DELAY:
                pass

    def _end(self, how: int) -> None:
        """Closes both sides; the client's side is shut down as well, since a close does not end a blocked `recv`."""
        for one, how_far in ((self._server, socket.SHUT_RDWR), (self._client, how)):
            with suppress(OSError):
                one.shutdown(how_far)
            one.close()
