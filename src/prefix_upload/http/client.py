"""An HTTP client on top of `requests` that handles redirects, `~/.netrc` and response sizes more strictly."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import requests
import requests.auth
import urllib3

from prefix_upload import __version__
from prefix_upload.http.adapter import Adapter
from prefix_upload.http.errors import RequestError, request_error
from prefix_upload.http.response import Response
from prefix_upload.http.urls import origin_of

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


class Client:
    """Sends requests to one server over pooled connections. Safe to use from several threads.

    Args:
        server_url: the origin that the bearer token is for.
        bearer: returns the token to send, or `None`; it is sent to this origin only.
        connections: how many connections to keep open.
        ca_bundle: the CA bundle to use if neither `REQUESTS_CA_BUNDLE` nor `CURL_CA_BUNDLE` is set; "" for the default.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        server_url: str,
        bearer: Callable[[], str | None],
        *,
        connections: int,
        ca_bundle: str,
        clock: Callable[[], float],
    ) -> None:
        self._server_url = server_url
        self._bearer = _Bearer(bearer)
        self._session = _Session()
        self._session.headers["User-Agent"] = USER_AGENT
        if ca_bundle:
            self._session.verify = ca_bundle
        adapter = Adapter(connections, clock)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

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
        arguments = {"headers": headers, "data": data, "json": json, "auth": _NO_TOKEN if anonymously else self._bearer}
        return self._send("POST", self._server_url + path, timeout=timeout, max_body=max_body, **arguments)

    def get(self, path: str, *, timeout: float, max_body: int, anonymously: bool = False) -> Response:
        """Gets a resource from the server. Follows redirects, without the token if they lead to another origin.

        Raises:
            RequestError: there was no response, or a redirect's address is not valid.
        """
        url = self._server_url + path
        response = self._get(url, timeout, max_body, with_token=not anonymously)
        for _ in range(_MAX_REDIRECTS):
            if response.status not in _REDIRECTS:
                break
            try:
                url = urljoin(url, response.headers.get("Location", ""))
                with_token = not anonymously and origin_of(url) == origin_of(self._server_url)
            except ValueError as error:
                raise RequestError(
                    "it redirects to an invalid URL", may_have_arrived=False, is_permanent=True
                ) from error
            response = self._get(url, timeout, max_body, with_token=with_token)
        return response

    def _get(self, url: str, timeout: float, max_body: int, *, with_token: bool) -> Response:
        return self._send(
            "GET", url, timeout=timeout, max_body=max_body, auth=self._bearer if with_token else _NO_TOKEN
        )

    def _send(self, method: str, url: str, *, timeout: float, max_body: int, **arguments: Any) -> Response:
        try:
            response = self._session.request(
                method, url, timeout=timeout, allow_redirects=False, stream=True, **arguments
            )
        except (requests.RequestException, urllib3.exceptions.LocationValueError) as error:
            raise request_error(error) from error
        except OSError as error:
            # NOTE: requests raises a bare OSError for a CA bundle that does not exist; no connection was made.
            raise RequestError(str(error), may_have_arrived=False, is_permanent=True) from error
        with response:
            body, is_complete = self._read(response, max_body)
            is_early = getattr(response.raw, "is_early", False)
            return Response(response.status_code, response.headers, body, is_complete, is_early=is_early)

    @staticmethod
    def _read(response: requests.Response, limit: int) -> tuple[bytes, bool]:
        """The body up to the limit, and whether it is complete. If the connection breaks, what was read is kept."""
        body = bytearray()
        try:
            # NOTE: `read1` returns what has arrived; the methods that `requests` offers wait for more.
            while piece := response.raw.read1(MAX_BODY, decode_content=True):
                body += piece
                if len(body) > limit:
                    return bytes(body[:limit]), False
        except urllib3.exceptions.HTTPError:
            return bytes(body), False
        return bytes(body), True


class _Session(requests.Session):
    """A session that ignores redirects.

    Even if `requests` does not follow a redirect, it reads the whole body and fails on an invalid address.
    """

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
