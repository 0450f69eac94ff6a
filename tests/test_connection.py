"""What counts as progress on a connection, and what is known of a request that got no answer."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from prefix_upload.http import Client, RequestError, Response
from prefix_upload.http.connection import Connection
from support.speaking import read_head, read_request, reset, speaking

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
# More than all buffers between the client and a server that reads nothing.
LARGE = 64 * 2**20


def ticking(step: float) -> Callable[[], float]:
    """A clock that goes on by so many seconds whenever it is looked at."""
    seconds = itertools.count(step=step)
    return lambda: float(next(seconds))


def post(
    url: str, *, timeout: float = 10, clock: Callable[[], float] = lambda: 0.0, size: int = 100, max_body: int = 10**6
) -> Response:
    client = Client(url, lambda: None, connections=1, ca_bundle="", clock=clock)
    return client.post("/x", timeout=timeout, data=Zeros(size), max_body=max_body)


class Zeros:
    """A body of this size, in pieces."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[memoryview]:
        piece = memoryview(bytes(2**22))
        yield from itertools.repeat(piece, self._size // len(piece))
        yield piece[: self._size % len(piece)]


def after_the_request(*pieces: bytes) -> Callable[[socket.socket], None]:
    """A script that reads a request and then says this."""

    def script(connection: socket.socket) -> None:
        read_request(connection)
        for piece in pieces:
            connection.sendall(piece)

    return script


# The head of an answer.


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\nX: ", *[b"x" * 4000] * 15, b"\r\nContent-Length: 2\r\n\r\nok"],
        [b"HTTP/1.1 100 Continue\r\n\r\n"] * 10_000 + [OK],
        [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"] * 10_000 + [OK],
    ],
    ids=["a header that goes on", "100 without end", "103 without end"],
)
def test_a_head_that_takes_too_long(pieces: list[bytes]) -> None:
    """It has to be complete within the timeout, however much of it comes; the request may have arrived."""
    with (
        speaking(after_the_request(*pieces)) as url,
        pytest.raises(RequestError, match="timed out") as caught,
    ):
        post(url, timeout=10, clock=ticking(4))
    assert (caught.value.may_have_arrived, caught.value.is_permanent) == (True, False)


@pytest.mark.parametrize("code", [100, 102, 103, 199])
def test_interim_answers_are_skipped(code: int) -> None:
    """Each request gets its own answer, also the next one on the same connection."""

    def script(connection: socket.socket) -> None:
        for body in (b"1", b"2"):
            read_request(connection)
            interim = b"HTTP/1.1 %d Soon\r\nLink: </x>\r\n\r\n" % code
            connection.sendall(interim * 2 + b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + body)

    with speaking(script) as url:
        client = Client(url, lambda: None, connections=1, ca_bundle="", clock=lambda: 0.0)
        answers = [client.post("/x", timeout=10, data=Zeros(1)) for _ in range(2)]
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"1"), (200, b"2")]


def test_another_protocol_is_an_error() -> None:
    """It is unsolicited."""
    script = after_the_request(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", OK)
    with speaking(script) as url, pytest.raises(RequestError, match="another protocol"):
        post(url)


# Bodies.


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"x" * 1000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=", b"x" * 1000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"X: x\r\n" * 100),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08aaaaaa", b"x" * 1000),
    ],
    ids=["body", "chunk extension", "trailer", "file name of gzip"],
)
def test_a_body_that_takes_too_long(head: bytes, piece: bytes) -> None:
    """Its time is limited, wherever it drips."""
    with speaking(after_the_request(head, *[piece] * 1000)) as url:
        answer = post(url, timeout=1000, clock=ticking(25))
    assert (answer.status, answer.is_complete) == (200, False)


def test_a_body_that_is_long_may_take_long() -> None:
    """Two minutes, and a second more for each 64 KiB."""
    length = 4 * 2**20
    script = after_the_request(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length, bytes(length))
    with speaking(script) as url:
        answer = post(url, timeout=1000, clock=ticking(0.5), max_body=length)
    assert len(answer.body) == length
    assert answer.is_complete


