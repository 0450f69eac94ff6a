"""Each kind of scripted failure, as a client sees it."""

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import requests
import trustme

from conformance.support import CHANNEL, KEY, Build, Client, sha256
from localchannel import Access, Answer, At, Call, Channel, Cut, Delay, Fault, LocalChannel, Stall, Truncate

FILE = "demo-1.0-h0_0.conda"
SIZE = 700_000
UPLOAD = "/api/v1/upload/"


def head(package: Path) -> bytes:
    """The head of an upload, to be sent by hand."""
    return (
        f"POST {UPLOAD}{CHANNEL} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
        f"X-File-Name: {package.name}\r\nX-File-SHA256: {sha256(package)}\r\n"
        f"Content-Length: {package.stat().st_size}\r\n\r\n"
    ).encode()


def dial(server: LocalChannel) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


@pytest.mark.parametrize(("at", "read"), [(At.START, 0), (At.BODY, SIZE), (50, 50), (10**9, SIZE)])
def test_answer_instead_of_storing(client: Client, tmp_path: Path, at: At | int, read: int) -> None:
    """The scripted answer arrives whole wherever it is given, and nothing is stored."""
    client.server.fail(Fault(Answer(503, "later", {"Retry-After": "7"}), at=at))
    package = tmp_path / FILE
    package.write_bytes(bytes(SIZE))
    answer = client.upload(package)
    assert (answer.status_code, answer.text, answer.headers["Retry-After"]) == (503, "later", "7")
    assert client.server.requests[0].body_size == read
    assert client.server.files(CHANNEL) == {}


def test_early_answer_to_a_large_body(client: Client, tmp_path: Path) -> None:
    """A client in the middle of sending megabytes can read the answer it got meanwhile."""
    path = tmp_path / FILE
    path.write_bytes(bytes(20_000_000))
    client.server.fail(Fault(Answer(413, "too large"), at=At.START))
    answer = client.upload(path)
    assert (answer.status_code, answer.headers["Connection"]) == (413, "close")
    assert client.server.requests[0].body_size == 0


def test_answer_after_storing(client: Client, build: Build) -> None:
    """The upload is stored although the answer is another one."""
    client.server.fail(Fault(Answer(502, "<html>"), at=At.DONE))
    assert client.upload(build()).status_code == 502
    assert list(client.server.files(CHANNEL)) == [f"noarch/{FILE}"]


@pytest.mark.parametrize("reset", [False, True], ids=["close", "reset"])
@pytest.mark.parametrize("at", [At.START, At.BODY, At.DONE, 300])
def test_cut(client: Client, build: Build, at: At | int, reset: bool) -> None:
    """The connection ends without an answer; only a cut after the work leaves the file there."""
    client.server.fail(Fault(Cut(reset=reset), at=at))
    with pytest.raises(requests.ConnectionError):
        client.upload(build())
    client.server.settle()
    assert client.server.requests[0].status is None
    assert bool(client.server.files(CHANNEL)) is (at is At.DONE)


@pytest.mark.parametrize("reset", [False, True], ids=["close", "reset"])
def test_close_and_reset_differ(server: LocalChannel, build: Build, reset: bool) -> None:
    """A close is an end of file to the client, a reset an error."""
    package = build()
    server.fail(Fault(Cut(reset=reset)))
    with dial(server) as connection:
        connection.sendall(head(package) + package.read_bytes())
        if reset:
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        else:
            assert connection.recv(1) == b""


def test_cut_within_the_body_counts_bytes(server: LocalChannel, build: Build) -> None:
    """A cut after N bytes happens after exactly N bytes, while the client may still be sending."""
    package = build()
    server.fail(Fault(Cut(), at=100))
    with dial(server) as connection:
        connection.sendall(head(package) + package.read_bytes()[:100])
        assert connection.recv(1) == b""
    server.settle()
    assert server.requests[0].body_size == 100


def test_client_that_hangs_up_is_noted(server: LocalChannel, build: Build) -> None:
    """An upload that the client gives up stores nothing."""
    package = build()
    with dial(server) as connection:
        connection.sendall(head(package) + package.read_bytes()[:100])
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    server.settle()
    assert (server.requests[0].body_size, server.requests[0].status) == (100, None)
    assert server.files(CHANNEL) == {}


