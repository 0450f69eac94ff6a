"""A server that takes whatever is uploaded and keeps nothing, so that it is the uploader that is measured.

It believes what the headers say of a package, and answers GraphQL by that. As a program it prints its port:
`python sink.py LATENCY [KEY_AND_CERTIFICATE]`, the seconds that an upload takes at least. It is one since it would
share the interpreter with the measuring process.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PIECE = 2**18


@contextlib.contextmanager
def sink(certificate: Path | None, latency: float = 0.0) -> Iterator[str]:
    """Its address, as long as it runs; with a private key and certificate it speaks TLS."""
    command = [sys.executable, "-I", __file__, str(latency), *([str(certificate)] if certificate else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - this file
        assert process.stdout is not None
        try:
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


@dataclass
class _Sink:
    """What was taken: the hash and the number of bytes of each file."""

    latency: float
    taken: dict[str, tuple[str, int]] = field(default_factory=dict)

    def serve(self, connection: socket.socket) -> None:
        """One connection, request after request."""
        ahead = b""
        while True:
            head, ahead = _head(connection, ahead)
            if not head:
                return
            path, headers = _parsed(head)
            size = int(headers.get("content-length", "0"))
            if path.startswith("/api/v1/upload/"):
                ahead = self._take(headers, connection, ahead, size)
                answer: object = None
            elif path == "/api/graphql":
                while len(ahead) < size:
                    ahead += connection.recv(_PIECE)
                answer, ahead = self._told(json.loads(ahead[:size])["variables"]), ahead[size:]
            else:
                _swallow(connection, size - len(ahead))
                answer, ahead = self.taken, b""
            body = json.dumps(answer).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def _take(self, headers: Mapping[str, str], connection: socket.socket, ahead: bytes, size: int) -> bytes:
        earliest = time.monotonic() + self.latency
        of_file, before = headers, 0
        if "x-file-name" not in headers:  # a form: its first part has them
            part, rest = _head(connection, ahead)
            of_file, before = _parsed(part)[1], len(part) + 4
            ahead = rest
        received = before + len(ahead) + _swallow(connection, size - before - len(ahead))
        if received == size:
            self.taken[of_file["x-file-name"]] = (of_file["x-file-sha256"], int(of_file["content-length"]))
        time.sleep(max(0.0, earliest - time.monotonic()))
        return b""

    def _told(self, variables: Mapping[str, str]) -> dict[str, Any]:
        data: dict[str, Any] = {"channel": {"channelPath": variables["channel"]}}
        for name, value in variables.items():
            if name.startswith("file"):
                sha256, _ = self.taken.get(value, (None, 0))
                data[name.replace("file", "package")] = sha256 and {"sha256": sha256}
        return {"data": data}


def _head(connection: socket.socket, ahead: bytes) -> tuple[bytes, bytes]:
    """What stands before an empty line, and what has come after it; nothing where the connection ends."""
    while b"\r\n\r\n" not in ahead:
        data = connection.recv(_PIECE)
        if not data:
            return b"", b""
        ahead += data
    head, _, rest = ahead.partition(b"\r\n\r\n")
    return head, rest


def _parsed(head: bytes) -> tuple[str, dict[str, str]]:
    """The path in the first line, if it is a request's, and the headers after it."""
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.split(":", 1) for line in lines)
    return first.partition(" ")[2].partition(" ")[0], {name.strip().lower(): value.strip() for name, value in pairs}


def _swallow(connection: socket.socket, size: int) -> int:
    """Receives so many bytes, or what there is, into nothing."""
    buffer = memoryview(bytearray(_PIECE))
    received = 0
    while received < size:
        count = connection.recv_into(buffer[: size - received])
        if not count:
            break
        received += count
    return received


def _main() -> None:
    context = None
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2])
    running = _Sink(float(sys.argv[1]))

    def serve(accepted: socket.socket) -> None:
        with contextlib.suppress(ConnectionError), accepted:
            running.serve(context.wrap_socket(accepted, server_side=True) if context else accepted)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        while True:
            accepted, _ = listening.accept()
            threading.Thread(target=serve, args=(accepted,), daemon=True).start()


if __name__ == "__main__":
    _main()
