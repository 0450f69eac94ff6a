"""Requests for the files of a channel's index: with the token where it is needed, and only for what has changed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from prefix_upload.errors import AuthenticationError
from prefix_upload.http import QUERY_TIMEOUT, RequestError, Response, Server, describe_failure
from prefix_upload.prefix_dev.responses import LookupFailedError, Reason
from prefix_upload.urls import is_same_site, origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from urllib.parse import SplitResult

    from prefix_upload.auth import Credentials
    from prefix_upload.http import Client, RetryPolicy
    from prefix_upload.http.client import Sink

# The shortest timeout of a request, in seconds, when little time is left.
_MIN_TIMEOUT = 1.0
# What a server answers to those who may not see a channel.
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class SendRequest(Protocol):
    """Sends a request."""

    def __call__(self, timeout: float, *, with_token: bool) -> Response:
        """Returns the response. `timeout` is in seconds."""


@dataclass
class Validators:
    """What a file of the index was when it was read last, for conditional requests (RFC 9110, section 13)."""

    headers: Mapping[str, str] = field(default_factory=dict)

    def note(self, response: Response) -> None:
        """Takes them from the response that was read."""
        pairs = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
        self.headers = {sent: response.headers[name] for sent, name in pairs.items() if name in response.headers}


class IndexRequests:
    """Requests files of a channel's index as an anonymous client does, or, if it is private, with the token.

    Each file is requested once: the wait for an index asks again anyway, however long the server is down. A
    `Retry-After` holds for all requests to that origin. Safe to use from several threads.

    Args:
        client: sends the requests.
        channel: the channel's path.
        credentials: the source of the client's bearer token.
        retry_policy: the policy of the server's queries.
        seconds_left: how long there is something to wait for.
    """

    def __init__(
        self,
        client: Client,
        channel: str,
        credentials: Credentials,
        retry_policy: RetryPolicy,
        seconds_left: Callable[[], float],
    ) -> None:
        self._client = client
        self._channel = channel
        self._credentials = credentials
        self._retry_policy = retry_policy
        self._seconds_left = seconds_left
        # What other origins asked for with `Retry-After`, each for itself.
        self._servers = {origin_of(client.server_url): retry_policy.server}
        self._lock = threading.Lock()
        # Whether the channel can only be read with the token; `None` until that is known.
        self._is_private: bool | None = None

    def url(self, subdir: str, path: str = "") -> str:
        """The URL of a file of a subdir."""
        return f"{self._client.server_url}/{self._channel}/{quote(subdir)}/{path}"

    def get(self, url: str, max_body: int, into: Sink, validators: Validators | None = None) -> Response:
        """Gets a file: a complete response with 200, or, if it is as it was for the validators, 304.

        Raises:
            LookupFailedError: there is no such response.
        """

        def send(timeout: float, *, with_token: bool) -> Response:
            headers = validators.headers if validators else None
            return self._client.get_url(
                url, timeout=timeout, max_body=max_body, with_token=with_token, headers=headers, into=into
            )

        response = self._call(url, lambda timeout: self._send(url, send, timeout))
        is_unchanged = response.status == HTTPStatus.NOT_MODIFIED and validators is not None and validators.headers
        if not is_unchanged and (response.status != HTTPStatus.OK or not response.is_complete):
            raise FileUnavailableError(response)
        return response

    def reindex(self, subdir: str) -> None:
        """Asks the server to write the index of a subdir anew.

        Raises:
            LookupFailedError: the server did not accept that.
        """
        path = f"/api/v1/reindex/{self._channel}/{quote(subdir)}"
        response = self._call(
            self._client.server_url,
            lambda timeout: self._with_token(lambda: self._client.post(path, timeout=timeout), may_renew=True),
        )
        if not response.is_success:
            raise FileUnavailableError(response)

    def _call(self, url: str, send: Callable[[float], Response]) -> Response:
        """One attempt, after the time that a `Retry-After` asked for."""
        with self._lock:
            server = self._servers.setdefault(origin_of(url), Server())
        # How long the server has been down does not matter.
        policy = self._retry_policy._replace(server=Server(beside=server))
        timeout = min(QUERY_TIMEOUT, max(_MIN_TIMEOUT, self._seconds_left()))
        try:
            return policy.call(send, retries=0, timeout=timeout)
        except RequestError as error:
            raise LookupFailedError(str(error), Reason.UNREACHABLE) from error
        except AuthenticationError as error:
            raise LookupFailedError(error.message, Reason.UNAUTHORIZED) from error

    def _send(self, url: str, send: SendRequest, timeout: float) -> Response:
        if self._is_private and is_same_site(url, self._client.server_url):
            return self._with_token(lambda: send(timeout, with_token=True))
        response = send(timeout, with_token=False)
        # Another thread may have found out meanwhile that the channel is private.
        if self._is_private is not False and origin_of(url) == origin_of(self._client.server_url):
            if response.status in _REFUSED:
                return self._send_as_member(response, send, timeout)
            if response.status == HTTPStatus.OK:
                self._is_private = bool(self._is_private)
        return response

    def _send_as_member(self, refusal: Response, send: SendRequest, timeout: float) -> Response:
        """Sends the token, since an anonymous request was refused and the channel may be private."""
        try:
            response = self._with_token(lambda: send(timeout, with_token=True))
        except AuthenticationError:
            return refusal
        if response.status == HTTPStatus.OK:
            self._is_private = True
        return response

    def _with_token(self, send: Callable[[], Response], *, may_renew: bool = False) -> Response:
        """Sends a request with the token, and again with another one if it has expired.

        Whether servers accept minted tokens for reading is not documented, so for that, a token is only renewed if one
        was accepted before.
        """
        token = self._credentials.bearer()
        response = send()
        may_renew |= self._is_private is True
        if response.status == HTTPStatus.UNAUTHORIZED and may_renew and self._credentials.renew(token):
            response = send()
        return response


class FileUnavailableError(LookupFailedError):
    """The server answered that it has no such file, or does not serve it. `status` is the HTTP status."""

    def __init__(self, response: Response) -> None:
        super().__init__(describe_failure(response), Reason.UNAVAILABLE)
        self.status = response.status


def shard_url(subdir_url: str, base_url: str, sha256: str) -> str:
    """The URL of a shard: below a base URL that may be relative, and may lack its trailing slash.

    Raises:
        LookupFailedError: the base URL is not valid.
    """
    parts = _parsed(subdir_url, base_url)
    if parts is None:
        reason = f"its 'shards_base_url' is not a valid URL: {base_url!r:.200}"
        raise LookupFailedError(reason, Reason.MALFORMED)
    path = parts.path if parts.path.endswith("/") else f"{parts.path}/"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, f"{path}{sha256}.msgpack.zst", "", ""))


def _parsed(subdir_url: str, base_url: str) -> SplitResult | None:
    """The parts of a base URL, if it is one of a server."""
    try:
        url = urljoin(subdir_url, base_url)
        scheme, host, port = origin_of(url)
        return urlsplit(url) if scheme in {"http", "https"} and host and port else None
    except ValueError:
        return None
