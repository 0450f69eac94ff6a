"""A package comes to the channel, or the error says what is known of it."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from localchannel import Access, Answer, At, Channel, Cut, Fault, LocalChannel, Stall, Truncate
from prefix_upload import __version__, prefix_dev
from prefix_upload.errors import ChannelError, ChannelWideError, ConflictError, FileChangedError
from prefix_upload.http import Client
from prefix_upload.prefix_dev import BATCH_SIZE, Record, queries
from prefix_upload.status import Status
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prefix_upload.http import Response
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev.records import Records
    from support.connecting import Build, Connect

UPLOAD = "/api/v1/upload/"
GRAPHQL = "/api/graphql"
REPODATA = "/repodata.json"

PASSING = [408, 425, 429, 500, 502, 503, 504]
LOST = {
    "closed at the start": Fault(Cut(), path=UPLOAD, at=At.START),
    "reset at the start": Fault(Cut(reset=True), path=UPLOAD, at=At.START),
    "closed in the body": Fault(Cut(), path=UPLOAD, at=100),
    "reset in the body": Fault(Cut(reset=True), path=UPLOAD, at=100),
    "closed after the body": Fault(Cut(), path=UPLOAD, at=At.BODY),
    "reset after the body": Fault(Cut(reset=True), path=UPLOAD, at=At.BODY),
}
DOUBTFUL = {name: fault for name, fault in LOST.items() if fault.at is At.BODY}
GRAPHQL_FAULTS = {
    "500": Answer(500, "boom"),
    "html": Answer(200, "<html>maintenance</html>"),
    "errors": Answer(200, '{"errors": [{"message": "no"}]}'),
    "partial errors": Answer(
        200,
        (
            '{"data": {"channel": {"channelPath": "x"}, "package0": null}, '
            '"errors": [{"message": "no", "path": ["package0"]}]}'
        ),
    ),
    "no json": Answer(200, '{"data": '),
    "channel null": Answer(200, '{"data": {"channel": null, "package0": null}}'),
    "refused": Answer(401, "sign in"),
    "moved": Answer(302, "", {"Location": "https://elsewhere.example/"}),
    "cut": Cut(),
    "truncated": Truncate(10),
    "too large": Answer(200, b" " * (2**20 + 1)),
}


def nothing(*_: object) -> None:
    """Progress, or a transient failure, that the test ignores."""


def upload(to: prefix_dev.Channel, package: Package, *, force: bool = False) -> Status:
    return to.upload(package, force=force, on_progress=nothing, on_retry=nothing).status


def record_of(package: Package) -> Record:
    """What the channel should say of a package that it has."""
    md5 = hashlib.md5(package.path.read_bytes(), usedforsecurity=False).hexdigest()
    return Record(package.sha256, md5)


def on_server(server: LocalChannel, package: Package) -> bool:
    """Whether the server has exactly these bytes."""
    return server.sha256(CHANNEL, package.subdir, package.file_name) == package.sha256


def large_version(package: Package, folder: Path) -> Package:
    """64 MiB of zeros in the place of the package: more than all buffers between client and server."""
    size = 64 * 2**20
    path = folder / "large"
    with path.open("wb") as file:
        file.truncate(size)
    zeros = "3b6a07d0d404fab4e23b6d34bc6696a6a312dd92821332385e5af7c01c421351"
    return package.replace(path=path, size=size, sha256=zeros)


# The request.


@pytest.mark.parametrize("subdir", ["noarch", "linux-64"])
@pytest.mark.parametrize("extension", [".conda", ".tar.bz2"])
def test_the_raw_form(server: LocalChannel, connect: Connect, build: Build, subdir: str, extension: str) -> None:
    """One request with the headers of the documentation, and nothing else that says something."""
    package = build(subdir=subdir, extension=extension)
    assert upload(connect(), package) is Status.UPLOADED
    assert on_server(server, package)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", f"{UPLOAD}{CHANNEL}")
    assert dict(request.headers.items()) == {
        "Host": server.url.removeprefix("http://"),
        "User-Agent": f"prefix-upload/{__version__}",
        "Accept-Encoding": request.headers["Accept-Encoding"],
        "Accept": "*/*",
        "Connection": "keep-alive",
        "X-File-Name": package.file_name,
        "X-File-SHA256": package.sha256,
        "Content-Type": "application/octet-stream",
        "Content-Length": str(package.size),
        "Authorization": f"Bearer {TOKEN}",
    }


def test_force_is_asked_for(server: LocalChannel, connect: Connect, build: Build) -> None:
    """By the query, and only then."""
    server.publish(CHANNEL, build(content="old\n").path)
    package = build()
    assert upload(connect(), package, force=True) is Status.UPLOADED
    assert server.uploads[0].path.endswith("?force=true")
    assert on_server(server, package)


def test_a_channel_without_a_slash(tmp_path: Path, connect: Connect, package: Package) -> None:
    """A namespace is a channel, too."""
    with LocalChannel(tmp_path / "root", {"octo": Channel()}, {TOKEN: Access.READ_WRITE}) as server:
        assert upload(connect(url=server.url, name="octo"), package) is Status.UPLOADED


def test_memory_does_not_grow_with_the_file(
    server: LocalChannel, connect: Connect, package: Package, tmp_path: Path
) -> None:
    """A file is streamed: a few pieces of it are in memory, client and server together."""
    large = large_version(package, tmp_path)
    server.fail(Fault(Answer(200), path=UPLOAD))
    tracemalloc.start()
    try:
        assert upload(connect(), large) is Status.UPLOADED
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert server.uploads[0].body_size == large.size
    assert peak < 8 * 2**20


# Passing failures.


@pytest.mark.parametrize("status", PASSING)
def test_a_passing_answer_is_retried(
    server: LocalChannel, connect: Connect, package: Package, pauses: list[float], status: int
) -> None:
    """As often as allowed, with growing pauses."""
    server.fail(Fault(Answer(status, "later"), path=UPLOAD, times=2))
    assert upload(connect(retries=2), package) is Status.UPLOADED
    assert len(server.uploads) == 3
    assert pauses == [1.0, 2.0]
    assert on_server(server, package)


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST.keys())
def test_a_lost_connection_is_retried(
    server: LocalChannel, connect: Connect, package: Package, pauses: list[float], fault: Fault
) -> None:
    """After asking whether it arrived: so there are two uploads and one question."""
    server.fail(fault)
    assert upload(connect(), package) is Status.UPLOADED
    assert len(server.uploads) == 2
    assert pauses[0] == 1.0
    assert on_server(server, package)


def test_silence_is_retried(server: LocalChannel, connect: Connect, package: Package) -> None:
    """A server that says nothing for the timeout is asked again."""
    server.fail(Fault(Stall(), path=UPLOAD, at=At.START))
    assert upload(connect(timeout=2), package) is Status.UPLOADED
    assert len(server.uploads) == 2


@pytest.mark.parametrize(
    "then",
    [Cut(), Cut(reset=True), Answer(500), Answer(502, "<html>bad gateway</html>"), Answer(504), Stall()],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("retries", [0, 3])
def test_an_upload_whose_answer_was_lost_is_not_sent_again(
    server: LocalChannel,
    connect: Connect,
    package: Package,
    pauses: list[float],
    then: Answer | Cut | Stall,
    retries: int,
) -> None:
    """The channel is looked up first, after a pause, even if no attempt is left; the same bytes there are a success."""
    server.fail(Fault(then, path=UPLOAD, at=At.DONE))
    assert upload(connect(retries=retries, timeout=2 if isinstance(then, Stall) else 30), package) is Status.UPLOADED
    assert len(server.uploads) == 1
    assert pauses == [1]


def test_an_upload_that_arrived_late_is_ours(server: LocalChannel, connect: Connect, package: Package) -> None:
    """The record shows up only after the retry has met a 409: the package was uploaded, not already present."""
    server.fail(Fault(Answer(502), path=UPLOAD, at=At.DONE))
    server.lag(1)
    assert upload(connect(), package) is Status.UPLOADED
    assert [request.status for request in server.uploads] == [502, 409]


@pytest.mark.parametrize("retries", [0, 3])
def test_a_record_that_lags_behind_a_lost_response(
    server: LocalChannel, connect: Connect, package: Package, pauses: list[float], retries: int
) -> None:
    """It is looked up several times before the package is sent again, or given up."""
    server.fail(Fault(Cut(), path=UPLOAD, at=At.DONE))
    server.lag(3)
    assert upload(connect(retries=retries), package) is Status.UPLOADED
    assert len(server.uploads) == 1
    assert pauses == [1, 1, 2, 4]


def test_a_record_that_lags_behind_the_last_attempt(
    server: LocalChannel, connect: Connect, package: Package, pauses: list[float]
) -> None:
    """An error response may hide a stored package."""
    server.fail(Fault(Answer(502), path=UPLOAD, at=At.DONE))
    server.lag(4)
    assert upload(connect(retries=0), package) is Status.UPLOADED
    assert pauses == [1, 1, 2, 4, 8]


def test_a_record_that_lags_behind_another_upload(
    server: LocalChannel, connect: Connect, package: Package, pauses: list[float]
) -> None:
    """Another job has uploaded the same package: after the 409, its record is waited for."""
    upload(connect(), package)
    server.lag(3)
    assert upload(connect(), package) is Status.ALREADY_PRESENT
    assert pauses == [1, 2, 4]


def test_a_record_that_still_shows_what_was_overwritten(
    server: LocalChannel, connect: Connect, build: Build, pauses: list[float]
) -> None:
    """With force, other bytes are not final."""
    old, new = build(content="old\n"), build()
    server.publish(CHANNEL, old.path)
    server.lag(2)
    server.fail(Fault(Cut(), path=UPLOAD, at=At.DONE))
    assert upload(connect(), new, force=True) is Status.UPLOADED
    assert len(server.uploads) == 1
    assert pauses == [1, 1, 2]


def test_an_attempt_that_may_have_arrived_is_remembered(
    server: LocalChannel, connect: Connect, package: Package
) -> None:
    """The same bytes on the channel are this run's upload, even if a later attempt was refused with 429."""
    server.fail(Fault(Cut(), path=UPLOAD, at=At.DONE), Fault(Answer(429), path=UPLOAD))
    server.freeze_index(CHANNEL)
    server.lag(7)
    assert upload(connect(), package) is Status.UPLOADED
    assert [request.status for request in server.uploads] == [None, 429, 409]


