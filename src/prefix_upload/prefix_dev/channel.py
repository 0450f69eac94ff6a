"""A channel on a prefix.dev server.

If a failed attempt may have stored the package, the channel's record decides whether to retry. An upload that is still
undecided after the last attempt raises an error that says so. Records may show up some seconds late, so whenever one
decides, it is looked up several times.
"""

from __future__ import annotations

import threading
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from prefix_upload.concurrency import Submit, run_inline
from prefix_upload.http import Client, Failure, RequestError, Response, RetryPolicy
from prefix_upload.prefix_dev.access import ChannelAccess
from prefix_upload.prefix_dev.account_queries import AccountQueries
from prefix_upload.prefix_dev.attempts import Attempts, Receipt
from prefix_upload.prefix_dev.queries import ChannelQueries
from prefix_upload.prefix_dev.records import Record
from prefix_upload.prefix_dev.upload_body import Body, Form
from prefix_upload.prefix_dev.upload_errors import (
    connection_error,
    is_about_v3,
    overwriting_refused_error,
    rejection_error,
    retries_exhausted_error,
    unknown_conflict_error,
    v3_error,
)
from prefix_upload.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefix_upload.auth import Credentials
    from prefix_upload.errors import ChannelError
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev.contents import ContentsComparison
    from prefix_upload.prefix_dev.index import ChannelIndex

# How many files are downloaded at the same time to compare contents. Each takes space on the disk.
_MAX_DOWNLOADS = 4