@pytest.mark.parametrize("keep", [0, 3, 10_000])
def test_truncated_answer(client: Client, build: Build, keep: int) -> None:
    """The real answer breaks off before the length it promised; the work is done."""
    client.server.fail(Fault(Truncate(keep), path=UPLOAD), Fault(Truncate(keep), path="/repodata"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.upload(build())
    assert list(client.server.files(CHANNEL)) == [f"noarch/{FILE}"]


def test_truncated_download(client: Client, build: Build) -> None:
    """Files of the storage's origin can break off, too."""
    client.server.publish(CHANNEL, build())
    client.server.fail(Fault(Truncate(10), path="signature="))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.get(f"{CHANNEL}/noarch/{FILE}")


@pytest.mark.parametrize("at", [At.START, At.BODY, At.DONE])
def test_stall(client: Client, build: Build, at: At) -> None:
    """No answer comes, until the client gives up."""
    client.server.fail(Fault(Stall(), at=at))
    with pytest.raises(requests.Timeout):
        client.upload(build(), timeout=0.2)
    client.server.settle()
    assert client.server.requests[0].status is None


def test_stop_ends_a_stall(tmp_path: Path, build: Build) -> None:
    """Leaving the `with` block ends connections that are stalled or idle."""
    package = build()
    with LocalChannel(tmp_path / "root", {CHANNEL: Channel()}, {KEY: Access.READ_WRITE}) as server:
        server.fail(Fault(Stall(), method="POST"))
        stalled, idle = dial(server), dial(server)
        stalled.sendall(head(package) + package.read_bytes())
        idle.sendall(b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(12) == b"HTTP/1.1 404"
    for connection in (stalled, idle):
        with connection, connection.makefile("rb") as stream:
            stream.read()


@pytest.mark.parametrize(("at", "there"), [(At.BODY, False), (At.DONE, True)])
def test_call(client: Client, build: Build, at: At, there: bool) -> None:
    """Something happens at that moment, and the answer is the real one."""
    seen: list[bool] = []
    client.server.fail(Fault(Call(lambda: seen.append(bool(client.server.files(CHANNEL)))), at=at))
    assert client.upload(build()).status_code == 200
    assert seen == [there]


@pytest.mark.parametrize("lingers", [True, False])
def test_an_answer_that_lingers_or_not(server: LocalChannel, tmp_path: Path, lingers: bool) -> None:
    """A client that keeps sending without reading is either served or gets an error."""
    package = tmp_path / FILE
    package.write_bytes(bytes(20_000_000))
    server.fail(Fault(Answer(413, "too large", lingers=lingers), at=At.START))
    with dial(server) as connection:
        connection.sendall(head(package))
        assert connection.recv(12) == b"HTTP/1.1 413"
        with nullcontext() if lingers else pytest.raises(ConnectionError):
            connection.sendall(package.read_bytes())


def test_healing(client: Client, build: Build) -> None:
    """Failures to come, lies and a frozen index are forgotten."""
    package = build()
    client.server.fail(Fault(Answer(500), times=None))
    client.server.tamper(CHANNEL, "noarch", package.name, None)
    client.server.freeze_index(CHANNEL)
    client.server.heal()
    assert client.upload(package).status_code == 200
    query = 'query($f: String!) { variant(channelName: "ns/chan", packageName: "demo", platformName: "noarch", '
    query += "fileName: $f) { sha256 } }"
    reported = client.query(query, {"f": package.name}).json()
    assert reported["data"]["variant"]["sha256"] == sha256(package)
    assert package.name in client.get(f"{CHANNEL}/noarch/repodata.json").text


@pytest.mark.parametrize("at", [At.START, At.BODY, At.DONE])
def test_delay(client: Client, build: Build, at: At) -> None:
    """The answer comes later, and is the real one."""
    client.server.fail(Fault(Delay(0.2), at=at))
    started = time.monotonic()
    assert client.upload(build()).status_code == 200
    assert time.monotonic() - started >= 0.2


def test_fault_waits_for_its_request(client: Client, build: Build) -> None:
    """Method, path and file name choose the request; `times` says how many."""
    first, second = build(), build("second")
    client.server.fail(
        Fault(Answer(500), method="DELETE"),
        Fault(Answer(501), file=second.name, times=2),
        Fault(Answer(502), path="force=true", times=None),
    )
    statuses = [client.upload(package).status_code for package in (first, second, second, second)]
    assert statuses == [200, 501, 501, 200]
    assert {client.upload(first, query="?force=true").status_code for _ in range(4)} == {502}


def test_fault_finds_the_file_of_a_form(client: Client, build: Build) -> None:
    """The file name within a multipart body chooses the request even before the body is read."""
    package = build()
    name = {"X-File-Name": package.name, "X-File-SHA256": sha256(package)}
    files = {"file": (package.name, package.read_bytes(), "application/octet-stream", name)}
    client.server.fail(Fault(Answer(500), file=package.name, at=At.START))
    url = f"{client.server.url}{UPLOAD}{CHANNEL}"
    assert client.session.post(url, files=files, timeout=60).status_code == 500
    assert client.server.requests[0].body_size == 0


@pytest.mark.parametrize(
    "answer", [Answer(500, "<html>"), Answer(200, '{"errors": [{"message": "no"}]}'), Answer(200, "{")]
)
def test_other_endpoints_fail_too(client: Client, answer: Answer) -> None:
    """GraphQL and repodata can be made to fail as uploads can; the query is in the journal all the same."""
    client.server.fail(Fault(answer, path="/api/graphql", at=At.DONE), Fault(answer, path="/repodata.json"))
    assert client.query("{ viewer { login } }", {}).text == answer.body
    assert client.server.requests[0].json["query"] == "{ viewer { login } }"
    assert client.get(f"{CHANNEL}/noarch/repodata.json").text == answer.body


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def contexts(authority: trustme.CA) -> Callable[[], ssl.SSLContext]:
    """Makes a server's TLS context."""

    def make() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        return context

    return make


def test_tls(tmp_path: Path, build: Build, authority: trustme.CA, contexts: Callable[[], ssl.SSLContext]) -> None:
    """Both origins speak TLS, failures included; a client that does not trust them is no trouble."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    keys = {KEY: Access.READ_WRITE}
    package = build(content="x" * 500_000)
    with LocalChannel(tmp_path / "root", {CHANNEL: Channel()}, keys, tls=contexts()) as server:
        client = Client(server)
        with client.session:
            with pytest.raises(requests.exceptions.SSLError):
                client.get("x")
            client.session.verify = str(bundle)
            server.fail(Fault(Cut(reset=True), at=1000), Fault(Answer(500), at=At.START))
            with pytest.raises(requests.ConnectionError):
                client.upload(package)
            assert [client.upload(package).status_code for _ in range(2)] == [500, 200]
            assert client.get(f"{CHANNEL}/noarch/{FILE}").content == package.read_bytes()
