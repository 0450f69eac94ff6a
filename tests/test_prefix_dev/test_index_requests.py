"""Who gets the token when the index of a channel is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from prefix_upload.auth import Anonymous, ApiKey
from prefix_upload.errors import AuthenticationError
from prefix_upload.http import Client, RequestError, Response, RetryPolicy
from prefix_upload.http.server import Server
from prefix_upload.prefix_dev.index_requests import IndexRequests, Validators
from prefix_upload.prefix_dev.responses import LookupFailedError
from prefix_upload.secret import Secret
from prefix_upload.urls import is_same_site
from support.running import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefix_upload.auth import Credentials

SERVER = "https://prefix.dev"
INDEX = f"{SERVER}/chan/noarch/repodata.json"
OTHER_SITES = [
    "http://shards.prefix.dev/x",
    "https://prefix.dev.evil.test/x",
    "https://evil-prefix.dev/x",
    "https://prefix.dev:8443/x",
    "http://prefix.dev/x",
    "https://evil.test/prefix.dev/",
    "https://prefix.dev@evil.test/x",
]
OWN_SITE = [
    "https://prefix.dev/x",
    "https://prefix.dev:443/x",
    "https://shards.prefix.dev/x",
    "https://A.B.Prefix.DEV:1/",
]


class StubClient(Client):
    """Answers as `status` says for a URL and whether the token was sent, and notes both."""

    def __init__(self, status: Callable[[str, bool], int]) -> None:
        super().__init__(SERVER, lambda: TOKEN, connections=1, ca_bundle="", clock=lambda: 0.0)
        self._status = status
        self.sent: list[tuple[str, bool]] = []
        self.timeouts: list[float] = []

    def get_url(self, url: str, *, timeout: float, with_token: bool, **_: Any) -> Response:
        """One request."""
        self.timeouts.append(timeout)
        self.sent.append((url, with_token))
        return Response(self._status(url, with_token), {}, b"", True)

    def post(self, path: str, *, timeout: float, **_: Any) -> Response:
        """One request, always with the token."""
        return self.get_url(path, timeout=timeout, with_token=True)


@dataclass
class Renewable:
    """Credentials that can be renewed, and how often they were."""

    renewals: list[str | None] = field(default_factory=list)

    def bearer(self) -> str:
        """The token."""
        return TOKEN

    def renew(self, rejected: str | None) -> bool:
        """Notes it."""
        self.renewals.append(rejected)
        return True

    def hint(self, status: int, channel: str) -> str:
        """None."""
        return f"{status} {channel}"

    def page(self, status: int) -> str:
        """None."""
        return str(status)


class Unavailable(Renewable):
    """Credentials that can't be obtained."""

    def bearer(self) -> str:
        """Fails."""
        raise AuthenticationError("no token", "")


def requests(
    server: StubClient, credentials: Credentials | None = None, seconds_left: Callable[[], float] = lambda: 100.0
) -> IndexRequests:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    policy = RetryPolicy(
        retries=2, timeout=50, sleep=lambda _: None, now=lambda: now, jitter=lambda: 1.0, server=Server()
    )
    return IndexRequests(server, "chan", credentials or ApiKey(Secret(TOKEN)), policy, seconds_left)


def private(_: str, with_token: bool) -> int:
    return 200 if with_token else 401


@pytest.mark.parametrize("url", OWN_SITE)
def test_own_site(url: str) -> None:
    """The server's origin, and https on subdomains of its host."""
    assert is_same_site(url, SERVER)


@pytest.mark.parametrize("url", OTHER_SITES)
def test_other_sites(url: str) -> None:
    """Everything else."""
    assert not is_same_site(url, SERVER)


@pytest.mark.parametrize("url", ["https://evil.test\\.prefix.dev/", "https://evil.test\\@prefix.dev/", "https://[a"])
def test_hosts_that_parsers_read_differently(url: str) -> None:
    """They belong to no site."""
    with pytest.raises(ValueError, match=r"ambiguous|IPv6"):
        is_same_site(url, SERVER)


def test_addresses_have_no_subdomains() -> None:
    """What looks like one is a name that belongs to somebody else."""
    assert not is_same_site("https://a.127.0.0.1/", "http://127.0.0.1:80")


def test_a_public_channel_is_read_without_the_token() -> None:
    """As its users read it."""
    server = StubClient(lambda *_: 200)
    index = requests(server)
    for url in (INDEX, *OWN_SITE, *OTHER_SITES):
        index.get(url, 1, BytesIO())
    assert not any(with_token for _, with_token in server.sent)


