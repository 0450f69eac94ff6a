"""One request, one answer: bearer, redirects, proxies, certificates, and how much of an answer is read."""

from __future__ import annotations

import gzip
import itertools
import re
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, cast

import pytest
import requests
import trustme

from localchannel import Access, Answer, At, Call, Channel, Cut, Fault, LocalChannel, Stall, Truncate
from prefix_upload import __version__, http
from prefix_upload.http import Client, RequestError, secure_environment
from prefix_upload.http.certificates import ca_bundle
from prefix_upload.http.errors import request_error
from prefix_upload.http.proxies import proxy_for
from support.running import CHANNEL, TOKEN
from support.speaking import read_head, speaking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
REPODATA = f"/{CHANNEL}/noarch/repodata.json"
GRAPHQL = "/api/graphql"


def client_of(
    url: str,
    token: str | None = TOKEN,
    ca_bundle: str = "",
    clock: Callable[[], float] = lambda: 0.0,
    connections: int = 2,
) -> Client:
    return Client(url, lambda: token, connections=connections, ca_bundle=ca_bundle, clock=clock)


def ask(client: Client) -> http.Response:
    return client.post(GRAPHQL, timeout=10, json={"query": "{ viewer { login } }"})


@pytest.fixture
def client(server: LocalChannel) -> Client:
    return client_of(server.url)


def answer(status: int = 200, body: bytes = b"", **headers: str) -> http.Response:
    return http.Response(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, body, is_complete=True
    )


# The answer.


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success_is_any_2xx(status: int) -> None:
    """The body of a success is not documented, so it is not looked at."""
    assert answer(status).is_success
    assert not answer(status).is_retryable


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_passing_failures(status: int) -> None:
    """These may be another answer next time."""
    assert answer(status).is_retryable
    assert not answer(status).is_success


@pytest.mark.parametrize("status", [100, 300, 301, 303, 307, 400, 401, 403, 404, 409, 411, 413, 422, 501, 505, 511])
def test_final_answers(status: int) -> None:
    """These may not."""
    assert not answer(status).is_retryable
    assert not answer(status).is_success


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "HTTP 500, empty response"),
        (b" \r\n ", "HTTP 500, empty response"),
        (b"no  such\n channel\n", "HTTP 500: no such channel"),
        (b'{"error": "a < b > c"}', 'HTTP 500: {"error": "a < b > c"}'),
        ("größer".encode(), "HTTP 500: größer"),
        (b"\xff\xfe", "HTTP 500: \ufffd\ufffd"),
        (
            (
                b"<!doctype html><HTML><head><style>p { color: red }</style><title>502</title></head>"
                b"<body><h1>Bad   Gateway</h1><script>x()\n</script></body></html>"
            ),
            "HTTP 500: 502 Bad Gateway",
        ),
        (b"<html><body></body></html>", "HTTP 500, empty response"),
        (b"a < b " * 40 + b"<html>", "HTTP 500: " + "a < b " * 40 + "<html>"),
        (b"x" * 500, "HTTP 500: " + "x" * 500),
        (b"x" * 501, "HTTP 500: " + "x" * 500 + "…"),
        (b"<html>" + b"<p>word</p>" * 10_000, "HTTP 500: " + ("word " * 100) + "…"),
    ],
    ids=[
        "nothing",
        "white space",
        "text",
        "json",
        "utf-8",
        "binary",
        "html",
        "html only",
        "text about html",
        "500",
        "501",
        "long html",
    ],
)
def test_the_servers_words(body: bytes, words: str) -> None:
    """One line of text, without the tags of an error page, and not too much of it."""
    reported = answer(500, body).summary
    assert reported[:500] == words[:500]
    assert len(reported) <= 520


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", 0),
        ("7", 7),
        ("0", 0),
        ("-7", 0),
        ("1.5", 0),
        ("7 seconds", 0),
        ("999999999", 999_999_999),
        ("9" * 5000, 0),
        (format_datetime(NOW + timedelta(seconds=42), usegmt=True), 42),
        (format_datetime(NOW - timedelta(seconds=42), usegmt=True), 0),
        ("Thu, 01 Jan 2026 13:00:30 +0100", 1800 - 1770),
        ("Thu, 01 Jan 2026 12:00:05 -0000", 5),
        ("Mon, 01 Jan 99999 00:00:00 GMT", 0),
        ("Mon, 01 Jan " + "9" * 30 + " 00:00:00 GMT", 0),
        ("Thu, 01 Jan 2026 12:00:00 +" + "9" * 30, 0),
        ("tomorrow", 0),
    ],
)
def test_retry_after(value: str, seconds: float) -> None:
    """Seconds or a date; anything else, however absurd, asks for nothing."""
    assert answer(503, Retry_After=value).retry_after(NOW) == seconds
    assert answer(503).retry_after(NOW) == 0


