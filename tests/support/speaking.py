"""A server that says and does exactly what a test wants, below HTTP."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
# Small, so that a server that does not read is soon felt by the sender.
_BUFFER = 64 * 1024


@contextmanager
def speaking(script: Callable[[socket.socket], object]) -> Iterator[str]:
    """The address of a server whose connections go by the script, one after the other."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    script(connection)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            serving.join()


def read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request, and what came after it."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError
        received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    return head, rest


def read_request(connection: socket.socket) -> None:
    """A request with its body, whose length has to be given."""
    head, rest = read_head(connection)
    (length,) = (line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    left = int(length) - len(rest)
    while left > 0:
        left -= len(connection.recv(65536))


def reset(connection: socket.socket) -> None:
    """Ends the connection with a TCP RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    connection.close()
