"""HTTP services on the loopback interface that a test can make refuse, be silent or be down."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping


class Refusal(Exception):  # noqa: N818 - an answer like others
    """An error that a service answers with, instead of what was asked for.

    Args:
        status: The HTTP status.
        message: What it says.
        times: So many requests get it; `None` is for ever.
    """

    def __init__(self, status: int, message: str, times: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.times = times


@dataclass(frozen=True)
class Request:
    """What an endpoint gets to see."""

    query: Mapping[str, list[str]]
    authorization: str
    body: bytes


Route = "Callable[[Request], Any]"
"""Returns what to send: bytes as they are, anything else as JSON.

What it raises on reading a malformed request (`KeyError`, `TypeError`, `ValueError`) is answered with 400.
"""


class LoopbackService:
    """One HTTP service on a port of its own, for the length of a `with` block.

    A test reads `requests`, and sets `refusal` (what everything is answered with) or `is_silent` (no answer at all).
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.routes: dict[str, Callable[[Request], Any]] = {}
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        self.refusal: Refusal | None = None
        self.instead: bytes | None = None
        self.is_silent = False
        self._stopping = threading.Event()
        # Bound here, so that the URL is known before the service is started.
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stops listening."""
        self._stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> tuple[int, bytes] | None:
        """Status and body; nothing where the service is silent until it is stopped."""
        url = urlsplit(target)
        self.requests.append(f"{method} {url.path}")
        self.authorizations.append(authorization)
        if self.is_silent:
            self._stopping.wait()
            return None
        try:
            self._refuse()
            value = self._value(f"{method} {url.path}", Request(parse_qs(url.query), authorization, body))
        except Refusal as refusal:
            # The shape of an error of Fulcio (its gRPC gateway) as well as of Rekor.
            return refusal.status, json.dumps({"code": refusal.status, "message": refusal.message}).encode()
        # All of Sigstore's POST endpoints create something.
        status = 201 if method == "POST" else 200
        if self.instead is not None:
            return status, self.instead
        return status, value if isinstance(value, bytes) else json.dumps(value).encode()

    def _refuse(self) -> None:
        refusal = self.refusal
        if refusal is None:
            return
        if refusal.times is not None:
            refusal.times -= 1
            if refusal.times == 0:
                self.refusal = None
        raise refusal

    def _value(self, endpoint: str, request: Request) -> Any:
        if endpoint not in self.routes:
            raise Refusal(404, f"no such endpoint: {endpoint}")
        try:
            return self.routes[endpoint](request)
        except (KeyError, TypeError, ValueError) as error:
            raise Refusal(400, f"malformed request: {error!r}") from error


def _handler_of(service: LoopbackService) -> type[BaseHTTPRequestHandler]:
    # HTTP/1.0, the default, closes each connection: a kept one would outlive `stop`.
    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = service.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
            with contextlib.suppress(ConnectionError):  # the client may have given up waiting
                if answer is not None:
                    self.send_response(answer[0])
                    self.send_header("Content-Length", str(len(answer[1])))
                    self.end_headers()
                    self.wfile.write(answer[1])

        do_GET = do_POST = serve  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Be silent."""

    return Handler