def test_different_bytes_after_a_lost_response_are_a_conflict(
    server: LocalChannel, connect: Connect, build: Build
) -> None:
    """After a lost response, only the same bytes on the channel are a success."""
    server.publish(CHANNEL, build(content="old\n").path)
    server.fail(Fault(Cut(), path=UPLOAD, at=At.BODY))
    with pytest.raises(ConflictError):
        upload(connect(), build())
    assert len(server.uploads) == 2


@pytest.mark.parametrize("keep", [0, 3])
def test_a_success_that_breaks_off_is_one(server: LocalChannel, connect: Connect, package: Package, keep: int) -> None:
    """The status says it; the body is not looked at."""
    server.fail(Fault(Truncate(keep), path=UPLOAD))
    assert upload(connect(), package) is Status.UPLOADED
    assert len(server.uploads) == 1


def test_pauses_grow_and_are_bounded(
    server: LocalChannel, connect: Connect, package: Package, pauses: list[float]
) -> None:
    """Twice as long each time, half a minute at most."""
    server.fail(Fault(Answer(429), path=UPLOAD, times=7))
    upload(connect(retries=20), package)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_pauses_are_jittered(
    server: LocalChannel, connect: Connect, package: Package, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between half of it and all of it, so that runs that failed together do not return together."""
    server.fail(Fault(Answer(429), path=UPLOAD, times=2))
    there = connect()
    monkeypatch.setattr(there, "_retry_policy", there._retry_policy._replace(jitter=lambda: 0.0))
    upload(there, package)
    assert pauses == [0.5, 1.0]


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        ("7", 7),
        ("0", 1),
        ("", 1),
        ("soon", 1),
        ("1000000", 120),
        ("Thu, 01 Jan 2026 12:00:42 GMT", 42),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 1),
        ("Fri, 01 Jan 2027 12:00:00 GMT", 120),
        ("Mon, 01 Jan " + "9" * 30 + " 00:00:00 GMT", 1),
    ],
)
def test_retry_after_is_honoured(
    server: LocalChannel, connect: Connect, package: Package, pauses: list[float], value: str, pause: float
) -> None:
    """Seconds or a date, never shorter than one's own pause and never longer than two minutes."""
    server.fail(Fault(Answer(429, "", {"Retry-After": value}), path=UPLOAD))
    upload(connect(), package)
    assert pauses == [pause]


def test_giving_up_after_a_clear_no(server: LocalChannel, connect: Connect, package: Package) -> None:
    """The server's words are shown, and it is clear that nothing arrived."""
    server.fail(Fault(Answer(429, "slow down"), path=UPLOAD, times=None))
    with pytest.raises(ChannelError, match=r"^Gave up after 3 attempts: HTTP 429: slow down\.$") as caught:
        upload(connect(), package)
    assert not isinstance(caught.value, ChannelWideError)
    assert [request.path for request in server.requests] == [f"{UPLOAD}{CHANNEL}"] * 3
    assert "Re-run it" in caught.value.hint


@pytest.mark.parametrize("fault", [*DOUBTFUL.values(), Fault(Answer(503, "down"), path=UPLOAD)], ids=[*DOUBTFUL, "503"])
def test_giving_up_in_doubt(server: LocalChannel, connect: Connect, package: Package, fault: Fault) -> None:
    """Where it may have arrived the message says so."""
    server.fail(replace(fault, times=None))
    with pytest.raises(
        ChannelError, match=r"Gave up after 1 attempt: .* It is not on the channel yet, but may still appear"
    ) as caught:
        upload(connect(retries=0), package)
    assert not isinstance(caught.value, ChannelWideError)


BROKEN_OFF = {
    "closed": Cut(),
    "reset": Cut(reset=True),
    "503": Answer(503, "down", lingers=False),
}


@pytest.mark.parametrize("then", BROKEN_OFF.values(), ids=BROKEN_OFF.keys())
def test_giving_up_what_was_never_sent_completely(
    server: LocalChannel, connect: Connect, package: Package, tmp_path: Path, then: Answer | Cut
) -> None:
    """It cannot have arrived: it is not looked up, and nothing is in doubt."""
    server.fail(Fault(then, path=UPLOAD, at=100, times=None))
    with pytest.raises(ChannelError, match=r"^Gave up after 2 attempts: ") as caught:
        upload(connect(retries=1), large_version(package, tmp_path))
    assert "on the channel" not in caught.value.message
    assert not isinstance(caught.value, ChannelWideError)
    assert [request.path for request in server.requests] == [f"{UPLOAD}{CHANNEL}"] * 2


def test_a_server_that_is_not_there(
    connect: Connect, closed_url: str, package: Package, pauses: list[float], server: LocalChannel
) -> None:
    """After the retries, and for all packages: the address is wrong, or the network."""
    with pytest.raises(ChannelWideError, match=r"Could not connect to the server: .*Connection refused") as caught:
        upload(connect(url=closed_url), package)
    assert "⟨server-url⟩" in caught.value.hint
    assert pauses == [1, 2]
    assert server.requests == []


def test_a_host_that_cannot_be(connect: Connect, package: Package, pauses: list[float]) -> None:
    """Not even one retry."""
    with pytest.raises(ChannelWideError, match="Could not connect"):
        upload(connect(url="https://a..b"), package)
    assert pauses == []


# Final answers.


@pytest.mark.parametrize(("status", "hint"), [(401, "the API key in ⟨token⟩"), (403, CHANNEL), (404, f"'{CHANNEL}'")])
def test_answers_that_are_the_same_for_all(
    server: LocalChannel, connect: Connect, package: Package, status: int, hint: str
) -> None:
    """They stop the batch, and the advice names what to look at."""
    server.fail(Fault(Answer(status, "these words"), path=UPLOAD))
    with pytest.raises(ChannelWideError, match=f"HTTP {status}: these words") as caught:
        upload(connect(), package)
    assert hint in caught.value.hint
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (400, "could not read the request or the package"),
        (411, "See the server's message above."),
        (413, "larger than the server, a proxy or the channel's plan allows"),
        (415, "See the server's message above."),
        (418, "See the server's message above."),
        (422, "rejected the contents of the package"),
        (451, "See the server's message above."),
    ],
)
def test_answers_about_one_file(
    server: LocalChannel, connect: Connect, package: Package, status: int, hint: str
) -> None:
    """The error is final for this file only, and has the server's message and a hint."""
    server.fail(Fault(Answer(status, "these words"), path=UPLOAD))
    with pytest.raises(ChannelError, match=f"HTTP {status}: these words") as caught:
        upload(connect(), package)
    assert not isinstance(caught.value, ChannelWideError)
    assert hint in caught.value.hint
    assert len(server.requests) == 1


