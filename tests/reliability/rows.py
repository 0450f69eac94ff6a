"""The rows: what goes wrong, and how both runs have to end."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from localchannel import Answer, At, Call, Cut, Drip, Fault, Interim, Stall, Truncate
from localchannel.index import PARTS
from reliability.scene import HIT, IN_THE_BODY, LARGE, OTHER, Scene, package_bytes
from reliability.wire import Harm, Rule
from support.building import written
from support.running import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from localchannel.faults import Action
    from localchannel.index import Part

RETRIES = 2
"""The input `retries` of all runs, but where a row says otherwise."""

UPLOADED, PRESENT, FAILED, NOT_ATTEMPTED = "uploaded", "already-present", "failed", "not-attempted"
SAME_CONTENT = "same-content"
NOT_LISTED = ("—", "—")
"""The statuses of a run that ended before it looked for files."""
_UNKNOWN_HASH = "0" * 64


@dataclass(frozen=True)
class Row:
    """One fault. Where there are two statuses, the first is that of the affected package, the second another's.

    Attributes:
        fault: What goes wrong.
        plan: Makes it go wrong.
        reads: Words of an annotation; none if there is no annotation.
        ends: The statuses after the first run.
        exit_code: Its exit code.
        channel: Whether the channel then has the packages with their bytes; `None`: those whose status says so.
        again: The statuses after the second run, in which nothing goes wrong any more.
        again_code: Its exit code.
        repair: What a user has to do before it.
        repaired: The same in words.
        waits: Between how many seconds the longest pause of the first run has to be.
        tls: Whether the server speaks TLS.
        offline: Whether the first run has no network at all, which takes a container.
    """

    fault: str
    plan: Callable[[Scene], object]
    reads: str = ""
    ends: tuple[str, str] = (UPLOADED, UPLOADED)
    exit_code: int = 0
    channel: tuple[bool, bool] | None = None
    again: tuple[str, str] | None = None
    again_code: int = 0
    repair: Callable[[Scene], object] = lambda _: None
    repaired: str = ""
    waits: tuple[float, float] | None = None
    tls: bool = False
    offline: bool = False

    @property
    def on_channel(self) -> tuple[bool, bool]:
        """Which of the packages the channel has after the first run, with their bytes."""
        if self.channel is not None:
            return self.channel
        first, second = (status in {UPLOADED, PRESENT} for status in self.ends)
        return first, second

    @property
    def ends_again(self) -> tuple[str, str]:
        """The statuses after the second run: what was there is found, and what was missing is uploaded."""
        if self.again is not None:
            return self.again
        first, second = (PRESENT if is_there else UPLOADED for is_there in self.on_channel)
        return first, second


# Where a fault sets in.


def upload(then: Action, at: At | int = At.BODY, times: int | None = 1) -> Fault:
    """A fault of the upload of the package that is hit."""
    return Fault(then, at=at, path="/upload/", file=f"{HIT}.conda", times=times)


def graph(then: Action, times: int | None = None, at: At = At.BODY) -> Fault:
    """A fault of the questions to GraphQL."""
    return Fault(then, at=at, path="/api/graphql", times=times)


def repodata(then: Action) -> Fault:
    """A fault of the repodata."""
    return Fault(then, path="repodata.json", times=None)


def download(then: Action) -> Fault:
    """A fault of the downloads of the package that is hit."""
    return Fault(then, method="GET", path=f"/noarch/{HIT}.conda", times=None)


def failing(*faults: Fault, **inputs: str) -> Callable[[Scene], object]:
    """A plan in which the server fails so, in a run with these inputs."""

    def plan(scene: Scene) -> None:
        scene.set(**inputs)
        scene.fail(*faults)

    return plan


def needed_and(then: Callable[[Scene], object]) -> Callable[[Scene], object]:
    """A plan in which the other package depends on the one that is hit."""

    def plan(scene: Scene) -> None:
        written(scene.other, package_bytes(OTHER, depends=("hit >=1",)))
        then(scene)

    return plan


def over_the_plan(scene: Scene) -> None:
    """A plan of the account with a limit of 1 MiB for a package, of which the server tells."""
    written(scene.hit, package_bytes(HIT, size=LARGE))
    scene.server.limit({"entityType": "PACKAGE_SIZE", "used": 0, "limit": 2**20})


def not_allowed(scene: Scene) -> None:
    """A package that needs revision 3 of repodata, for a channel that does not allow that."""
    written(scene.hit, package_bytes(HIT, depends=("tool[when='__unix']",)))
    scene.server.allow_v3(CHANNEL, allowed=False)


def not_allowed_and_not_told(scene: Scene) -> None:
    """The same, on a server that does not know the field of the setting."""
    not_allowed(scene)
    scene.fail(graph(Answer(200, '{"errors": [{"message": "unknown field"}]}'), times=1))


def over_a_wire(
    harm: Harm, sent: int = 0, received: int | None = None, times: int | None = 1, **inputs: str
) -> Callable[[Scene], object]:
    """A plan with a relay before the server."""

    def plan(scene: Scene) -> None:
        scene.set(**inputs)
        scene.wire(Rule(harm, sent, received, times))

    return plan


def before_the_upload(act: Callable[[Scene], object]) -> Callable[[Scene], object]:
    """A plan in which something happens between the validation of the files and their uploads."""
    return lambda scene: scene.fail(graph(Call(lambda: act(scene)), times=1, at=At.DONE))


# What happens to files and addresses.


def nobody_listens(scene: Scene) -> None:
    """The address of a port that is closed."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        scene.set(server_url=f"http://127.0.0.1:{taken.getsockname()[1]}", concurrency="1")