def test_a_slow_reader_is_not_silent() -> None:
    """A server that reads steadily may take longer than the timeout for a piece, and for the last bytes."""
    size = 5 * 2**20
    unread = threading.Event()

    def script(connection: socket.socket) -> None:
        _, rest = read_head(connection)
        left = size - len(rest)
        while left and (piece := connection.recv(32768)):
            left -= len(piece)
            unread.wait(0.02)
        connection.sendall(OK)

    with speaking(script) as url:
        assert post(url, timeout=1.5, size=size).status == 200


@pytest.mark.parametrize("size", [100, LARGE], ids=["small", "large"])
def test_a_server_that_reads_nothing_is_silent(size: int) -> None:
    """Only a request that was sent to its end may have arrived."""
    given_up = threading.Event()
    with speaking(lambda _: given_up.wait(10)) as url:
        with pytest.raises(RequestError, match="timed out") as caught:
            post(url, timeout=0.3, size=size)
        given_up.set()
    assert caught.value.may_have_arrived is (size == 100)
    assert not caught.value.is_unconnected


# What cannot have arrived.


@pytest.mark.parametrize("end", [lambda _: None, reset], ids=["closed", "reset"])
def test_a_request_that_breaks_off_cannot_have_arrived(end: Callable[[socket.socket], None]) -> None:
    """The server misses the rest of the body, and cannot act on it."""

    def script(connection: socket.socket) -> None:
        read_head(connection)
        end(connection)

    with speaking(script) as url, pytest.raises(RequestError) as caught:
        post(url, size=LARGE)
    assert (caught.value.may_have_arrived, caught.value.is_unconnected) == (False, False)


@pytest.mark.parametrize("end", [lambda _: None, reset], ids=["closed", "reset"])
def test_a_request_without_an_answer_may_have_arrived(end: Callable[[socket.socket], None]) -> None:
    """It was read to its end."""

    def script(connection: socket.socket) -> None:
        read_request(connection)
        end(connection)

    with speaking(script) as url, pytest.raises(RequestError) as caught:
        post(url, size=2**20)
    assert (caught.value.may_have_arrived, caught.value.is_unconnected) == (True, False)


@pytest.mark.parametrize("size", [100, LARGE], ids=["small", "large"])
def test_an_answer_tells_whether_it_came_early(size: int) -> None:
    """Before the end of the request the server has nothing to act on."""

    def script(connection: socket.socket) -> None:
        if size == LARGE:
            read_head(connection)
        else:
            read_request(connection)
        connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with speaking(script) as url:
        answer = post(url, size=size)
    assert (answer.status, answer.is_early) == (503, size == LARGE)


def test_a_tls_handshake_through_a_proxy_has_the_whole_timeout() -> None:
    """The shorter waits, between which progress is checked, are over once the proxy has made the tunnel."""

    def script(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        connection.recv(1)

    with speaking(script) as url:
        address = urlsplit(url)
        connection = Connection(address.hostname, address.port, timeout=8.0, clock=lambda: 0.0)
        connection.set_tunnel("prefix.example", 443)
        connection.connect()
        timeout = connection.sock.gettimeout()
        connection.close()
    assert timeout == 8.0


def hang_up(connection: socket.socket) -> None:
    """Ends the connection once something was sent on it."""
    connection.recv(65536)


def talk_nonsense(connection: socket.socket) -> None:
    """Answers, but with nothing that the other end can understand."""
    connection.recv(65536)
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


def say_nothing(connection: socket.socket) -> None:
    """Waits until the other end has given up."""
    while connection.recv(65536):
        pass


@pytest.mark.parametrize(("script", "timeout"), [(hang_up, 30), (talk_nonsense, 30), (say_nothing, 0.3)])
@pytest.mark.parametrize("is_proxied", [False, True], ids=["TLS", "proxy"])
def test_without_a_connection_nothing_arrives(
    script: Callable[[socket.socket], None], timeout: float, is_proxied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A TLS handshake, or a proxy's tunnel, that fails in whatever way comes before the request."""
    with speaking(script) as url:
        server = url.replace("http:", "https:")
        if is_proxied:
            monkeypatch.setenv("HTTPS_PROXY", url)
            server = "https://prefix.example"
        with pytest.raises(RequestError) as caught:
            post(server, timeout=timeout)
    assert (caught.value.may_have_arrived, caught.value.is_unconnected) == (False, True)
    assert ("timed out" in str(caught.value)) == (script is say_nothing)