def test_the_real_refusals(server: LocalChannel, connect: Connect, package: Package) -> None:
    """A wrong key and an unknown channel, by the server's own rules."""
    with pytest.raises(ChannelWideError, match="HTTP 401"):
        upload(connect(token="pfx_other"), package)
    with pytest.raises(ChannelWideError, match="HTTP 401") as caught:
        upload(connect(token=None), package)
    assert "Pass an API key" in caught.value.hint
    with pytest.raises(ChannelWideError, match="HTTP 404: no channel octo/other"):
        upload(connect(name="octo/other"), package)
    assert server.files(CHANNEL) == {}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"x" * 50_000_000, "x" * 500 + "…"),
        (b"<html><body><h1>413</h1><p>Request too <b>large</b></p></body></html>", "413 Request too large"),
        (b"", "empty response"),
    ],
    ids=["50 MB", "html", "nothing"],
)
def test_the_servers_words_are_bounded(
    server: LocalChannel, connect: Connect, package: Package, body: bytes, words: str
) -> None:
    """Fifty megabytes of them, or a gateway's page, become a line."""
    server.fail(Fault(Answer(413, body), path=UPLOAD))
    with pytest.raises(ChannelError) as caught:
        upload(connect(), package)
    assert words in caught.value.message
    assert len(caught.value.message) < 600


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_an_upload_is_not_sent_on(
    server: LocalChannel, connect: Connect, package: Package, tmp_path: Path, status: int
) -> None:
    """The error names the host, and neither token nor package go there."""
    with LocalChannel(tmp_path / "elsewhere", {CHANNEL: Channel()}, {TOKEN: Access.READ_WRITE}) as elsewhere:
        server.fail(Fault(Answer(status, "", {"Location": f"{elsewhere.url}{UPLOAD}{CHANNEL}"}), path=UPLOAD))
        with pytest.raises(ChannelWideError, match=elsewhere.url.removeprefix("http://")) as caught:
            upload(connect(), package)
        assert "⟨server-url⟩" in caught.value.hint
        assert elsewhere.requests == []


