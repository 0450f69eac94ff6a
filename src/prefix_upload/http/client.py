"""One request, one answer: what `requests` is used for, and what it has to be kept from doing."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
import requests.auth
import urllib3

from prefix_upload import __version__
from prefix_upload.http.adapter import Adapter
from prefix_upload.http.errors import RequestError, request_error
from prefix_upload.http.response import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

USER_AGENT = f"prefix-upload/{__version__}"
# Enough of an error page to show; a success has a few bytes.
MAX_BODY = 2**16
_MAX_REDIRECTS = 5
# The seconds that an answer's body may take altogether: a server that sends a byte now and then never runs into the
# timeout, which is about silence.
_MAX_ANSWER_TIME = 120.0
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
    """Sends requests to one server over pooled connections. May be used by several threads at once.

    Args:
        server_url: the origin that the bearer is for.
        bearer: tells the token to send, if there is any; it is sent to this origin only.
        connections: how many connections to keep open.
        ca_bundle: the file of certificates to trust where `REQUESTS_CA_BUNDLE` names none; "" for the usual.
        clock: seconds that only ever grow.
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
        self._clock = clock
        self._bearer = _Bearer(bearer)
        self._session = _Session()
        self._session.headers["User-Agent"] = USER_AGENT
        if ca_bundle:
            self._session.verify = ca_bundle
        adapter = Adapter(pool_maxsize=connections)
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
        """Posts a body to the server. A redirect is an answer, not followed.

        Raises:
            RequestError: no answer came.
        """
        arguments = {"headers": headers, "data": data, "json": json, "auth": _NO_TOKEN if anonymously else self._bearer}
        return self._send("POST", self._server_url + path, timeout=timeout, max_body=max_body, **arguments)

    def get(self, path: str, *, timeout: float, max_body: int, anonymously: bool = False) -> Response:
        """Gets something from the server, over redirects, on which other origins are not shown the token.

        Raises:
            RequestError: no answer came.
        """
        url = self._server_url + path
        response = self._get(url, timeout, max_body, with_token=not anonymously)
        for _ in range(_MAX_REDIRECTS):
            if response.status not in _REDIRECTS:
                break
            try:
                url = urljoin(url, response.headers.get("Location", ""))
                with_token = not anonymously and _origin(url) == _origin(self._server_url)
            except ValueError as error:
                raise RequestError(
                    "it redirects to an address that is none", may_have_arrived=False, is_permanent=True
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
            # NOTE: so requests reports a bundle of certificates that does not exist; no connection was made.
            raise RequestError(str(error), may_have_arrived=False, is_permanent=True) from error
        with response:
            body, is_complete = self._read(response, max_body)
            return Response(response.status_code, response.headers, body, is_complete)

    def _read(self, response: requests.Response, limit: int) -> tuple[bytes, bool]:
        """The body up to the limit, and whether it is all of it. What broke off on the way is kept."""
        deadline = self._clock() + _MAX_ANSWER_TIME
        body = bytearray()
        try:
            # NOTE: `read1` returns what has come; what `requests` offers waits until there is more.
            while piece := response.raw.read1(MAX_BODY, decode_content=True):
                body += piece
                if len(body) > limit or self._clock() > deadline:
                    return bytes(body[:limit]), False
        except urllib3.exceptions.HTTPError:
            return bytes(body), False
        return bytes(body), True


class _Session(requests.Session):
    """Leaves redirects alone.

    Even where it does not follow one, `requests` reads all of its body and trips over an address that is none.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""
        del resp


class _Bearer(requests.auth.AuthBase):
    """Sets the `Authorization` header.

    As an auth object, since a header alone would be replaced by what `~/.netrc` has for the host; for the same
    reason one that sets nothing where there is no token.
    """

    def __init__(self, bearer: Callable[[], str | None]) -> None:
        self._bearer = bearer

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = self._bearer()
        if token is not None:
            request.headers["Authorization"] = f"Bearer {token}"
        return request


_NO_TOKEN = _Bearer(lambda: None)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