@pytest.mark.parametrize(
    ("value", "date"),
    [
        (format_datetime(NOW, usegmt=True), NOW),
        ("Thu, 01 Jan 2026 13:00:00 +0100", datetime(2026, 1, 1, 12, tzinfo=UTC)),
        ("Thu, 01 Jan 2026 12:00:00 -0000", datetime(2026, 1, 1, 12, tzinfo=UTC)),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
        ("Thu, 01 Jan 2026 12:00:00 +" + "9" * 30, None),
        ("today", None),
        ("", None),
    ],
)
def test_date(value: str, date: datetime | None) -> None:
    """The server's clock; nothing for a value that is absurd or missing."""
    assert answer(200, Date=value).date == date
    assert answer(200).date is None


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://elsewhere.example:8443/x?y", "elsewhere.example:8443"),
        ("/login", "another address"),
        ("", "another address"),
        ("https://[", "an invalid URL"),
    ],
)
def test_redirect_host(location: str, host: str) -> None:
    """Where the server points to, whatever it writes there."""
    assert answer(303, Location=location).redirect_host == host


# What is sent and read.


def test_requests_name_their_sender(server: LocalChannel, client: Client) -> None:
    """The user agent has the version."""
    ask(client)
    assert server.requests[0].headers["User-Agent"] == f"prefix-upload/{__version__}"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_of_the_wanted_size_is_whole(server: LocalChannel, client: Client, method: str) -> None:
    """Up to the limit an answer is whole, beyond it is cut, and the rest is not read."""
    send = partial(client.get if method == "GET" else client.post, REPODATA, timeout=10, max_body=100)
    for size in (100, 101, 50_000_000):
        server.fail(Fault(Answer(200, b"x" * size), path=REPODATA))
    answers = [send() for _ in range(3)]
    assert [one.is_complete for one in answers] == [True, False, False]
    assert {len(one.body) for one in answers} == {100}


def test_a_compressed_answer_is_cut_when_it_is_unpacked(server: LocalChannel, client: Client) -> None:
    """The limit is for what it expands to."""
    bomb = gzip.compress(bytes(50_000_000))
    server.fail(Fault(Answer(200, bomb, {"Content-Encoding": "gzip"}), path=REPODATA))
    got = client.get(REPODATA, timeout=10, max_body=100)
    assert (len(got.body), got.is_complete) == (100, False)


def test_an_answer_that_breaks_off_is_not_whole(server: LocalChannel, client: Client) -> None:
    """Its status counts all the same: the server gave it."""
    server.fail(Fault(Truncate(5), path=GRAPHQL))
    got = ask(client)
    assert (got.status, got.is_complete) == (200, False)


def test_an_answer_in_a_broken_encoding_is_not_whole(server: LocalChannel, client: Client) -> None:
    """It says gzip and is none."""
    server.fail(Fault(Answer(200, b"plain text", {"Content-Encoding": "gzip"}), path=GRAPHQL))
    assert not ask(client).is_complete


def test_an_answer_without_end_is_given_up(dripping: str) -> None:
    """A body that arrives byte by byte is given up after two minutes, although it never exceeds the timeout."""
    seconds = itertools.count(step=50)
    client = client_of(dripping, clock=lambda: float(next(seconds)))
    got = client.get(REPODATA, timeout=1000, max_body=10**9)
    assert (got.status, got.is_complete) == (200, False)
    assert 0 < len(got.body) < 10**6
    assert 150 <= next(seconds) <= 400


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server that goes on answering for as long as somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
                while True:
                    connection.sendall(b"x")

        speaking = threading.Thread(target=speak)
        speaking.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        speaking.join()