@pytest.mark.parametrize("location", ["", "http://[", "/login"])
def test_a_redirect_to_no_address(server: LocalChannel, connect: Connect, package: Package, location: str) -> None:
    """Still an error of the server's, not a crash of ours."""
    server.fail(Fault(Answer(302, b"x" * 10**6, {"Location": location}), path=UPLOAD))
    with pytest.raises(ChannelWideError, match="The server redirected the upload to"):
        upload(connect(), package)


@pytest.mark.parametrize("status", [401, 402, 403, 404, 413, 422, 302])
def test_a_final_answer_in_doubt(server: LocalChannel, connect: Connect, package: Package, status: int) -> None:
    """It does not hide that an earlier attempt may have arrived."""
    server.fail(Fault(Cut(), path=UPLOAD), Fault(Answer(status, "no"), path=UPLOAD))
    with pytest.raises(
        ChannelError, match=r"An earlier attempt may have arrived\. It is not on the channel yet, but may still appear"
    ):
        upload(connect(), package)


def test_a_final_answer_although_it_arrived(server: LocalChannel, connect: Connect, package: Package) -> None:
    """The channel is asked once more, in case it did not tell before."""
    server.fail(Fault(Cut(), path=UPLOAD, at=At.DONE), Fault(Answer(401, "expired"), path=UPLOAD))
    server.fail(Fault(Answer(400), path=GRAPHQL), Fault(Answer(400), path=REPODATA))
    assert upload(connect(), package) is Status.UPLOADED


