"""An HTTP client on top of `requests` that handles redirects, `~/.netrc` and response sizes more strictly."""

from __future__ import annotations

from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urljoin

import requests
import requests.auth
import urllib3

from prefix_upload import __version__
from prefix_upload.http.adapter import Adapter
from prefix_upload.http.errors import RequestError, request_error
from prefix_upload.http.proxies import proxies_for, route_to
from prefix_upload.http.response import Response
from prefix_upload.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

USER_AGENT = f"prefix-upload/{__version__}"
# Bytes of a body that are read by default: enough of an error page to show; a success has only a few.
MAX_BODY = 2**16
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)


class Sink(Protocol):
    """Where a body goes."""

    def write(self, piece: bytes, /) -> object:
        """Takes the next piece. An exception that it raises ends the request."""


class Client:
    """Sends requests to one server over pooled connections. Safe to use from several threads.

    Args:
        server_url: the origin that the bearer token is for.
        bearer: returns the token to send, or `None`; unless a URL of another origin is requested with it, it is sent to
            this origin only.
        connections: how many connections to keep open.
        ca_bundle: the CA bundle that verifies the servers' certificates; "" for the default.
        clock: monotonic seconds.
        redact: removes secrets from what a server says, before it is shown.
    """

    def __init__(
        self,
        server_url: str,
        bearer: Callable[[], str | None],
        *,
        connections: int,
        ca_bundle: str,
        clock: Callable[[], float],
        redact: Callable[[str], str] = str,
    ) -> None:
        self._server_url = server_url
        self._redact = redact
        self._bearer = _Bearer(bearer)
        self._session = _Session()
        self._session.headers["User-Agent"] = USER_AGENT
        if ca_bundle:
            self._session.verify = ca_bundle
        adapter = Adapter(connections, clock)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    @property
    def server_url(self) -> str:
        """The server's origin."""
        return self._server_url

    def post(
        self,
        path: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        data: Iterable[memoryview] | None = None,
        json: Mapping[str, Any] | None = None,
        max_body: int = MAX_BODY,
        anonymously: bool = False,
    ) -> Response:
        """Posts a body to the server. A redirect is returned, not followed.

        Raises:
            RequestError: there was no response.
        """
        arguments: dict[str, Any] = {
            "headers": headers,
            "data": data,
            "json": json,
            "auth": self._auth(is_wanted=not anonymously),
        }
        return self._send("POST", self._server_url + path, timeout=timeout, max_body=max_body, **arguments)

    def delete(self, path: str, *, timeout: float) -> Response:
        """Deletes a resource of the server. A redirect is returned, not followed.

        Raises:
            RequestError: there was no response.
        """
        return self._send("DELETE", self._server_url + path, timeout=timeout, max_body=MAX_BODY, auth=self._bearer)

    def get(
        self, path: str, *, timeout: float, max_body: int, anonymously: bool = False, into: Sink | None = None
    ) -> Response:
        """Gets a resource from the server, which `path` and query name from its root. Otherwise as `get_url`."""
        url = self._server_url + path
        return self.get_url(url, timeout=timeout, max_body=max_body, with_token=not anonymously, into=into)

    def get_url(
        self,
        url: str,
        *,
        timeout: float,
        max_body: int,
        with_token: bool,
        headers: Mapping[str, str] | None = None,
        into: Sink | None = None,
    ) -> Response:
        """Gets a resource. Follows redirects, without the token if they lead to another origin.

        Args:
            url: the URL, which may be on another server.
            timeout: in seconds.
            max_body: the number of bytes of the body to read at most; 0 if the body does not matter.
            with_token: whether to send the token, to this URL's origin only.
            headers: further headers.
            into: gets the body of a successful response, instead of `Response.body`.

        Raises:
            RequestError: there was no response, or a redirect's address is not valid.
        """
        arguments: dict[str, Any] = {"timeout": timeout, "max_body": max_body, "headers": headers, "into": into}
        first = url
        response = self._send("GET", url, auth=self._auth(is_wanted=with_token), **arguments)
        for _ in range(_MAX_REDIRECTS):
            if response.status not in _REDIRECTS:
                break
            try:
                url = urljoin(url, response.headers.get("Location", ""))
                is_same_origin = origin_of(url) == origin_of(first)
            except ValueError as error:
                raise RequestError(
                    "it redirects to an invalid URL", may_have_arrived=False, is_permanent=True
                ) from error
            response = self._send("GET", url, auth=self._auth(is_wanted=with_token and is_same_origin), **arguments)
        return response

    def _auth(self, *, is_wanted: bool) -> _Bearer:
        return self._bearer if is_wanted else _NO_TOKEN

    def _send(
        self,
        method: str,
        url: str,
        *,
        timeout: float,
        max_body: int,
        into: Sink | None = None,
        **arguments: Any,
    ) -> Response:
        try:
            response = self._session.request(
                method, url, timeout=timeout, allow_redirects=False, stream=True, **arguments
            )
        except (requests.RequestException, urllib3.exceptions.LocationValueError) as error:
            raise request_error(error).shown(route_to(url), self._redact) from error
        except OSError as error:
            # NOTE: requests raises a bare OSError for a CA bundle that does not exist; no connection was made.
            raise RequestError(str(error), may_have_arrived=False, is_permanent=True) from error
        with response:
            body = BytesIO()
            is_success = response.status_code == HTTPStatus.OK
            is_complete = self._read(response, max_body, into if into is not None and is_success else body)
            is_early = getattr(response.raw, "is_early", False)
            content = body.getvalue()
            return Response(response.status_code, response.headers, content, is_complete, self._redact, is_early)

    @staticmethod
    def _read(response: requests.Response, limit: int, body: Sink) -> bool:
        """Reads the body up to the limit. Returns whether it is complete; if the connection breaks, it is not."""
        left = limit
        try:
            # NOTE: `read1` returns what has arrived; the methods that `requests` offers wait for more.
            while limit and (piece := response.raw.read1(MAX_BODY, decode_content=True)):
                body.write(piece[:left])
                left -= len(piece)
                if left < 0:
                    return False
        except urllib3.exceptions.HTTPError:
            return False
        return True


class _Session(requests.Session):
    """A session that takes nothing but the proxies from the environment, and ignores redirects.

    Even if `requests` does not follow a redirect, it reads the whole body and fails on an invalid address.
    """

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """The settings of a request: proxies, except for loopback hosts, and the session's own CA bundle."""
        del proxies, verify
        return {"proxies": proxies_for(url), "stream": stream, "verify": self.verify, "cert": cert}

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Always `None`, so that no response counts as a redirect."""
        del resp


class _Bearer(requests.auth.AuthBase):
    """Sets the `Authorization` header, if there is a token.

    NOTE: without an auth object, `requests` would use the credentials that `~/.netrc` has for the host, even if the
    header were set. For the same reason, anonymous requests have an auth object, too.
    """

    def __init__(self, bearer: Callable[[], str | None]) -> None:
        self._bearer = bearer

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = self._bearer()
        if token is not None:
            request.headers["Authorization"] = f"Bearer {token}"
        return request


_NO_TOKEN = _Bearer(lambda: None)
