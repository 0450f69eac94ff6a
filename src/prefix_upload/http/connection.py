"""Connections that fail after a time without progress, and that know whether a request was sent to its end.

With urllib3 alone, the timeout limits each wait for the socket: a response that arrives a byte at a time never exceeds
it, and a body that the server reads slowly, but steadily, does.

* While a request is being sent, a byte that the server acknowledges is progress. Where the system does not tell (macOS,
  Windows), a byte that the socket takes is.
* The head of the response, with all interim responses (1xx) before it, has to be complete within the timeout after the
  last byte of the request was acknowledged.
* While the body of the response is being read, a byte is progress, but on average there has to be a minimum of them.
"""

from __future__ import annotations

import io
import ssl
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, parse_headers  # noqa: TID251 - this is in `prefix_upload.http`
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssltransport import SSLTransport

from prefix_upload.http.send_queue import unacknowledged

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    import urllib3

# Seconds without progress that each step of connecting may take: to each address of the server, to a server through a
# proxy, and for the TLS handshake.
_MAX_CONNECT_TIME = 60.0
# Progress is checked this many times per timeout, in addition to whenever the socket is ready.
_CHECKS = 8
# A body may take this many seconds, and one more for each so many bytes.
_MAX_READ_TIME = 120.0
_MIN_BYTES_PER_SECOND = 2**16
# Bytes that are encrypted at a time.
_TLS_PIECE = 2**16


class NotSentError(OSError):
    """The request was not sent to its end, so the server cannot act on it. The argument is the reason."""


class NotConnectedError(NotSentError):
    """There is no connection to the server. The argument is the reason."""


class _ProgressConnection(HTTPConnection):
    """A connection whose timeout means what this module says.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, *args: Any, clock: Callable[[], float], **options: Any) -> None:
        super().__init__(*args, **options)
        self._clock = clock
        self._is_sent = False

    def response_class(self, *args: Any, **options: Any) -> HTTPResponse:  # type: ignore[override]  # it is only called
        return _Response(*args, clock=self._clock, timeout=self.timeout or 0.0, **options)

    def connect(self) -> None:
        timeout = self.timeout
        self.timeout = min(timeout or _MAX_CONNECT_TIME, _MAX_CONNECT_TIME)
        try:
            super().connect()
        except (OSError, HTTPException) as error:
            raise NotConnectedError(error) from error
        finally:
            self.timeout = timeout

    def _tunnel(self) -> None:
        super()._tunnel()
        self.sock.settimeout(self.timeout)  # for the TLS handshake

    def request(self, *args: Any, **options: Any) -> None:
        self._is_sent = False
        try:
            super().request(*args, **options)
        except (NotSentError, BrokenPipeError, ConnectionResetError):
            raise  # NOTE: urllib3 then tries to read an early response, so these two have to keep their type
        except OSError as error:
            raise NotSentError(error) from error
        self._is_sent = True

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        check_interval = (self.timeout or 0.0) / _checks(self.sock)
        # NOTE: `settimeout` gives up the GIL, and to get it back can take longer than to send a small package.
        if self.sock.gettimeout() != check_interval:
            self.sock.settimeout(check_interval)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._send_some(rest) :]
        except ssl.SSLEOFError as error:
            raise BrokenPipeError(str(error)) from error

    def _send_some(self, data: memoryview) -> int:
        """Sends the beginning of the data and returns its length.

        Raises:
            TimeoutError: the server has acknowledged nothing for the whole timeout.
        """
        piece = data if type(self) is Connection else data[:_TLS_PIECE]
        waiting: int | None = None
        silent = 0
        while True:
            try:
                return self.sock.send(piece)
            except TimeoutError:
                before, waiting = waiting, unacknowledged(self.sock)
                silent = 0 if _is_less(waiting, before) else silent + 1
                if silent >= _checks(self.sock):
                    raise

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as in urllib3
        try:
            response = super().getresponse()
        except (OSError, HTTPException) as error:
            if self._is_sent:
                raise
            raise NotSentError(error) from error
        response.is_early = not self._is_sent  # type: ignore[attr-defined]  # read by the client
        return response


class Connection(_ProgressConnection):
    """A connection without TLS."""


class TlsConnection(_ProgressConnection, HTTPSConnection):
    """A connection with TLS."""


class _Response(HTTPResponse):
    """A response whose head has to be complete in time."""

    def __init__(
        self, sock: socket.socket, *args: Any, clock: Callable[[], float], timeout: float, **options: Any
    ) -> None:
        super().__init__(sock, *args, **options)
        self._reader = _Reader(sock, self.fp.detach(), clock, timeout)
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        super().begin()
        self._reader.start_body()

    def _read_status(self) -> tuple[str, int, str]:
        """The first status line that is not an interim response; `http.client` skips only 100 (RFC 9110, 15.2)."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # not in typeshed
            if status == HTTPStatus.SWITCHING_PROTOCOLS:
                raise HTTPException("the server switched to another protocol (HTTP 101)")
            if status >= HTTPStatus.OK:
                return version, status, reason
            parse_headers(self.fp)


class _Reader(io.RawIOBase):
    """Reads a response from a socket: its head until a deadline, then its body until one that moves.

    Args:
        sock: the socket. Its own timeout is changed.
        file: the socket's own file, closed with this one.
        clock: monotonic seconds.
        timeout: seconds.
    """

    def __init__(self, sock: socket.socket, file: io.RawIOBase, clock: Callable[[], float], timeout: float) -> None:
        self._socket = sock
        self._file = file
        self._clock = clock
        self._timeout = timeout
        self._deadline = clock() + timeout
        self._is_in_body = False

    def start_body(self) -> None:
        """Notes that the head is complete."""
        self._is_in_body = True
        self._deadline = self._clock() + _MAX_READ_TIME

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._receive(buffer)
        if self._is_in_body:
            self._deadline += count / _MIN_BYTES_PER_SECOND
        return count

    def close(self) -> None:
        super().close()
        self._file.close()

    def _receive(self, buffer: Any) -> int:
        checks = _checks(self._socket)
        waiting, silent = unacknowledged(self._socket), 0
        self._socket.settimeout(self._remaining() / checks)
        while True:
            try:
                return self._socket.recv_into(buffer)
            except TimeoutError:
                before, waiting = waiting, unacknowledged(self._socket)
                silent += 1
                if not self._is_in_body and _is_less(waiting, before):  # the request is still being sent
                    self._deadline = self._clock() + self._timeout
                    silent = 0
                    self._socket.settimeout(self._remaining() / checks)
                if silent >= checks:
                    raise

    def _remaining(self) -> float:
        remaining = min(self._timeout, self._deadline - self._clock())
        if remaining <= 0:
            raise TimeoutError("timed out")
        return remaining


def _checks(sock: socket.socket | SSLTransport) -> int:
    """How many times a wait for the socket is interrupted; TLS within TLS does not survive an interruption."""
    return 1 if isinstance(sock, SSLTransport) else _CHECKS


def _is_less(now: int | None, before: int | None) -> bool:
    """Whether fewer bytes wait for an acknowledgement than before; false if one of the numbers is unknown."""
    return now is not None and before is not None and now < before