def test_a_final_failure_in_doubt(
    server: LocalChannel, connect: Connect, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where no further attempt can reach the server."""
    server.fail(Fault(Cut(), path=UPLOAD))
    there = connect()

    def lose_the_way(_: float) -> None:
        there._client._server_url = "http://a..b"

    monkeypatch.setattr(there, "_retry_policy", there._retry_policy._replace(sleep=lose_the_way))
    with pytest.raises(ChannelWideError, match=r"Could not connect .* An earlier attempt may have arrived\."):
        upload(there, package)


# A file name that is taken.


def test_same_bytes_are_already_there(server: LocalChannel, connect: Connect, package: Package) -> None:
    """Somebody else was faster with the same package."""
    server.publish(CHANNEL, package.path)
    assert upload(connect(), package) is Status.ALREADY_PRESENT


def test_other_bytes_are_a_conflict(server: LocalChannel, connect: Connect, build: Build) -> None:
    """The error shows both hashes and the three ways out."""
    there, here = build(content="old\n"), build()
    server.publish(CHANNEL, there.path)
    with pytest.raises(ConflictError) as caught:
        upload(connect(), here)
    assert there.sha256 in caught.value.message
    assert here.sha256 in caught.value.message
    assert f"'noarch/{here.file_name}'" in caught.value.message
    assert all(word in caught.value.hint for word in ("build number", "⟨skip-existing⟩", "⟨force⟩"))


def test_a_conflict_in_spite_of_force(server: LocalChannel, connect: Connect, build: Build) -> None:
    """The server does not overwrite: its words are shown, and the hint does not suggest `force`."""
    there, here = build(content="old\n"), build()
    server.publish(CHANNEL, there.path)
    server.fail(Fault(Answer(409, "this channel is append-only"), path=UPLOAD))
    with pytest.raises(ChannelError, match="append-only") as caught:
        upload(connect(), here, force=True)
    assert not isinstance(caught.value, ConflictError)
    assert "⟨force⟩" not in caught.value.hint


@pytest.mark.parametrize("then", GRAPHQL_FAULTS.values(), ids=GRAPHQL_FAULTS.keys())
def test_a_conflict_is_judged_by_the_repodata_where_graphql_is_down(
    server: LocalChannel, connect: Connect, package: Package, then: Answer | Cut | Truncate
) -> None:
    """One of the two is enough."""
    server.publish(CHANNEL, package.path)
    server.fail(Fault(then, path=GRAPHQL, times=None))
    assert upload(connect(), package) is Status.ALREADY_PRESENT


def test_a_conflict_that_graphql_does_not_know_of(server: LocalChannel, connect: Connect, package: Package) -> None:
    """A record that is not there yet does not outweigh the repodata."""
    server.publish(CHANNEL, package.path)
    server.tamper(CHANNEL, package.subdir, package.file_name, None)
    assert upload(connect(), package) is Status.ALREADY_PRESENT


def test_a_conflict_with_bytes_that_cannot_be_looked_up(
    server: LocalChannel, connect: Connect, package: Package
) -> None:
    """A file name says nothing about its bytes: never success."""
    server.publish(CHANNEL, package.path)
    server.fail(*(Fault(Answer(500), path=path, times=None) for path in (GRAPHQL, REPODATA, package.file_name)))
    with pytest.raises(ConflictError, match="its hash could not be looked up"):
        upload(connect(retries=0), package)


@pytest.mark.parametrize("status", [401, 500])
def test_a_conflict_with_a_file_that_only_itself_shows(
    server: LocalChannel, connect: Connect, build: Build, status: int
) -> None:
    """Its bytes are hashed, and compared if they are others."""
    package, other = build(content="new\n"), build(content="old\n")
    server.fail(*(Fault(Answer(status), path=path, times=None) for path in (GRAPHQL, REPODATA)))
    server.publish(CHANNEL, package.path)
    assert upload(connect(retries=0), package) is Status.ALREADY_PRESENT
    server.publish(CHANNEL, other.path)
    with pytest.raises(ConflictError, match=f"its SHA-256 is {other.sha256} there.*share/demo.txt' differs"):
        upload(connect(retries=0), package)


def test_a_conflict_with_a_file_that_the_index_does_not_know_yet(
    server: LocalChannel, connect: Connect, build: Build
) -> None:
    """The hash in the index is that of an earlier file."""
    package, other = build(content="new\n"), build(content="old\n")
    server.publish(CHANNEL, other.path)
    server.freeze_index(CHANNEL)
    server.publish(CHANNEL, package.path)
    server.fail(Fault(Answer(500), path=GRAPHQL, times=None))
    assert upload(connect(retries=0), package) is Status.ALREADY_PRESENT


# A file that is not the validated one any more.


def rewrite(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [rewrite, truncate, grow, remove])
def test_a_changed_file_is_not_published(
    server: LocalChannel, connect: Connect, package: Package, change: Callable[[Path], None], pauses: list[float]
) -> None:
    """Nothing is stored under its name, and nothing is retried."""
    change(package.path)
    with pytest.raises(FileChangedError):
        upload(connect(), package)
    server.settle()
    assert server.files(CHANNEL) == {}
    assert len(server.uploads) <= 1
    assert pauses == []


def test_a_file_that_changes_between_two_attempts(
    server: LocalChannel, connect: Connect, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt hashes what it sends."""
    server.fail(Fault(Answer(429), path=UPLOAD))
    there = connect()
    monkeypatch.setattr(there, "_retry_policy", there._retry_policy._replace(sleep=lambda _: rewrite(package.path)))
    with pytest.raises(FileChangedError):
        upload(there, package)
    server.settle()
    assert server.files(CHANNEL) == {}


def test_progress_ends_an_upload(server: LocalChannel, connect: Connect, package: Package) -> None:
    """What the callback raises comes out, and nothing is stored."""

    def stop(_: int) -> None:
        raise ChannelError("stop", "")

    with pytest.raises(ChannelError, match="stop"):
        connect().upload(package, force=False, on_progress=stop, on_retry=nothing)
    server.settle()
    assert server.files(CHANNEL) == {}


# Looking up.


def undated(records: Records) -> Records:
    """The records without the time at which the server says that they were created."""
    return {key: record._replace(created=None) for key, record in records.items()}


def test_a_batch_is_one_request(server: LocalChannel, connect: Connect, build: Build) -> None:
    """What is there, what is not, and what is there with different bytes: by one GraphQL request, with the token."""
    there, missing, other = build("there"), build("missing", subdir="linux-64"), build("other")
    server.publish(CHANNEL, there.path)
    old = build("other", content="old\n")
    server.publish(CHANNEL, old.path)
    found = connect().queries.lookup([there, missing, other])
    assert found.failures == ()
    assert undated(found.records) == {
        there.key: record_of(there),
        missing.key: Record(None),
        other.key: record_of(old),
    }
    (request,) = server.requests
    assert (request.path, request.headers["Authorization"]) == (GRAPHQL, f"Bearer {TOKEN}")
    assert request.headers["Content-Type"] == "application/json"


def test_the_size_of_a_batch() -> None:
    """A hundred packages in a request."""
    assert BATCH_SIZE == 100


@pytest.mark.parametrize("then", GRAPHQL_FAULTS.values(), ids=GRAPHQL_FAULTS.keys())
def test_repodata_tells_where_graphql_does_not(
    server: LocalChannel, connect: Connect, build: Build, then: Answer | Cut | Truncate
) -> None:
    """Read through the redirect to the storage's origin, which is not shown the token."""
    packages = [build("one"), build("two", subdir="linux-64"), build("missing")]
    for package in packages[:2]:
        server.publish(CHANNEL, package.path)
    server.fail(Fault(then, path=GRAPHQL, times=None))
    found = connect(retries=0).queries.lookup(packages)
    from_graphql = {package.key: record_of(package) for package in packages[:2]}
    from_repodata = {key: record._replace(may_be_outdated=True) for key, record in from_graphql.items()}
    assert found.records.items() >= from_repodata.items() or found.records.items() >= from_graphql.items()
    assert found.records.get(packages[2].key, Record(None)) == Record(None)
    storage = [request for request in server.requests if request.origin == "storage"]
    assert storage
    assert {request.headers["Authorization"] for request in storage} == {None}


@pytest.mark.parametrize("then", [Answer(503), Truncate(10)], ids=["refused", "cut off"])
def test_a_question_is_repeated(
    server: LocalChannel, connect: Connect, package: Package, pauses: list[float], then: Answer | Truncate
) -> None:
    """A passing failure of GraphQL is waited for, but not for long."""
    server.fail(Fault(then, path=GRAPHQL, times=2))
    assert connect(retries=20).queries.lookup([package]).records == {package.key: Record(None)}
    assert pauses == [1, 2]


def test_repodata_is_only_used_for_its_own_subdir(server: LocalChannel, connect: Connect, build: Build) -> None:
    """A file with the same name in another subdir is a different file."""
    there, elsewhere = build(), build(subdir="linux-64", content="other\n")
    server.publish(CHANNEL, there.path)
    server.fail(Fault(Answer(500), path=GRAPHQL, times=None))
    found = connect(retries=0).queries.lookup([there, elsewhere])
    assert found.records.get(there.key) == record_of(there)._replace(may_be_outdated=True)
    assert found.records.get(elsewhere.key, Record(None)) == Record(None)


def test_repodata_is_read_anonymously_after_a_403(server: LocalChannel, connect: Connect, package: Package) -> None:
    """If the server refuses the token for repodata, it is requested again without the token."""
    server.publish(CHANNEL, package.path)
    server.fail(Fault(Answer(500), path=GRAPHQL, times=None), Fault(Answer(403), path=REPODATA))
    found = connect(retries=0).queries.lookup([package])
    assert found.records == {package.key: record_of(package)._replace(may_be_outdated=True)}
    requests = [request for request in server.requests if request.origin == "api" and request.path.endswith(REPODATA)]
    assert [request.headers["Authorization"] for request in requests] == [f"Bearer {TOKEN}", None]


def test_large_graphql_responses_are_read(server: LocalChannel, connect: Connect, package: Package) -> None:
    """A response of 1 MiB is read completely."""
    body = b'{"data": {"channel": {}, "package0": null}}'
    server.fail(Fault(Answer(200, body.ljust(2**20)), path=GRAPHQL))
    assert connect(retries=0).queries.lookup([package]).records == {package.key: Record(None)}


def test_queries_time_out_sooner_than_uploads(
    server: LocalChannel, connect: Connect, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every query has a timeout of 60 seconds, even if uploads have more."""
    timeouts = {}
    send = Client._send

    def note(self: Client, method: str, url: str, *, timeout: float, **rest: Any) -> Response:
        timeouts[urlsplit(url).path.rpartition("/")[2]] = timeout
        return send(self, method, url, timeout=timeout, **rest)

    monkeypatch.setattr(Client, "_send", note)
    server.fail(Fault(Answer(500), path=GRAPHQL))
    there = connect(retries=0, timeout=300)
    there.queries.lookup([package])
    upload(there, package)
    there.queries.has_attestation(package, "{}")
    assert timeouts == {"graphql": 60, "repodata.json": 60, f"{package.file_name}.v0.sigs": 60, "stable": 300}


def test_attestation_queries_are_not_retried(
    server: LocalChannel, connect: Connect, package: Package, pauses: list[float]
) -> None:
    """They are requested once, without a pause."""
    server.fail(Fault(Answer(503), path=".sigs", times=None))
    assert connect(retries=20).queries.has_attestation(package, "{}") is None
    assert [request.path.rpartition(package.file_name)[2] for request in server.requests] == [".v0.sigs"]
    assert pauses == []


def test_a_question_is_given_up(server: LocalChannel, connect: Connect, package: Package, pauses: list[float]) -> None:
    """After two retries, however many an upload has: there is another way to ask."""
    server.fail(Fault(Answer(503, "down"), path=GRAPHQL, times=None))
    server.publish(CHANNEL, package.path)
    found = connect(retries=20).queries.lookup([package])
    assert found.records == {package.key: record_of(package)._replace(may_be_outdated=True)}
    assert tuple(map(str, found.failures)) == ("GraphQL: HTTP 503: down",)
    assert pauses == [1, 2]


def test_both_are_down(server: LocalChannel, connect: Connect, package: Package) -> None:
    """Nothing is known, and the reasons are reported."""
    server.fail(Fault(Answer(500, "no graph"), path=GRAPHQL, times=None))
    server.fail(Fault(Answer(404, "no index"), path=REPODATA, times=None))
    found = connect(retries=0).queries.lookup([package])
    assert found.records == {}
    assert tuple(map(str, found.failures)) == ("GraphQL: HTTP 500: no graph", "repodata of noarch: HTTP 404: no index")


def test_nobody_listens(connect: Connect, closed_url: str, package: Package) -> None:
    """A lookup never raises."""
    found = connect(url=closed_url, retries=0).queries.lookup([package])
    assert found.records == {}
    assert all("Connection refused" in str(failure) for failure in found.failures)


def test_a_host_that_cannot_be_asked(connect: Connect, package: Package, pauses: list[float]) -> None:
    """Final for questions, too."""
    assert connect(url="https://a..b").queries.lookup([package]).records == {}
    assert pauses == []


def test_repodata_beyond_all_measure(
    server: LocalChannel, connect: Connect, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not read to its end, and not taken for a short one."""
    server.publish(CHANNEL, package.path)
    server.fail(Fault(Answer(500), path=GRAPHQL, times=None))
    monkeypatch.setattr(queries, "_MAX_REPODATA_BODY", 20)
    found = connect(retries=0).queries.lookup([package])
    assert found.records == {}
    assert "repodata of noarch: the response is truncated or too large" in map(str, found.failures)


@pytest.mark.parametrize(("token", "known"), [(TOKEN, True), (None, False)], ids=["token", "no token"])
def test_a_private_channel(tmp_path: Path, connect: Connect, package: Package, token: str | None, known: bool) -> None:
    """It is seen with the token only; without it the doubts say why."""
    with LocalChannel(tmp_path / "root", {"octo/x": Channel(public=False)}, {TOKEN: Access.READ_WRITE}) as server:
        server.publish("octo/x", package.path)
        found = connect(url=server.url, name="octo/x", token=token).queries.lookup([package])
    assert (undated(found.records) == {package.key: record_of(package)}) is known
    assert (found.failures == ()) is known
    assert known or "no such channel, or not visible with these credentials" in str(found.failures[0])


def test_retry_after_of_a_question(
    server: LocalChannel, connect: Connect, package: Package, pauses: list[float]
) -> None:
    """Honoured as for uploads."""
    when = format_datetime(connect()._retry_policy.now() + timedelta(seconds=9), usegmt=True)
    server.fail(Fault(Answer(429, "", {"Retry-After": when}), path=GRAPHQL))
    connect().queries.lookup([package])
    assert pauses == [9]
