"""One connection: HTTP/1.1 to the letter, and the scripted failures that go below it."""

import select
import shutil
import socket
import struct
from contextlib import suppress
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, BinaryIO, cast

from localchannel.exchange import Body, Exchange, Refusal, Reply
from localchannel.faults import (
    Action,
    Answer,
    At,
    Call,
    Cut,
    Delay,
    Drip,
    Fault,
    Interim,
    Interrupted,
    Stall,
    Truncate,
)
from localchannel.journal import Request

if TYPE_CHECKING:
    from localchannel.origin import Origin

_LINGER_SECONDS = 10.0
_DRIP_SECONDS = 0.02
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_WITHOUT_BODY = frozenset({204, 304})

# Linux tells of a client's FIN by RDHUP even while its bytes lie unread; elsewhere HUP has to do.
_HANG_UP: int = getattr(select, "POLLRDHUP", 0)


class Handler(BaseHTTPRequestHandler):
    """Reads requests, lets the origin's rules answer them and obeys the script of failures."""

    protocol_version = "HTTP/1.1"
    server_version = "localchannel"
    sys_version = ""
    # Sets TCP_NODELAY; with a buffered answer head and body leave in one packet.
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: "Origin"
    headers: HTTPMessage

    def serve(self) -> None:
        """Answer one request, or fail it as scripted."""
        body = self._body()
        request = self._request(body)
        fault = self.server.script.take(request)
        with self.server.journal.working(request):
            try:
                reply = self._reply(Exchange(request, body), fault)
            except Interrupted as interrupted:
                self._interrupt(interrupted.action, request, body)
            else:
                self._send(reply, request, body, fault.then if fault else None)
            finally:
                request.body_size = body.received if body else 0

    # The names that the base class looks for.
    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = serve  # noqa: N815 - http.server looks for these names

    def log_message(self, *_: object) -> None:
        """Be silent: the journal has it all."""

    def _body(self) -> Body | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            return None
        return Body(cast("BinaryIO", self.rfile), int(length))

    def _request(self, body: Body | None) -> Request:
        file = self.headers.get("X-File-Name")
        if file is None and body and self.headers.get_content_type() == "multipart/form-data":
            file = body.part_file_name()
        is_about_plan = body is not None and "/graphql" in self.path and body.is_about_plan()
        return Request(
            self.server.name,
            self.command,
            self.path,
            self.headers,
            self.client_address,
            file=file,
            is_about_plan=is_about_plan,
        )

    def _reply(self, exchange: Exchange, fault: Fault | None) -> Reply:
        if fault is not None and not isinstance(fault.then, Truncate):
            self._arm(fault, exchange.body)
        try:
            reply = self.server.app(exchange)
        except Refusal as refusal:
            reply = refusal.reply()
        if exchange.body:
            exchange.body.drain()
        if fault is not None and fault.at is At.DONE:
            self._fire(fault.then)
        return reply

    def _arm(self, fault: Fault, body: Body | None) -> None:
        if fault.at is At.DONE:
            return
        if fault.at is At.START or body is None:
            self._fire(fault.then)
            return
        offset = body.length if fault.at is At.BODY else fault.at
        body.break_at(offset, lambda: self._fire(fault.then))

    def _fire(self, action: Action) -> None:
        if isinstance(action, Delay):
            self.server.stopping.wait(action.seconds)
        elif isinstance(action, Interim):
            for code in action.codes:
                self.wfile.write(b"HTTP/1.1 %d Interim\r\nX-Code: %d\r\n\r\n" % (code, code))
            self.wfile.flush()
        elif isinstance(action, Call):
            action.function()
        elif not isinstance(action, Truncate):
            raise Interrupted(action)

    def _interrupt(self, action: Action, request: Request, body: Body | None) -> None:
        match action:
            case Answer(status, text, headers):
                content = text.encode() if isinstance(text, str) else text
                self._send(Reply(status, content, headers), request, body, action)
            case Cut(reset):
                self.close_connection = True
                if reset:
                    self._reset()
            case Stall():
                self.close_connection = True
                self._wait_for_hang_up()
            case Drip(first, again):
                self.close_connection = True
                self._drip(first, again)
            case Truncate() | Delay() | Interim() | Call():  # these end no request
                raise AssertionError(action)

    def _send(self, reply: Reply, request: Request, body: Body | None, action: Action | None) -> None:
        # The journal is complete before the client can know the answer: a test may look at once.
        request.body_size = body.received if body else 0
        request.status = reply.status
        content = reply.body
        length = len(content) if isinstance(content, bytes) else content.seek(0, 2)
        keep = action.keep if isinstance(action, Truncate) else None
        ends = keep is not None or body is None or not body.complete
        is_abrupt = isinstance(action, Truncate) or (isinstance(action, Answer) and not action.lingers)
        self._send_head(reply, length if keep is None else max(length, keep + 1), ends=ends)
        self._send_content(content, 0 if self.command == "HEAD" else keep)
        self.wfile.flush()
        if ends and not is_abrupt:
            self._linger()

    def _send_head(self, reply: Reply, length: int, *, ends: bool) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status not in _WITHOUT_BODY:
            self.send_header("Content-Length", str(length))
        if ends:
            # Also makes the base class end the connection.
            self.send_header("Connection", "close")
        self.end_headers()

    def _send_content(self, content: bytes | BinaryIO, keep: int | None) -> None:
        if isinstance(content, bytes):
            self.wfile.write(content[:keep])
            return
        with content:
            content.seek(0)
            if keep is None:
                shutil.copyfileobj(content, self.wfile)
            else:
                self.wfile.write(content.read(keep))

    def _linger(self) -> None:
        """Swallow what the client still sends: closing on unread bytes would reset the answer away."""
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(_LINGER_SECONDS)
        with suppress(OSError):
            while self.rfile.read(64 * 1024):
                pass

    def _drip(self, first: bytes, again: bytes) -> None:
        self.connection.sendall(first)
        with suppress(OSError):
            while not self.server.stopping.wait(_DRIP_SECONDS):
                self.connection.sendall(again)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        # Takes effect when the last file on the socket is closed; before, no FIN may go out.
        self.connection.close()

    def _wait_for_hang_up(self) -> None:
        """Return when the client has closed, or `Origin.stop` has; reads nothing."""
        poll = select.poll()
        poll.register(self.connection, _HANG_UP)
        poll.poll()