def another_scheme(scheme: str) -> Callable[[Scene], object]:
    """The right address, spoken to in another way."""

    def plan(scene: Scene) -> None:
        scene.set(server_url=f"{scheme}://{scene.server.url.partition('://')[2]}", concurrency="1")

    return plan


def a_certificate(host: str = "127.0.0.1", expires: datetime | None = None) -> Callable[[Scene], object]:
    """A server whose certificate is for this host, until then."""
    return lambda scene: scene.set(server_url=scene.another_server(host, expires).url, concurrency="1")


def an_unknown_authority(scene: Scene) -> None:
    """The action does not trust the server's authority."""
    scene.variables.clear()
    scene.set(concurrency="1")


def a_proxy_that_is_not_there(scene: Scene) -> None:
    """As `HTTPS_PROXY` names it, for a server that is not on this machine."""
    nobody_listens(scene)
    scene.variables["HTTPS_PROXY"] = scene.inputs["server-url"]
    scene.set(server_url="https://channel.test")


def replace(path: Path, act: Callable[[Path], object]) -> None:
    """Something else in the place of the file."""
    path.unlink()
    act(path)


def rebuild(scene: Scene) -> None:
    """The package is built anew."""
    if scene.hit.is_dir():
        scene.hit.rmdir()
    scene.hit.unlink(missing_ok=True)
    written(scene.hit, package_bytes(HIT, seed=2))


def link_out(path: Path) -> None:
    """A link to a file outside of the workspace."""
    target = written(path.parent.parent / "secret", b"not for the world\n" * 1000)
    path.symlink_to(target)


def other_file(number: int) -> Callable[[Scene], object]:
    """Another package under the same name, of other or the same bytes."""
    return lambda scene: written(scene.hit, package_bytes(HIT, seed=number))


CHANGED = "changed after it was validated"
GONE = "can no longer be read"


def changing(what: str, act: Callable[[Scene], object], reads: str = CHANGED) -> Row:
    """A file that is not the validated one any more."""
    return Row(
        f"The file {what} between validation and upload",
        before_the_upload(act),
        reads,
        (FAILED, UPLOADED),
        5,
        repair=rebuild,
        repaired="after a rebuild",
        again=(UPLOADED, PRESENT),
    )


UNREACHABLE = (FAILED, NOT_ATTEMPTED)


def with_variable(name: str, value: str) -> Callable[[Scene], object]:
    """A server elsewhere, and this in the environment."""

    def plan(scene: Scene) -> None:
        scene.set(server_url="https://channel.test")
        scene.variables[name] = value

    return plan