@pytest.mark.parametrize("length", [0, 1, 60_000])
def test_connections_are_used_again(server: LocalChannel, client: Client, length: int) -> None:
    """An answer that was read to its end leaves its connection open for the next request."""
    server.fail(Fault(Answer(200, b"x" * length), path=GRAPHQL, times=3))
    assert all(ask(client).is_success for _ in range(3))
    assert len({request.peer for request in server.requests}) == 1


def test_as_many_connections_are_kept_as_requested(server: LocalChannel) -> None:
    """Concurrent requests open one connection each, and later requests reuse them."""
    together = threading.Barrier(12, timeout=10)
    server.fail(Fault(Call(together.wait), path=GRAPHQL, times=24))
    client = client_of(server.url, connections=12)
    with ThreadPoolExecutor(12) as executor:
        for _ in range(2):
            assert all(response.is_success for response in executor.map(ask, [client] * 12))
    assert len({request.peer for request in server.requests}) == 12


# No answer.


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(Cut(), at=At.START), "without response"),
        (Fault(Cut(), at=At.DONE), "without response"),
        (Fault(Cut(reset=True), at=At.DONE), "^[^(]*reset by peer"),
    ],
)
def test_a_lost_answer_leaves_the_outcome_open(server: LocalChannel, client: Client, fault: Fault, says: str) -> None:
    """The request may have arrived, and trying again may help."""
    server.fail(fault)
    with pytest.raises(RequestError, match=says) as caught:
        ask(client)
    assert (caught.value.may_have_arrived, caught.value.is_permanent) == (True, False)


def test_silence_is_given_up(server: LocalChannel, client: Client) -> None:
    """After the timeout; the request may have arrived."""
    server.fail(Fault(Stall(), at=At.DONE))
    with pytest.raises(RequestError, match="timed out") as caught:
        client.post(GRAPHQL, timeout=0.2, json={"query": "{ viewer { login } }"})
    assert (caught.value.may_have_arrived, caught.value.is_permanent) == (True, False)


def test_a_server_that_stops_reading() -> None:
    """The request times out, and cannot have arrived, since it was not sent to its end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        body = itertools.repeat(memoryview(bytes(100_000)), 1000)
        with pytest.raises(RequestError, match="timed out") as caught:
            client_of(f"http://127.0.0.1:{listening.getsockname()[1]}").post("/x", timeout=0.2, data=body)
    assert (caught.value.may_have_arrived, caught.value.is_permanent) == (False, False)


def test_nobody_listens(closed_url: str) -> None:
    """Nothing was sent; a server may come back."""
    with pytest.raises(RequestError, match=r"^[^(]*Connection refused") as caught:
        ask(client_of(closed_url))
    assert (caught.value.may_have_arrived, caught.value.is_permanent) == (False, False)


def test_a_connection_that_is_not_accepted() -> None:
    """The connection times out before anything is sent."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # until the queue is full
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        client = client_of(f"http://127.0.0.1:{listening.getsockname()[1]}")
        with pytest.raises(RequestError, match="timed out") as caught:
            client.post(GRAPHQL, timeout=0.2)
    assert (caught.value.may_have_arrived, caught.value.is_permanent) == (False, False)


def test_an_error_without_a_message() -> None:
    """The class name stands in for an empty message."""
    assert str(request_error(requests.ConnectionError(ConnectionResetError()))) == "ConnectionResetError"


@pytest.mark.parametrize(
    ("host", "says"), [("a..b", "a..b"), ("a" * 64 + ".example", "a" * 64), (".example", "invalid label")]
)
def test_a_host_that_cannot_be(host: str, says: str) -> None:
    """No retry makes it one."""
    with pytest.raises(RequestError, match=says) as caught:
        ask(client_of(f"https://{host}"))
    assert (caught.value.may_have_arrived, caught.value.is_permanent) == (False, True)


