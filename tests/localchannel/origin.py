"""A listening socket, its connections and their threads."""

import socket
import ssl
import threading
from contextlib import suppress
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from localchannel.exchange import App
from localchannel.faults import Script
from localchannel.handler import Handler
from localchannel.journal import Journal, OriginName

_HANDSHAKE_SECONDS = 10.0
_STOP_SECONDS = 5.0
_ACCEPT_POLL_SECONDS = 0.02


class Origin(ThreadingHTTPServer):
    """Scheme, host and port that answer by the rules of `app`, one thread a connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        name: OriginName,
        app: App,
        *,
        port: int,
        tls: ssl.SSLContext | None,
        script: Script,
        journal: Journal,
        stopping: threading.Event,
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.name = name
        self.app = app
        self.script = script
        self.journal = journal
        self.stopping = stopping
        self._tls = tls
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._accepting = threading.Thread(
            target=self.serve_forever, args=(_ACCEPT_POLL_SECONDS,), name=f"localchannel-{name}", daemon=True
        )

    @property
    def url(self) -> str:
        """The origin, without a trailing slash."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.server_address[1]}"

    def server_bind(self) -> None:
        """Bind without `HTTPServer`'s look-up of the host's name, which may ask a DNS server."""
        TCPServer.server_bind(self)

    def start(self) -> None:
        """Accept connections from now on."""
        self._accepting.start()

    def stop(self) -> None:
        """End every connection, whatever its state, and wait for the threads."""
        self.shutdown()
        self.server_close()
        self._accepting.join()
        with self._changed:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._connections, _STOP_SECONDS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Know of the connection before its thread runs, so that `stop` misses none."""
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end.

        Only what a client does wrong is swallowed: an error of the server itself ends the thread loudly.
        """
        connection = request
        try:
            with suppress(ConnectionError, TimeoutError, ssl.SSLError):
                connection = self._secure(request)
                Handler(connection, client_address, self)
        finally:
            self.shutdown_request(connection)
            with self._changed:
                self._connections -= {request, connection}
                self._changed.notify_all()

    def _secure(self, accepted: socket.socket) -> socket.socket:
        if self._tls is None:
            return accepted
        accepted.settimeout(_HANDSHAKE_SECONDS)
        connection = self._tls.wrap_socket(accepted, server_side=True)
        connection.settimeout(None)
        with self._changed:
            self._connections.add(connection)
        return connection