@pytest.mark.parametrize("status", [401, 403])
def test_a_private_channel_is_read_with_the_token(status: int) -> None:
    """Once an anonymous request was refused, the server's own site gets it, and no other host ever does."""
    server = StubClient(lambda url, with_token: 200 if with_token or url in OTHER_SITES else status)
    index = requests(server)
    index.get(INDEX, 1, BytesIO())
    assert server.sent == [(INDEX, False), (INDEX, True)]
    server.sent.clear()
    for url in (*OWN_SITE, *OTHER_SITES):
        index.get(url, 1, BytesIO())
    assert server.sent == [*((url, True) for url in OWN_SITE), *((url, False) for url in OTHER_SITES)]


def test_requests_at_the_same_time() -> None:
    """A request that was refused is sent again with the token, also if another one has been in the meantime."""

    def status(_: str, with_token: bool) -> int:
        if not with_token and len(server.sent) == 1:
            index.get(INDEX, 1, BytesIO())
        return private("", with_token)

    server = StubClient(status)
    index = requests(server)
    index.get(INDEX, 1, BytesIO())
    assert [with_token for _, with_token in server.sent] == [False, False, True, True]


@pytest.mark.parametrize("url", ["https://shards.prefix.dev/x", "https://evil.test/x"])
def test_another_host_does_not_make_the_channel_private(url: str) -> None:
    """Only the server can ask for its token."""
    server = StubClient(private)
    with pytest.raises(LookupFailedError, match="HTTP 401"):
        requests(server).get(url, 1, BytesIO())
    assert server.sent == [(url, False)]


def test_a_missing_file_does_not_make_the_channel_private() -> None:
    """A new subdir has none yet."""
    server = StubClient(lambda *_: 404)
    with pytest.raises(LookupFailedError, match="HTTP 404"):
        requests(server).get(INDEX, 1, BytesIO())
    assert server.sent == [(INDEX, False)]


@pytest.mark.parametrize("credentials", [Anonymous(), Unavailable()], ids=["none", "unavailable"])
def test_without_a_token(credentials: Credentials) -> None:
    """The refusal is the reason."""
    with pytest.raises(LookupFailedError, match="HTTP 401"):
        requests(StubClient(lambda *_: 401), credentials).get(INDEX, 1, BytesIO())


def test_a_token_that_is_never_accepted_is_not_renewed() -> None:
    """Servers may not take minted tokens for reading."""
    credentials = Renewable()
    index = requests(StubClient(lambda *_: 401), credentials)
    for _ in range(3):
        with pytest.raises(LookupFailedError, match="HTTP 401"):
            index.get(INDEX, 1, BytesIO())
    assert credentials.renewals == []


def test_a_token_that_has_expired_is_renewed() -> None:
    """If it was accepted before."""
    statuses = iter([401, 200, 401, 200])
    credentials = Renewable()
    index = requests(StubClient(lambda *_: next(statuses)), credentials)
    index.get(INDEX, 1, BytesIO())
    index.get(INDEX, 1, BytesIO())
    assert credentials.renewals == [TOKEN]


def test_a_new_index_is_requested_with_the_token() -> None:
    """Also from a public channel, and with another token if it has expired."""
    statuses = iter([401, 202])
    credentials, server = Renewable(), StubClient(lambda *_: next(statuses))
    requests(server, credentials).reindex("noarch")
    assert server.sent == [("/api/v1/reindex/chan/noarch", True)] * 2
    assert credentials.renewals == [TOKEN]


def test_a_new_index_without_a_token() -> None:
    """That is why there is none."""
    with pytest.raises(LookupFailedError, match="no token"):
        requests(StubClient(lambda *_: 202), Unavailable()).reindex("noarch")


@pytest.mark.parametrize(("left", "timeout"), [(100.0, 50), (20.0, 20), (0.2, 1), (-5.0, 1)])
def test_requests_end_with_the_wait(left: float, timeout: float) -> None:
    """A server that is silent gets no longer than that."""
    server = StubClient(lambda *_: 200)
    requests(server, seconds_left=lambda: left).get(INDEX, 1, BytesIO())
    assert server.timeouts == [timeout]


def test_however_long_the_server_is_down() -> None:
    """Each request is sent: the wait has an end of its own."""

    def down(*_: object) -> int:
        raise RequestError("no connection", may_have_arrived=False)

    server = StubClient(down)
    index = requests(server)
    for _ in range(50):
        with pytest.raises(LookupFailedError, match="no connection"):
            index.get(INDEX, 1, BytesIO())
    assert len(server.sent) == 50


def test_validators() -> None:
    """Both are sent, as far as the server told them."""
    validators = Validators()
    validators.note(Response(200, {"ETag": '"x"', "Last-Modified": "yesterday"}, b"", True))
    assert validators.headers == {"If-None-Match": '"x"', "If-Modified-Since": "yesterday"}
    validators.note(Response(200, {}, b"", True))
    assert validators.headers == {}
