"""Sends queries: with the token or without, again after transient failures, and not for longer than they are worth."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO

from prefix_upload.errors import AuthenticationError
from prefix_upload.http import (
    QUERY_RETRIES,
    QUERY_TIMEOUT,
    Client,
    RequestError,
    Response,
    RetryPolicy,
    describe_failure,
)
from prefix_upload.prefix_dev.query_credentials import QueryCredentials, SendQuery
from prefix_upload.prefix_dev.responses import LookupFailedError, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from prefix_upload.auth import Credentials

_MAX_GRAPHQL_BODY = 2**20


class QueryClient:
    """Sends queries about one channel. Safe to use from several threads.

    Attributes:
        first_response: when the server first responded, by its own clock; `None` if it has not, or did not say.
    """

    def __init__(self, client: Client, channel: str, credentials: Credentials, retry_policy: RetryPolicy) -> None:
        self._client = client
        self._channel = channel
        self._credentials = QueryCredentials(credentials)
        self._retry_policy = retry_policy
        self.first_response: datetime | None = None

    @property
    def authentication_error(self) -> AuthenticationError | None:
        """Why no token could be obtained for a query; `None` if one could, or was not needed."""
        return self._credentials.error

    def graphql(
        self,
        query: Mapping[str, object],
        *,
        kind: str = "GraphQL",
        max_body: int = _MAX_GRAPHQL_BODY,
        retries: int = QUERY_RETRIES,
    ) -> bytes:
        """The body of the response to a GraphQL query, without secrets.

        Args:
            query: the body of the request.
            kind: queries of the same kind are taken to be answered alike (see `QueryCredentials`).
            max_body: the largest response, in bytes.
            retries: the number of retries at most.

        Raises:
            LookupFailedError: there is no successful, complete response.
        """

        def send(timeout: float, *, anonymously: bool) -> Response:
            return self._client.post(
                "/api/graphql", timeout=timeout, json=query, max_body=max_body, anonymously=anonymously
            )

        response = self._query(kind, send, retries)
        # Texts in it are truncated, after which a part of a secret could not be recognized.
        return response.redact(response.body.decode("utf-8", "replace")).encode()

    def file(self, path: str, max_body: int, *, retries: int = QUERY_RETRIES, into: BinaryIO | None = None) -> Response:
        """The response to a request for a file of the channel, which `into` gets if it is given.

        Raises:
            LookupFailedError: there is no successful, complete response.
        """

        def send(timeout: float, *, anonymously: bool) -> Response:
            if into is not None:
                into.seek(0)
                into.truncate()
            path_on_server = f"/{self._channel}/{path}"
            return self._client.get(
                path_on_server, timeout=timeout, max_body=max_body, anonymously=anonymously, into=into
            )

        return self._query("files", send, retries)

    def _query(self, kind: str, send: SendQuery, retries: int) -> Response:
        try:
            response = self._retry_policy.call(
                lambda timeout: self._credentials.send(kind, send, timeout), retries=retries, timeout=QUERY_TIMEOUT
            )
        except RequestError as error:
            raise LookupFailedError(str(error), Reason.UNREACHABLE) from error
        except AuthenticationError as error:
            raise LookupFailedError(error.message, Reason.UNAUTHORIZED) from error
        self.first_response = self.first_response or response.date
        if not response.is_success or not response.is_complete:
            raise LookupFailedError(describe_failure(response), _reason(response))
        return response


def _reason(response: Response) -> Reason:
    """Why a response is not usable."""
    match response.status:
        case HTTPStatus.UNAUTHORIZED:
            return Reason.UNAUTHORIZED
        case HTTPStatus.NOT_FOUND:
            return Reason.NOT_FOUND
        case status if response.is_retryable or status < HTTPStatus.MULTIPLE_CHOICES:  # the latter is incomplete
            return Reason.UNAVAILABLE
    return Reason.REFUSED