class Channel:
    """One channel of one server. Safe to use from several threads.

    Args:
        client: sends the requests.
        name: `namespace` or `namespace/channel`.
        credentials: the source of the client's bearer token; renewed, and named in errors, if the server rejects it.
        retry_policy: when to retry uploads.
        query_policy: when to retry queries; by default as uploads.
        submit: runs the hashing that goes on during an upload.

    Attributes:
        queries: what can be looked up about the channel.
        account: what can be looked up about the account of the user.
        access: why the channel can't be worked on, if it can't.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        credentials: Credentials,
        retry_policy: RetryPolicy,
        *,
        query_policy: RetryPolicy | None = None,
        submit: Submit = run_inline,
    ) -> None:
        self._client = client
        self._name = name
        self._credentials = credentials
        self._retry_policy = retry_policy
        self._submit = submit
        self._query_policy = query_policy or retry_policy
        self.queries = ChannelQueries(client, name, credentials, self._query_policy)
        self.account = AccountQueries(client, name, credentials, self._query_policy)
        self.access = ChannelAccess(name, credentials, self.queries, self.account)
        self._downloads = threading.BoundedSemaphore(_MAX_DOWNLOADS)

    def authenticate(self) -> None:
        """Obtains a token now, if the credentials need one.

        Raises:
            AuthenticationError: a token is needed, but cannot be obtained, or could not be for a look-up.
        """
        if self.queries.authentication_error is not None:
            raise self.queries.authentication_error
        self._credentials.bearer()

    def index(self, seconds_left: Callable[[], float]) -> ChannelIndex:
        """The index that conda clients read. `seconds_left` returns how long there is something to wait for."""
        from prefix_upload.prefix_dev.index import ChannelIndex  # noqa: PLC0415 - seldom needed
        from prefix_upload.prefix_dev.index_requests import IndexRequests  # noqa: PLC0415 - as above

        requests = IndexRequests(self._client, self._name, self._credentials, self._query_policy, seconds_left)
        return ChannelIndex(requests)

    def upload(
        self,
        package: Package,
        *,
        force: bool,
        on_progress: Callable[[int], None],
        on_retry: Callable[[str, bool], None],
        attestation: str | None = None,
    ) -> Receipt:
        """Uploads the package.

        Args:
            package: the package to send.
            force: whether to overwrite different bytes under the same name.
            on_progress: called with the number of bytes that the current attempt has sent; an exception that it raises
                ends the upload.
            on_retry: called with the reason of each transient failure, and whether the server may have stored the
                package by then.
            attestation: a Sigstore bundle, as JSON, to send with the package.

        Returns:
            A receipt with the status `UPLOADED`, whose record is `None` if the server itself has accepted the package,
            without any doubt, or, if another upload has just added the same bytes or other bytes of
            the same contents, `ALREADY_PRESENT` or `SAME_CONTENT`.

        Raises:
            ConflictError: the channel has different contents under this name, or what it has could not be compared.
            ChannelWideError: every package would fail in this way.
            FileChangedError: the file has changed since it was validated.
            ChannelError: the server refused the package, or all attempts failed.
        """
        attempts = Attempts(self.queries, self._retry_policy.sleep, package, force=force, on_retry=on_retry)
        body = Body(package, on_progress, self._submit)
        content = body if attestation is None else Form(body, attestation)
        try:
            result = self._retry_policy.call(partial(self._attempt, content, force=force), on_failure=attempts.failed)
        except RequestError as error:
            raise _error(error, attempts) from error
        if isinstance(result, Receipt):
            return result
        if result.is_retryable:
            raise _error(result, attempts)
        return self._settle(package, result, attempts, force=force)

    def check_contents(self, package: Package, record: Record) -> None:
        """Checks that different bytes that the channel has under the package's name have the same contents.

        Args:
            package: the package.
            record: the channel's record of the other bytes.

        Raises:
            ConflictError: they have different contents, or could not be compared.
        """
        self._contents.check(package, record)

    @property
    def _contents(self) -> ContentsComparison:
        from prefix_upload.prefix_dev.contents import ContentsComparison  # noqa: PLC0415 - seldom needed

        return ContentsComparison(self.queries, self._downloads)

    def _attempt(self, content: Body | Form, timeout: float, *, force: bool) -> Receipt | Response:
        """One attempt, repeated if the token was rejected but could be renewed. Only a success becomes a receipt."""
        token = self._credentials.bearer()
        response = self._post(content, timeout, force=force)
        if response.status == HTTPStatus.UNAUTHORIZED and self._credentials.renew(token):
            response = self._post(content, timeout, force=force)
        return Receipt(Status.UPLOADED) if response.is_success and not response.is_early else response

    def _post(self, content: Body | Form, timeout: float, *, force: bool) -> Response:
        return self._client.post(
            f"/api/v1/upload/{self._name}" + ("?force=true" if force else ""),
            timeout=timeout,
            headers=content.headers,
            data=content,
        )

    def _settle(self, package: Package, response: Response, attempts: Attempts, *, force: bool) -> Receipt:
        """Interprets a response that is not retried. A 409 may mean that the package is there; others are errors."""
        if response.status != HTTPStatus.CONFLICT:
            if (receipt := attempts.receipt()) is not None:
                return receipt
            if package.needs_v3 and is_about_v3(response):
                raise v3_error(response)
            raise rejection_error(response, self._credentials, self._name, attempts.last_lookup)
        record = attempts.poll_lookup().records.get(package.key, Record(None))
        if record.sha256 is None or (record.may_be_outdated and record.sha256 != package.sha256):
            # The record is missing or late, so what counts is the file itself.
            record = self._contents.served_record(package) or record
        if record.sha256 == package.sha256:
            return Receipt(Status.UPLOADED if attempts.may_have_arrived else Status.ALREADY_PRESENT, record)
        if force:
            raise overwriting_refused_error(response)
        if record.sha256 is None:
            raise unknown_conflict_error(package, response)
        self.check_contents(package, record)
        return Receipt(Status.SAME_CONTENT, record)


def _error(failure: Failure, attempts: Attempts) -> ChannelError:
    if isinstance(failure, RequestError) and failure.is_permanent:
        return connection_error(failure, attempts.last_lookup)
    return retries_exhausted_error(failure, attempts.count, attempts.last_lookup)
