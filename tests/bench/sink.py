"""A server that takes whatever is uploaded and keeps nothing, so that it is the uploader that is measured.

It believes what the headers say of a package, and answers GraphQL by that. As a program it prints its port:
`python sink.py [KEY_AND_CERTIFICATE]`. It is one since it would share the interpreter with whoever measures.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PIECE = 2**18


@contextlib.contextmanager
def sink(certificate: Path | None) -> Iterator[str]:
    """Its address, as long as it runs; with a private key and certificate it speaks TLS."""
    command = [sys.executable, "-I", __file__, *([str(certificate)] if certificate else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - this file
        assert process.stdout is not None
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{int(process.stdout.readline())}"
        process.kill()


@dataclass
class _Sink:
    """What was taken: the hash and the number of bytes of each file."""

    taken: dict[str, tuple[str, int]] = field(default_factory=dict)

    def serve(self, connection: socket.socket) -> None:
        """One connection, request after request."""
        ahead = b""
        while True:
            while b"\r\n\r\n" not in ahead:
                data = connection.recv(_PIECE)
                if not data:
                    return
                ahead += data
            head, _, ahead = ahead.partition(b"\r\n\r\n")
            path, headers = _parsed(head.decode("latin-1"))
            answer, ahead = self._answer(path, headers, connection, ahead)
            body = json.dumps(answer).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def _answer(
        self, path: str, headers: Mapping[str, str], connection: socket.socket, ahead: bytes
    ) -> tuple[object, bytes]:
        size = int(headers.get("content-length", "0"))
        if path != "/api/graphql":
            received = len(ahead) + _swallow(connection, size - len(ahead))
            if "x-file-name" in headers:
                self.taken[headers["x-file-name"]] = (headers["x-file-sha256"], received)
            return self.taken, b""
        while len(ahead) < size:
            ahead += connection.recv(_PIECE)
        return self._told(json.loads(ahead[:size])["variables"]), ahead[size:]

    def _told(self, variables: Mapping[str, str]) -> dict[str, Any]:
        data: dict[str, Any] = {"channel": {"channelPath": variables["channel"]}}
        for name, value in variables.items():
            if name.startswith("file"):
                sha256, _ = self.taken.get(value, (None, 0))
                data[name.replace("file", "package")] = sha256 and {"sha256": sha256}
        return {"data": data}


def _parsed(head: str) -> tuple[str, dict[str, str]]:
    request, *lines = head.split("\r\n")
    pairs = (line.split(":", 1) for line in lines)
    return request.split(" ")[1], {name.strip().lower(): value.strip() for name, value in pairs}


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
    if len(sys.argv) > 1:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1])
    running = _Sink()

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