NO_CONNECTION = [
    Row("Nothing listens at the address", nobody_listens, "Connection refused (127.0.0.1:", UNREACHABLE, 5),
    Row(
        "The server's name cannot be resolved",
        lambda scene: scene.set(server_url="https://prefix.dev", concurrency="1"),
        "Could not connect to the server: Failed to resolve 'prefix.dev'",
        UNREACHABLE,
        5,
        offline=True,
    ),
    Row("An untrusted certificate", an_unknown_authority, "its certificate was rejected", UNREACHABLE, 5, tls=True),
    Row(
        "Another host's certificate",
        a_certificate("elsewhere.example"),
        "its certificate was rejected (IP address mismatch",
        UNREACHABLE,
        5,
        tls=True,
    ),
    Row(
        "An expired certificate",
        a_certificate(expires=datetime(2020, 1, 1, tzinfo=UTC)),
        "its certificate was rejected (certificate has expired)",
        UNREACHABLE,
        5,
        tls=True,
    ),
    Row("Plain HTTP where TLS is expected", another_scheme("https"), "wrong version number", UNREACHABLE, 5),
    Row(
        "TLS where plain HTTP is expected",
        another_scheme("http"),
        "Gave up after 3 attempts",
        (FAILED, FAILED),
        5,
        tls=True,
    ),
    Row(
        "Connections closed during the TLS handshake",
        over_a_wire(Harm.CLOSE, sent=1, times=None, concurrency="1"),
        "Could not connect to the server: ",
        UNREACHABLE,
        5,
        tls=True,
    ),
    Row(
        "`HTTPS_PROXY` is malformed",
        with_variable("HTTPS_PROXY", "http://user:pass#word@proxy.test"),
        "HTTPS_PROXY is not a valid proxy URL",
        NOT_LISTED,
        2,
    ),
    Row(
        "`HTTPS_PROXY` names a SOCKS proxy",
        with_variable("HTTPS_PROXY", "socks5://proxy.test:1080"),
        "HTTPS_PROXY names a SOCKS proxy, and only HTTP proxies are supported.",
        NOT_LISTED,
        2,
    ),
    Row(
        "`REQUESTS_CA_BUNDLE` names a file that the container does not have",
        with_variable("REQUESTS_CA_BUNDLE", "/etc/ssl/missing.pem"),
        "REQUESTS_CA_BUNDLE is '/etc/ssl/missing.pem', but there is no such file here.",
        NOT_LISTED,
        2,
    ),
    Row(
        "A proxy that is down",
        a_proxy_that_is_not_there,
        "Connection refused (channel.test:443, through the proxy 127.0.0.1:",
        UNREACHABLE,
        5,
        tls=True,
    ),
]

LOST = [
    *(
        Row(f"The connection is {how} {when}", failing(upload(Cut(reset=how == "reset"), at)))
        for when, at in (("before the body", At.START), ("in the body", 100), ("after the body", At.BODY))
        for how in ("closed", "reset")
    ),
    *(
        Row(
            f"The package is stored, then the connection is {how} without a response",
            failing(upload(Cut(reset), At.DONE)),
        )
        for how, reset in (("closed", False), ("reset", True))
    ),
    Row(
        "The package is stored, the response is lost, and no retry is left",
        failing(upload(Cut(), At.DONE), retries="0"),
    ),
    Row(
        "The package is stored, and the response is lost at every attempt", failing(upload(Cut(), At.DONE, times=None))
    ),
    *(
        Row(
            f"A middlebox {what} the connection in the body, {layer}",
            over_a_wire(harm, sent=IN_THE_BODY),
            tls=layer == "TLS",
        )
        for what, harm in (("closes", Harm.CLOSE), ("resets", Harm.RESET))
        for layer in ("HTTP", "TLS")
    ),
    *(
        Row(
            f"A middlebox truncates the response after {count} bytes, {layer}",
            over_a_wire(Harm.CLOSE, sent=LARGE, received=count),
            tls=layer == "TLS",
        )
        for count in (0, 5, 20)
        for layer in ("HTTP", "TLS")
    ),
    Row("The head of the response arrives, but not its body", failing(upload(Truncate()))),
    Row(
        "The connection is reset in the body, at every attempt",
        failing(upload(Cut(reset=True), 100, times=None)),
        "It is not on the channel yet, but may still appear.",
        (FAILED, UPLOADED),
        5,
    ),
    Row(
        "The package is stored, the response is lost, and the channel's records are unavailable",
        failing(upload(Cut(), At.DONE), graph(Answer(500)), repodata(Answer(500))),
        "The server accepted the package, but its record could not be read, so the hashes were not compared.",
    ),
    Row(
        "The package is stored, the response is lost, and neither records nor package are available",
        failing(upload(Cut(), At.DONE), graph(Answer(500)), repodata(Answer(500)), download(Answer(500))),
        "but its hash could not be looked up",
        (FAILED, UPLOADED),
        5,
        channel=(True, True),
    ),
]