def test_something_else_than_http() -> None:
    """A service of another kind is recognized by its response."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
                connection.recv(65536)

        speaking = threading.Thread(target=speak)
        speaking.start()
        with pytest.raises(RequestError, match=r"SSH-2.0"):
            ask(client_of(f"http://127.0.0.1:{listening.getsockname()[1]}"))
        speaking.join()


# Redirects and the bearer.


def test_a_redirect_of_a_get_is_followed_without_the_token(server: LocalChannel, client: Client) -> None:
    """The storage's signed links are on another origin, which gets no credentials."""
    client.get(REPODATA, timeout=10, max_body=100)
    first, second = server.requests
    assert (first.origin, first.headers["Authorization"]) == ("api", f"Bearer {TOKEN}")
    assert (second.origin, second.headers["Authorization"]) == ("storage", None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_server_keeps_the_token(server: LocalChannel, client: Client, status: int) -> None:
    """Relative or absolute."""
    server.fail(Fault(Answer(status, headers={"Location": "/x"}), path=REPODATA))
    server.fail(Fault(Answer(status, headers={"Location": f"{server.url}/y"}), path="/x"))
    server.fail(Fault(Answer(200, b"found"), path="/y"))
    assert client.get(REPODATA, timeout=10, max_body=100).body == b"found"
    assert [request.headers["Authorization"] for request in server.requests] == [f"Bearer {TOKEN}"] * 3


def test_a_redirect_to_another_host_loses_the_token(server: LocalChannel, client: Client) -> None:
    """A different host name is a different origin, even with the same address and port."""
    other_name = server.url.replace("127.0.0.1", "localhost")
    server.fail(Fault(Answer(302, headers={"Location": f"{other_name}/x"}), path=REPODATA))
    server.fail(Fault(Answer(200, b"found"), path="/x"))
    assert client.get(REPODATA, timeout=10, max_body=100).body == b"found"
    assert [request.headers["Authorization"] for request in server.requests] == [f"Bearer {TOKEN}", None]


def test_anonymous_requests_have_no_token(server: LocalChannel, client: Client) -> None:
    """Neither an anonymous request nor its redirects carry the token."""
    server.fail(Fault(Answer(302, headers={"Location": "/x"}), path=REPODATA))
    server.fail(Fault(Answer(200, b"found"), path="/x"))
    assert client.get(REPODATA, timeout=10, max_body=100, anonymously=True).body == b"found"
    assert client.post(GRAPHQL, timeout=10, json={"query": "{ __typename }"}, anonymously=True).is_success
    assert [request.headers["Authorization"] for request in server.requests] == [None] * 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_a_post_is_not_followed(server: LocalChannel, client: Client, status: int) -> None:
    """An upload is not sent on, least of all with the token."""
    server.fail(Fault(Answer(status, headers={"Location": f"{server.storage_url}/x"}), path=GRAPHQL))
    assert ask(client).status == status
    assert [request.origin for request in server.requests] == ["api"]


@pytest.mark.parametrize("location", ["", "/self"], ids=["nowhere", "in a circle"])
def test_redirects_come_to_an_end(server: LocalChannel, client: Client, location: str) -> None:
    """After a few the redirect itself is the answer."""
    server.fail(Fault(Answer(302, headers={"Location": location}), times=None))
    assert client.get(REPODATA, timeout=10, max_body=100).status == 302
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "location", ["http://[", "http://127.0.0.1:99999/", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://a..b/"]
)
def test_a_redirect_to_what_is_no_address(server: LocalChannel, client: Client, location: str) -> None:
    """Nothing the server writes there ends in a crash, or in a file of this machine."""
    server.fail(Fault(Answer(303, headers={"Location": location}), path=REPODATA))
    with pytest.raises(RequestError) as caught:
        client.get(REPODATA, timeout=10, max_body=100)
    assert caught.value.is_permanent


@pytest.mark.parametrize("separator", ["\\@", "\\.", "%2F."], ids=repr)
def test_a_redirect_whose_host_parsers_read_differently(server: LocalChannel, client: Client, separator: str) -> None:
    """It is followed nowhere: for one parser the host is the server, for another what stands before."""
    with speaking(read_head) as other:
        location = f"{other}{separator}{server.url.partition('//')[2]}/x"
        server.fail(Fault(Answer(303, headers={"Location": location}), path=REPODATA))
        with pytest.raises(RequestError, match="it redirects to an invalid URL"):
            client.get(REPODATA, timeout=10, max_body=100)
    assert len(server.requests) == 1


def test_a_url_of_another_origin_gets_the_token_on_request(server: LocalChannel, closed_url: str) -> None:
    """And so do redirects within that origin, but none to the client's own server."""
    elsewhere = Client(closed_url, lambda: TOKEN, connections=1, ca_bundle="", clock=lambda: 0.0)
    server.fail(Fault(Answer(302, headers={"Location": "/x"}), path="/start"))
    server.fail(Fault(Answer(302, headers={"Location": f"{server.storage_url}/y"}), path="/x"))
    server.fail(Fault(Answer(200, b"found"), path="/y"))
    found = elsewhere.get_url(f"{server.url}/start", timeout=10, max_body=100, with_token=True, headers={"X-Key": "v"})
    assert found.body == b"found"
    sent = [(request.headers["Authorization"], request.headers["X-Key"]) for request in server.requests]
    assert sent == [(f"Bearer {TOKEN}", "v"), (f"Bearer {TOKEN}", "v"), (None, "v")]


@pytest.mark.parametrize("token", [TOKEN, None], ids=["token", "no token"])
def test_netrc_never_replaces_the_token(
    server: LocalChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    """Nor does it add one, on either origin."""
    home = tmp_path / "home"
    home.mkdir()
    netrc = home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login pwned password pwned\ndefault login pwned password pwned\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    client = client_of(server.url, token)
    ask(client)
    client.get(REPODATA, timeout=10, max_body=100)
    bearer = token and f"Bearer {token}"
    assert [request.headers["Authorization"] for request in server.requests] == [bearer, bearer, None]


# Proxies.


class Proxy(ThreadingTCPServer):
    """A forward proxy that keeps what it could read."""

    daemon_threads = True

    def __init__(self, status: str = "200 OK") -> None:
        super().__init__(("127.0.0.1", 0), Relay)
        self.status = status
        self.seen = b""
        # Where all tunnels lead; `None` for the address that the client requests.
        self.leads_to: tuple[str, int] | None = None

    @property
    def url(self) -> str:
        """What `HTTP_PROXY` is set to."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Relay(StreamRequestHandler):
    """One connection to the proxy: `CONNECT`, or a request for an absolute address (and it answers none)."""

    def handle(self) -> None:
        """Serves the connection to its end."""
        proxy = cast("Proxy", self.server)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return
            head += line
        proxy.seen += head
        verb, target, _ = head.decode().split(" ", 2)
        if verb != "CONNECT" or not proxy.status.startswith("200"):
            self.wfile.write(f"HTTP/1.1 {proxy.status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        # Every host is this machine here: the real ones on it are reached without a proxy.
        port = int(target.rpartition(":")[2])
        with socket.create_connection(proxy.leads_to or ("127.0.0.1", port)) as upstream:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=self._copy, args=(upstream, self.connection))
            back.start()
            self._copy(self.connection, upstream)
            back.join()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                cast("Proxy", self.server).seen += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxies() -> Iterator[list[Proxy]]:
    """A proxy that works, and one that wants a password."""
    with ExitStack() as stack:
        running = [stack.enter_context(proxy) for proxy in (Proxy(), Proxy("407 Proxy Authentication Required"))]
        for proxy in running:
            threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
            stack.callback(proxy.shutdown)
        yield running


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    """The file with the certificate that the TLS server's was signed with."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def secure(authority: trustme.CA, tmp_path: Path) -> Iterator[LocalChannel]:
    """The server over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "channel.test", "channel.example").configure_cert(context)
    keys = {TOKEN: Access.READ_WRITE}
    with LocalChannel(tmp_path / "secure", {CHANNEL: Channel()}, keys, tls=context) as running:
        yield running


def test_a_proxy_is_used_and_cannot_read_the_token(
    secure: LocalChannel, bundle: str, proxies: list[Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`HTTPS_PROXY` tunnels: the token and the contents stay between the action and the server."""
    monkeypatch.setenv("HTTPS_PROXY", proxies[0].url)
    assert ask(client_of(far(secure), ca_bundle=bundle)).is_success
    assert proxies[0].seen.startswith(b"CONNECT ")
    assert TOKEN.encode() not in proxies[0].seen


@pytest.mark.parametrize(
    ("server_url", "redirect_url"),
    [
        ("https://channel.example", "https://channel.example:443/y"),
        ("https://channel.example:443", "https://channel.example/y"),
        ("http://channel.example", "http://channel.example:80/y"),
        ("http://channel.example:80", "http://channel.example/y"),
    ],
)
def test_the_default_port_belongs_to_the_same_origin(
    server: LocalChannel,
    secure: LocalChannel,
    bundle: str,
    proxies: list[Proxy],
    monkeypatch: pytest.MonkeyPatch,
    server_url: str,
    redirect_url: str,
) -> None:
    """A redirect keeps the token whether or not either URL names the scheme's default port."""
    # The tests cannot listen on these ports, so the proxy's tunnel leads to another one; without TLS, the server itself
    # acts as the proxy.
    proxies[0].leads_to = "127.0.0.1", int(secure.url.rpartition(":")[2])
    monkeypatch.setenv("HTTPS_PROXY", proxies[0].url)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    target = secure if server_url.startswith("https:") else server
    target.fail(Fault(Answer(302, headers={"Location": redirect_url}), path=REPODATA))
    target.fail(Fault(Answer(200, b"found"), path="/y"))
    assert client_of(server_url, ca_bundle=bundle).get(REPODATA, timeout=10, max_body=100).body == b"found"
    assert [request.headers["Authorization"] for request in target.requests] == [f"Bearer {TOKEN}"] * 2


def test_a_redirect_from_https_to_http_loses_the_token(
    server: LocalChannel, secure: LocalChannel, bundle: str, proxies: list[Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another scheme is another origin, even with the same host and port."""
    proxies[0].leads_to = "127.0.0.1", int(secure.url.rpartition(":")[2])
    monkeypatch.setenv("HTTPS_PROXY", proxies[0].url)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    secure.fail(Fault(Answer(302, headers={"Location": "http://channel.example:8443/y"}), path=REPODATA))
    server.fail(Fault(Answer(200, b"found"), path="/y"))
    client = client_of("https://channel.example:8443", ca_bundle=bundle)
    assert client.get(REPODATA, timeout=10, max_body=100).body == b"found"
    assert [request.headers["Authorization"] for request in secure.requests] == [f"Bearer {TOKEN}"]
    assert [request.headers["Authorization"] for request in server.requests] == [None]


@pytest.mark.parametrize("is_proxied", [False, True], ids=["direct", "through a proxy"])
def test_an_answer_before_the_end_of_the_body(
    secure: LocalChannel, bundle: str, proxies: list[Proxy], monkeypatch: pytest.MonkeyPatch, is_proxied: bool
) -> None:
    """It is heard, although the connection is closed on what is still being sent."""
    if is_proxied:
        monkeypatch.setenv("HTTPS_PROXY", proxies[0].url)
    secure.fail(Fault(Answer(401, "no", lingers=False), at=At.START))
    body = itertools.repeat(memoryview(bytes(100_000)), 100)
    client = client_of(far(secure) if is_proxied else secure.url, ca_bundle=bundle)
    got = client.post("/api/v1/upload/x", timeout=10, data=body)
    assert (got.status, got.body) == (401, b"no")
    assert bool(proxies[0].seen) is is_proxied


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_no_proxy_is_honoured(
    secure: LocalChannel, proxies: list[Proxy], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """`NO_PROXY` names hosts that are reached directly, where this one does not exist."""
    monkeypatch.setenv("HTTPS_PROXY", proxies[0].url)
    monkeypatch.setenv(name, ".test")
    with pytest.raises(RequestError, match=r"channel.test:\d+\)$"):
        ask(client_of(far(secure)))
    assert proxies[0].seen == b""


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_the_variables_for_proxies(
    secure: LocalChannel, bundle: str, proxies: list[Proxy], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Those of curl, in either case."""
    monkeypatch.setenv(name, proxies[0].url)
    assert ask(client_of(far(secure), ca_bundle=bundle)).is_success
    assert proxies[0].seen != b""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_loopback_hosts_are_reached_directly(
    server: LocalChannel, proxies: list[Proxy], monkeypatch: pytest.MonkeyPatch, name: str, host: str
) -> None:
    """A proxy would get the token in the clear."""
    monkeypatch.setenv(name, proxies[0].url)
    client = client_of(server.url.replace("127.0.0.1", host))
    assert ask(client).is_success
    assert proxies[0].seen == b""


@pytest.mark.parametrize("host", ["127.0.0.2", "[::1]", "[::ffff:127.0.0.1]", "LOCALHOST"])
def test_all_of_this_machine_is_loopback(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Not only the usual address; what merely begins like it is elsewhere."""
    monkeypatch.setenv("ALL_PROXY", "http://proxy.test")
    assert proxy_for(f"https://{host}:8443/x") is None
    assert proxy_for("https://localhost.test") == proxy_for("https://127.0.0.1.test") == "http://proxy.test"


def far(server: LocalChannel) -> str:
    """The address of the server by a name that only proxies know."""
    return server.url.replace("127.0.0.1", "channel.test")


def test_a_proxy_that_refuses(
    secure: LocalChannel, bundle: str, proxies: list[Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its response is reported; nothing arrived."""
    monkeypatch.setenv("HTTPS_PROXY", proxies[1].url)
    with pytest.raises(RequestError, match="407") as caught:
        ask(client_of(far(secure), ca_bundle=bundle))
    assert not caught.value.may_have_arrived


def test_a_proxy_that_is_not_there(secure: LocalChannel, closed_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing arrived; server and proxy are named, but not the password."""
    proxy = closed_url.removeprefix("http://")
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:sesame@{proxy}")
    route = re.escape(f"({far(secure).removeprefix('https://')}, through the proxy {proxy})")
    with pytest.raises(RequestError, match=route) as caught:
        ask(client_of(far(secure)))
    assert "sesame" not in str(caught.value)
    assert not caught.value.may_have_arrived


# Certificates.


def test_a_bundle_of_ones_own_is_trusted(secure: LocalChannel, bundle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that the caller names, whatever the environment does."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/missing.pem")
    assert ask(client_of(secure.url, ca_bundle=bundle)).is_success


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({}, ""),
        ({"SSL_CERT_FILE": "s"}, "s"),
        ({"SSL_CERT_FILE": "s", "CURL_CA_BUNDLE": "c"}, "c"),
        ({"SSL_CERT_FILE": "s", "CURL_CA_BUNDLE": "c", "REQUESTS_CA_BUNDLE": "r"}, "r"),
        ({"SSL_CERT_FILE": "s", "CURL_CA_BUNDLE": "", "REQUESTS_CA_BUNDLE": ""}, "s"),
    ],
)
def test_which_bundle_counts(variables: dict[str, str], path: str) -> None:
    """The order of `requests`, and then OpenSSL's own variable."""
    assert ca_bundle(variables) == path


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_bundle_that_libraries_use_is_ours(bundle: str, tmp_path: Path, name: str) -> None:
    """Whichever variable names it, those that libraries read do; and ours stays the same."""
    environ = {name: bundle}
    secure_environment(environ)
    assert (environ["REQUESTS_CA_BUNDLE"], environ["SSL_CERT_FILE"], ca_bundle(environ)) == (bundle,) * 3
    other = {"CURL_CA_BUNDLE": bundle, "SSL_CERT_FILE": str(tmp_path / "missing.pem")}
    secure_environment(other)
    assert ca_bundle(other) == other["REQUESTS_CA_BUNDLE"] == other["SSL_CERT_FILE"] == bundle


def test_an_unknown_certificate_is_final(secure: LocalChannel) -> None:
    """No retry makes it known, and nothing was sent."""
    with pytest.raises(RequestError, match="its certificate was rejected") as caught:
        ask(client_of(secure.url))
    assert (caught.value.may_have_arrived, caught.value.is_permanent) == (False, True)
    assert secure.requests == []


def test_a_bundle_that_is_not_there_is_named(secure: LocalChannel, tmp_path: Path) -> None:
    """The message has the path."""
    path = str(tmp_path / "missing.pem")
    with pytest.raises(RequestError, match=r"missing.pem") as caught:
        ask(client_of(secure.url, ca_bundle=path))
    assert (caught.value.may_have_arrived, caught.value.is_permanent) == (False, True)


def test_plain_http_where_tls_was_expected(server: LocalChannel) -> None:
    """Nothing was sent: there was no connection to send it over."""
    with pytest.raises(RequestError) as caught:
        ask(client_of(server.url.replace("http:", "https:")))
    assert not caught.value.may_have_arrived


def test_a_bundle_that_is_none(secure: LocalChannel, tmp_path: Path) -> None:
    """The library's words say so; nothing was sent."""
    path = tmp_path / "empty.pem"
    path.write_text("no certificate\n")
    with pytest.raises(RequestError, match="certificate") as caught:
        ask(client_of(secure.url, ca_bundle=str(path)))
    assert (caught.value.may_have_arrived, caught.value.is_permanent) == (False, True)