SILENCE = [
    Row("The server stores the package and never responds, once", failing(upload(Stall()), timeout="1")),
    Row("The server stops reading, once", over_a_wire(Harm.STALL, sent=IN_THE_BODY, timeout="1")),
    Row("The server stops reading, once, TLS", over_a_wire(Harm.STALL, sent=IN_THE_BODY, timeout="1"), tls=True),
    Row(
        "The server never responds, at every attempt",
        failing(upload(Stall(), times=None), timeout="1", retries="1"),
        "Gave up after 2 attempts: timed out (127.0.0.1:",
        (FAILED, UPLOADED),
        5,
    ),
    Row(
        "The head of the response arrives a byte at a time, without end, once",
        failing(upload(Drip(b"HTTP/1.1 200 OK\r\nX-Padding: ", b"x")), timeout="1"),
    ),
    Row(
        "The server sends 100 Continue again and again, once",
        failing(upload(Drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n")), timeout="1"),
    ),
    Row("102 and 103 before the response, every time", failing(Fault(Interim((102, 103)), at=At.DONE, times=None))),
    Row(
        "A slow connection: the upload makes progress, but takes longer than the timeout",
        over_a_wire(Harm.DELAY, timeout="1"),
    ),
]

BUSY_CODES = (408, 425, 429, 500, 502, 503, 504)
BUSY = [
    *(Row(f"{code} {HTTPStatus(code).phrase}, once", failing(upload(Answer(code, "later")))) for code in BUSY_CODES),
    *(
        Row(
            f"{code}, once, with `Retry-After: 7`",
            failing(upload(Answer(code, "later", {"Retry-After": "7"}))),
            waits=(7, 7),
        )
        for code in BUSY_CODES
    ),
    *(
        Row(
            f"429, once, with `Retry-After: {value}`",
            failing(upload(Answer(429, "later", {"Retry-After": value}))),
            waits=waits,
        )
        for value, waits in (
            ("999999999", (120, 120)),
            ("Fri, 01 Jan 2100 00:00:00 GMT", (120, 120)),
            ("Thu, 01 Jan 2015 00:00:00 GMT", (0, 1)),
            ("soon", (0, 1)),
        )
    ),
    Row(
        "429, once, with a date 60 s from now as `Retry-After`",
        lambda scene: scene.fail(upload(Answer(429, "", {"Retry-After": _in_a_minute()}))),
        waits=(30, 61),
    ),
    Row(
        "429, at every attempt",
        failing(upload(Answer(429, "slow down"), times=None)),
        "Gave up after 3 attempts: HTTP 429: slow down.",
        (FAILED, UPLOADED),
        5,
    ),
    Row(
        "502 with a gateway's page, at every attempt, nothing stored",
        failing(upload(Answer(502, "<html><body><h1>Bad Gateway</h1></body></html>"), times=None)),
        "Gave up after 3 attempts: HTTP 502: Bad Gateway.",
        (FAILED, UPLOADED),
        5,
    ),
    Row(
        "502 although the package is stored",
        failing(upload(Answer(502, "<html><body><h1>Bad Gateway</h1></body></html>"), At.DONE, times=None)),
    ),
]


def _in_a_minute() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)


def a_no(code: int, body: str | bytes, reads: str, what: str = "") -> Row:
    """A final answer about one package."""
    fault = f"{code} {HTTPStatus(code).phrase}{what}"
    return Row(fault, failing(upload(Answer(code, body))), reads, (FAILED, UPLOADED), 5)


def refused_in_the_middle(scene: Scene) -> None:
    """The answer comes while most of the body is still to be sent, and the rest is not read."""
    written(scene.hit, package_bytes(HIT, size=LARGE))
    scene.set(concurrency="1")
    scene.fail(upload(Answer(401, "no", lingers=False), At.START, times=None))


REFUSED = [
    a_no(400, "no archive", "The server rejected the upload (HTTP 400: no archive)."),
    a_no(413, "quota exceeded", "The server rejected the upload (HTTP 413: quota exceeded)."),
    a_no(422, "version differs", "The server rejected the upload (HTTP 422: version differs)."),
    a_no(413, b"x" * 50_000_000, "The server rejected the upload (HTTP 413: xxx", ", with a body of 50 MB"),
    a_no(413, "<html><h1>Too <b>large</b></h1></html>", "(HTTP 413: Too large)", ", with a page of HTML"),
    a_no(422, b"\xff\xfe caf\xe9", "(HTTP 422: \ufffd\ufffd caf\ufffd)", ", with a body that is not UTF-8"),
    a_no(422, '{"error": "bad build"}', '(HTTP 422: {"error": "bad build"})', ", with JSON"),
    *(
        Row(
            f"{code} {HTTPStatus(code).phrase}",
            failing(upload(Answer(code, "no")), concurrency="1"),
            f"The server rejected the upload (HTTP {code}: no).",
            UNREACHABLE,
            5,
        )
        for code in (401, 403, 404)
    ),
    Row(
        "The package is larger than the plan of the channel's owner allows",
        over_the_plan,
        "and the plan of the channel's owner allows 1,048,576.",
        UNREACHABLE,
        5,
    ),
    Row(
        "The package needs revision 3 of repodata, which the channel does not allow",
        not_allowed,
        "and the channel does not allow that.",
        UNREACHABLE,
        5,
    ),
    Row(
        "The same, on a server that does not say whether the channel allows it",
        not_allowed_and_not_told,
        "does not allow v3 repodata uploads).",
        (FAILED, UPLOADED),
        5,
    ),
    Row(
        "422 for a package that the other one depends on",
        needed_and(failing(upload(Answer(422, "no")))),
        "The server rejected the upload (HTTP 422: no).",
        UNREACHABLE,
        5,
    ),
    Row(
        "401 after some packages, because the key was revoked",
        failing(Fault(Answer(401, "expired"), path="/upload/", file=f"{OTHER}.conda"), concurrency="1"),
        "The server rejected the upload (HTTP 401: expired).",
        (UPLOADED, FAILED),
        5,
    ),
    *(
        Row(
            f"401 in the middle of a large body, then the connection is closed, {layer}",
            refused_in_the_middle,
            "The server rejected the upload (HTTP 401: no).",
            UNREACHABLE,
            5,
            tls=layer == "TLS",
        )
        for layer in ("HTTP", "TLS")
    ),
    *(
        Row(
            f"{code} {HTTPStatus(code).phrase}, to {where}",
            failing(upload(Answer(code, "", {"Location": location})), concurrency="1"),
            f"The server redirected the upload to {named} (HTTP {code}, empty response), and a token",
            UNREACHABLE,
            5,
        )
        for code in (301, 302, 303, 307, 308)
        for where, location, named in (
            ("the same origin", "/login", "another address"),
            ("another origin", "http://127.0.0.1:9/upload", "127.0.0.1:9"),
        )
    ),
]


def other_bytes_there(scene: Scene) -> None:
    """The file name is taken."""
    scene.publish(scene.hit, seed=1)


def same_bytes_arrive(scene: Scene) -> None:
    """Another job was faster, after the channel was asked."""
    before_the_upload(lambda scene: scene.publish(scene.hit))(scene)


def another_build_there(scene: Scene) -> None:
    """Other bytes of the same contents."""
    scene.publish(scene.hit, timestamp=1)


def another_build_that_is_not_served(scene: Scene) -> None:
    """The same, but it cannot be downloaded."""
    another_build_there(scene)
    scene.fail(download(Answer(500)))


def unexplained(scene: Scene) -> None:
    """A package that the channel has, and says nothing of."""
    scene.publish(scene.hit)
    scene.fail(graph(Answer(500)), repodata(Answer(500)), download(Answer(500)))


def unexplained_and_kept(scene: Scene) -> None:
    """The same, with `skip-existing`."""
    unexplained(scene)
    scene.set(skip_existing="true")


TAKEN = [
    Row("Another job uploads the same bytes at the same time", same_bytes_arrive, "", (PRESENT, UPLOADED)),
    Row(
        "Another job uploads different bytes under the same name at the same time",
        before_the_upload(other_bytes_there),
        "is on the channel with different bytes: its SHA-256 is ",
        (FAILED, UPLOADED),
        5,
        again=(FAILED, PRESENT),
        again_code=5,
    ),
    Row(
        "The channel has different bytes under the same name",
        other_bytes_there,
        "is on the channel with different bytes: its SHA-256 is ",
        (FAILED, UPLOADED),
        5,
        again=("overwritten", PRESENT),
        repair=lambda scene: scene.set(force="true"),
        repaired="with `force`",
    ),
    Row(
        "The channel has another build with the same contents, as when a job is run again",
        another_build_there,
        "The channel has another build of this package with the same contents",
        (SAME_CONTENT, UPLOADED),
        again=(SAME_CONTENT, PRESENT),
    ),
    Row(
        "Another job uploads another build with the same contents at the same time",
        before_the_upload(another_build_there),
        "The channel has another build of this package with the same contents",
        (SAME_CONTENT, UPLOADED),
        again=(SAME_CONTENT, PRESENT),
    ),
    Row(
        "The channel has another build with the same contents, which can't be downloaded",
        another_build_that_is_not_served,
        "The contents could not be compared: the file on the channel was not downloaded: HTTP 500",
        (FAILED, UPLOADED),
        5,
        again=(SAME_CONTENT, PRESENT),
    ),
    Row(
        "409, and the existing file is unavailable, as are all records of it",
        unexplained,
        "but its hash could not be looked up",
        (FAILED, UPLOADED),
        5,
        channel=(True, True),
    ),
]

_NOT_COMPARED = "Could not look up what the channel already has (GraphQL: "


def without_graph(what: str, *faults: Fault, **inputs: str) -> Row:
    """A channel that is asked in vain, but whose repodata tells."""
    return Row(f"GraphQL {what}; repodata has the record", failing(*faults, **inputs), _NOT_COMPARED)


def stale_repodata(scene: Scene) -> None:
    """A package came, and the index does not know it yet."""
    scene.server.freeze_index(CHANNEL)
    scene.publish(scene.hit)
    scene.fail(graph(Answer(500)))


def denied(scene: Scene) -> None:
    """A package that the channel has, and GraphQL does not list."""
    scene.publish(scene.hit)
    scene.graph_lies(scene.hit, None)


def lying_after_the_upload(sha256: str | None) -> Callable[[Scene], object]:
    """GraphQL tells this of a package that it has just taken."""
    return lambda scene: scene.fail(upload(Call(lambda: scene.graph_lies(scene.hit, sha256)), At.DONE))


def hiding_after_the_upload(scene: Scene) -> None:
    """Neither GraphQL nor repodata shows a package that has just been taken."""
    scene.server.freeze_index(CHANNEL)
    lying_after_the_upload(None)(scene)


def deleted_since_the_index_was_written(scene: Scene) -> None:
    """GraphQL is down, and the index lists a package that is not there any more."""
    scene.publish(scene.hit)
    scene.server.freeze_index(CHANNEL)
    scene.server.remove(CHANNEL, "noarch", scene.hit.name)
    scene.fail(graph(Answer(500)))


def withheld(fields: dict[str, object]) -> Callable[[Scene], object]:
    """A package that the channel has, but does not offer."""

    def plan(scene: Scene) -> None:
        scene.publish(scene.hit)
        scene.server.tamper(CHANNEL, "noarch", scene.hit.name, fields)

    return plan


def lagging(looks: int, then: Callable[[Scene], object] = lambda _: None) -> Callable[[Scene], object]:
    """Records that show what was there before an upload, at so many look-ups after it."""

    def plan(scene: Scene) -> None:
        scene.server.lag(looks)
        then(scene)

    return plan


def overwriting(scene: Scene) -> None:
    """Different bytes are there, and `force` is set."""
    other_bytes_there(scene)
    scene.set(force="true")


LAGGING = [
    Row("The records of uploads show up seconds later", lagging(4), waits=(8, 8)),
    Row(
        "The package is stored, the response is lost, and the record shows up seconds later",
        lagging(3, failing(upload(Cut(), At.DONE))),
        waits=(4, 4),
    ),
    Row(
        "The package is stored, the response of the last attempt is lost, and the record shows up seconds later",
        lagging(3, failing(upload(Answer(502), At.DONE), retries="0")),
        waits=(4, 4),
    ),
    Row(
        "Another job uploads the same bytes at the same time, and their record shows up seconds later",
        lagging(3, before_the_upload(lambda scene: scene.publish(scene.hit, lags=True))),
        "",
        (PRESENT, UPLOADED),
        waits=(4, 4),
    ),
    Row(
        "With `force`, the record shows the overwritten bytes for some seconds",
        lagging(3, overwriting),
        "",
        ("overwritten", UPLOADED),
        channel=(True, True),
        waits=(4, 4),
    ),
    Row(
        "GraphQL is down, and the index lists a package that has been deleted since",
        deleted_since_the_index_was_written,
        _NOT_COMPARED,
    ),
    Row(
        "The existing package is yanked",
        withheld({"yankedReason": "broken"}),
        "it is yanked (broken), so solvers do not choose it",
        (PRESENT, UPLOADED),
    ),
    Row(
        "The existing package is quarantined",
        withheld({"activeQuarantines": [{"action": "YANK", "reason": "malware"}]}),
        "it is quarantined (malware), so solvers do not choose it",
        (PRESENT, UPLOADED),
    ),
    Row(
        "The host answers every request with 200 and an HTML page",
        failing(Fault(Answer(200, "<html>Welcome</html>"), times=None)),
        "it does not answer queries as a prefix.dev server does",
        (FAILED, FAILED),
        5,
    ),
    Row(
        "The channel does not exist",
        lambda scene: scene.set(channel="octo/unknown"),
        "The channel 'octo/unknown' was not found.",
        (NOT_ATTEMPTED, NOT_ATTEMPTED),
        5,
    ),
    Row(
        "409, the existing file is unavailable, as are all records of it, and `skip-existing` is set",
        unexplained_and_kept,
        "but its hash could not be looked up",
        ("skipped", UPLOADED),
        channel=(True, True),
    ),
]

LOOKUPS = [
    without_graph("is down (500)", graph(Answer(500, "boom"))),
    without_graph("responds with an HTML page", graph(Answer(200, "<html>maintenance</html>"))),
    without_graph("responds with unexpected JSON", graph(Answer(200, json.dumps({"data": {"channel": 5}})))),
    without_graph("responds with errors only", graph(Answer(200, json.dumps({"errors": [{"message": "no"}]})))),
    without_graph("breaks off in the middle of a response", graph(Truncate(10))),
    without_graph("never responds", graph(Stall()), timeout="1", retries="0"),
    without_graph(
        "responds a byte at a time, without end",
        graph(Drip(b"HTTP/1.1 200 OK\r\nX-Padding: ", b"x")),
        timeout="1",
        retries="0",
    ),
    without_graph("responds with too much data", graph(Answer(200, " " * (2**20 + 1)))),
    without_graph("redirects", graph(Answer(302, "", {"Location": "https://elsewhere.example/"}))),
    Row(
        "GraphQL and repodata are down",
        failing(graph(Answer(500)), repodata(Answer(503))),
        "The server accepted the package, but its record could not be read, so the hashes were not compared.",
    ),
    Row(
        "GraphQL is down, and repodata does not list an existing package yet",
        stale_repodata,
        _NOT_COMPARED,
        (PRESENT, UPLOADED),
    ),
    Row(
        "GraphQL does not list an existing package",
        denied,
        "",
        (PRESENT, UPLOADED),
    ),
    Row(
        "GraphQL lists a package that does not exist, with different bytes",
        lambda scene: scene.graph_lies(scene.hit, _UNKNOWN_HASH),
        f"is on the channel with different bytes: its SHA-256 is {_UNKNOWN_HASH}",
        (FAILED, UPLOADED),
        5,
    ),
    Row("GraphQL does not list the uploaded package; repodata does", lying_after_the_upload(None)),
    Row(
        "GraphQL and repodata do not list the uploaded package",
        hiding_after_the_upload,
        "The server accepted the package",
        (FAILED, UPLOADED),
        5,
        channel=(True, True),
    ),
    Row(
        "GraphQL lists different bytes than were uploaded",
        lying_after_the_upload(_UNKNOWN_HASH),
        f"lists different bytes, with SHA-256 {_UNKNOWN_HASH}",
        (FAILED, UPLOADED),
        5,
        channel=(True, True),
    ),
]


def waiting(then: Callable[[Scene], object], **inputs: str) -> Callable[[Scene], object]:
    """A run that waits for the index, which is the channel's own otherwise."""

    def plan(scene: Scene) -> None:
        scene.set(**{"wait_for_index": "true", "index_timeout": "60"} | inputs)
        then(scene)

    return plan


def index_file(then: Action, path: str) -> Callable[[Scene], object]:
    """A fault of a file of the index."""
    return waiting(failing(Fault(then, path=path, times=None)))


def stale_index(*parts: Part, is_stuck: bool = True) -> Callable[[Scene], object]:
    """An index, or a part of it, that stays as it is."""
    return waiting(lambda scene: scene.server.freeze_index(CHANNEL, parts=parts or PARTS, is_stuck=is_stuck))


def false_index(**inputs: str) -> Callable[[Scene], object]:
    """An index that lists another file under the name of the package."""

    def lie(scene: Scene) -> None:
        scene.server.edit_index(CHANNEL, "noarch", scene.hit.name, {"sha256": _UNKNOWN_HASH})

    return waiting(lie, **inputs)


def not_shown(fault: str, plan: Callable[[Scene], object], reads: str) -> Row:
    """Everything is uploaded, but clients can't install it when the run ends."""
    return Row(fault, plan, reads, exit_code=6)


INDEX = [
    Row(
        "The index shows the packages seconds later",
        waiting(lambda scene: scene.server.lag_index(CHANNEL, 2)),
        waits=(2, 8),
    ),
    Row(
        "The index stays as it was until the server is asked for a new one",
        stale_index(is_stuck=False),
        waits=(10, 10),
    ),
    Row(
        "The server doesn't have shards (501)",
        index_file(Answer(501), "repodata_shards"),
    ),
    Row(
        "429 for the index, once, with `Retry-After: 20`",
        waiting(failing(Fault(Answer(429, "later", {"Retry-After": "20"}), path="repodata.json")), index_timeout="600"),
        waits=(15, 20),
    ),
    not_shown(
        "The index stays as it was", stale_index(), "After 60 s, clients can't install 2 of 2 packages from noarch: hit"
    ),
    not_shown(
        "The shards stay as they were",
        stale_index("shards"),
        f"{HIT}.conda: repodata_shards.msgpack.zst does not list hit",
    ),
    not_shown(
        "`repodata.json` stays as it was",
        stale_index("repodata"),
        f"{HIT}.conda, {OTHER}.conda: repodata.json does not list it",
    ),
    not_shown(
        "A shard is listed and missing",
        index_file(Answer(404, "<html><h1>Not found</h1></html>"), "/shards/"),
        "could not be read (HTTP 404: Not found)",
    ),
    not_shown(
        "A page of HTML in the place of a shard",
        index_file(Answer(200, "<html><h1>Welcome</h1></html>"), "/shards/"),
        "could not be read (the server sent an HTML page)",
    ),
    not_shown(
        "A page of HTML in the place of `repodata.json`",
        index_file(Answer(200, "<html><h1>Welcome</h1></html>"), "repodata.json"),
        "repodata.json could not be read (the response is not JSON)",
    ),
    not_shown(
        "The index can't be read",
        index_file(Answer(503, "down"), "repodata"),
        "repodata.json could not be read (HTTP 503",
    ),
    not_shown(
        "The index lists the package with another hash",
        false_index(),
        f"lists it with the SHA-256 {_UNKNOWN_HASH}",
    ),
    not_shown(
        "The index lists the package with another hash, with `force`",
        false_index(force="true"),
        f"lists it with the SHA-256 {_UNKNOWN_HASH}",
    ),
    Row(
        "A package fails",
        waiting(failing(upload(Answer(422, "no")))),
        "The server rejected the upload (HTTP 422: no).",
        (FAILED, UPLOADED),
        5,
    ),
]

FILES = [
    changing("is rewritten", lambda scene: scene.hit.write_bytes(os.urandom(scene.hit.stat().st_size))),
    changing("is replaced by another package", other_file(1)),
    changing("is truncated", lambda scene: os.truncate(scene.hit, 100)),
    changing("is emptied", lambda scene: os.truncate(scene.hit, 0)),
    changing("grows", lambda scene: written(scene.hit, scene.hit.read_bytes() + b"x")),
    changing("is removed", lambda scene: scene.hit.unlink(), GONE),
    changing("is replaced by a link outside the workspace", lambda scene: replace(scene.hit, link_out), GONE),
    changing("is replaced by a FIFO", lambda scene: replace(scene.hit, os.mkfifo), GONE),
    changing("is replaced by a folder", lambda scene: replace(scene.hit, os.mkdir), GONE),
    Row("The file is rewritten with the same bytes after validation", before_the_upload(other_file(0))),
]


def runner_file(variable: str, path: str) -> Callable[[Scene], object]:
    """A file of the runner that is somewhere else."""
    return lambda scene: scene.variables.update({variable: path})


RUNNER = [
    Row(
        f"The {what} {where}",
        runner_file(variable, path),
        f"Could not write the {what} to {path} ({reason}).",
        exit_code=exit_code,
        channel=(True, True),
    )
    for what, variable, exit_code in (("summary", "GITHUB_STEP_SUMMARY", 0), ("outputs", "GITHUB_OUTPUT", 5))
    for where, path, reason in (
        ("cannot be written: the disk is full", "/dev/full", "No space left on device"),
        ("cannot be written: the folder is gone", "/nowhere/file", "No such file or directory"),
        ("cannot be written: a folder is in its place", "/tmp", "Is a directory"),
    )
]

SECTIONS: dict[str, list[Row]] = {
    "No connection": NO_CONNECTION,
    "Lost connections": LOST,
    "Silence": SILENCE,
    "Transient failures": BUSY,
    "Rejections": REFUSED,
    "The file name is already taken": TAKEN,
    "The channel's records are unavailable or wrong": LOOKUPS,
    "The channel's records are late, or not what they seem": LAGGING,
    "The index is late or wrong (with `wait-for-index`)": INDEX,
    "Changed files": FILES,
    "The runner's files can't be written": RUNNER,
}


def rows() -> Iterable[Row]:
    """All of them."""
    for section in SECTIONS.values():
        yield from section
