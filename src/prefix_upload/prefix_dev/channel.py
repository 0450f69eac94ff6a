"""A channel on a prefix.dev server.

If a failed attempt may have stored the package, the channel's record decides whether to retry. An upload that is still
undecided after the last attempt raises an error that says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from prefix_upload.concurrency import Submit, run_inline
from prefix_upload.errors import RERUN_IS_SAFE, ChannelError
from prefix_upload.http import Client, Failure, RequestError, Response, RetryPolicy, describe_failure
from prefix_upload.prefix_dev.queries import ChannelQueries, Lookup
from prefix_upload.prefix_dev.upload_body import Body, Form
from prefix_upload.prefix_dev.upload_errors import (
    conflict_error,
    connection_error,
    rejection_error,
    retries_exhausted_error,
)
from prefix_upload.report import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefix_upload.auth import Credentials
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev.records import Record


@dataclass(frozen=True)
class Receipt:
    """How an upload ended, and the channel's record of the package if it was looked up."""

    status: Status
    record: Record | None = None


class Channel:
    """One channel of one server. Safe to use from several threads.

    Args:
        client: sends the requests.
        name: `namespace` or `namespace/channel`.
        credentials: the source of the client's bearer token; renewed, and named in errors, if the server rejects it.
        retry_policy: when to retry.
        submit: runs the hashing that goes on during an upload.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        credentials: Credentials,
        retry_policy: RetryPolicy,
        *,
        submit: Submit = run_inline,
    ) -> None:
        self._client = client
        self._name = name
        self._credentials = credentials
        self._retry_policy = retry_policy
        self._submit = submit
        self._queries = ChannelQueries(client, name, credentials, retry_policy)

    def authenticate(self) -> None:
        """Obtains a token now, if the credentials need one.

        Raises:
            AuthenticationError: a token is needed, but cannot be obtained.
        """
        self._credentials.bearer()

    def lookup(self, packages: Sequence[Package]) -> Lookup:
        """The channel's records under the file names of at most `BATCH_SIZE` packages."""
        return self._queries.lookup(packages)

    def has_attestation(self, package: Package, attestation: str) -> bool | None:
        """Whether the channel serves the attestation with the package; `None` if that is not known."""
        return self._queries.has_attestation(package, attestation)

    def upload(
        self,
        package: Package,
        *,
        force: bool,
        on_progress: Callable[[int], None],
        on_retry: Callable[[str], None],
        attestation: str | None = None,
    ) -> Receipt:
        """Uploads the package.

        Args:
            package: the package to send.
            force: whether to overwrite different bytes under the same name.
            on_progress: called with the number of bytes that the current attempt has sent; an exception that it raises
                ends the upload.
            on_retry: called with the reason of each transient failure.
            attestation: a Sigstore bundle, as JSON, to send with the package.

        Returns:
            A receipt with the status `UPLOADED`, or `ALREADY_PRESENT` if another upload has just added the same bytes.

        Raises:
            ConflictError: the channel has different bytes under this name.
            ChannelWideError: every package would fail in this way.
            FileChangedError: the file has changed since it was validated.
            ChannelError: the server refused the package, or all attempts failed.
        """
        body = Body(package, on_progress, self._submit)
        content = body if attestation is None else Form(body, attestation)
        attempts, may_be_there = 0, False

        def on_failure(failure: Failure) -> Callable[[], Receipt | None] | None:
            nonlocal attempts, may_be_there
            attempts += 1
            may_be_there |= _may_have_arrived(failure)
            on_retry(describe_failure(failure))
            return partial(self._receipt_if_there, package) if may_be_there else None

        try:
            result = self._retry_policy.call(partial(self._attempt, content, force=force), on_failure=on_failure)
        except RequestError as error:
            raise _error(error, attempts, may_be_there=may_be_there) from error
        if isinstance(result, Receipt):
            return result
        if result.is_retryable:
            raise _error(result, attempts, may_be_there=may_be_there)
        return self._settle(package, result, force=force, may_be_ours=may_be_there)

    def _attempt(self, content: Body | Form, timeout: float, *, force: bool) -> Receipt | Response:
        """One attempt, repeated if the token was rejected but could be renewed. Only a success becomes a receipt."""
        token = self._credentials.bearer()
        response = self._post(content, timeout, force=force)
        if response.status == HTTPStatus.UNAUTHORIZED and self._credentials.renew(token):
            response = self._post(content, timeout, force=force)
        return Receipt(Status.UPLOADED) if response.is_success else response

    def _post(self, content: Body | Form, timeout: float, *, force: bool) -> Response:
        return self._client.post(
            f"/api/v1/upload/{self._name}" + ("?force=true" if force else ""),
            timeout=timeout,
            headers=content.headers,
            data=content,
        )

    def _settle(self, package: Package, response: Response, *, force: bool, may_be_ours: bool) -> Receipt:
        """Interprets a response that is not retried. A 409 may mean that the package is there; others are errors."""
        if response.status != HTTPStatus.CONFLICT:
            if may_be_ours and (receipt := self._receipt_if_there(package)) is not None:
                return receipt
            raise rejection_error(response, self._credentials, self._name, may_be_there=may_be_ours)
        record = self._queries.existing(package)
        if record.sha256 == package.sha256:
            return Receipt(Status.UPLOADED if may_be_ours else Status.ALREADY_PRESENT, record)
        if record.sha256 is None:
            raise ChannelError(
                f"The channel has a file with this name, but its hash could not be looked up ({response.summary}).",
                RERUN_IS_SAFE,
            )
        if force:
            raise ChannelError(
                "The channel has a file with this name and different bytes, and the server refused to overwrite it "
                f"({response.summary}).",
                "Check whether the channel's settings allow overwriting, or increase the build number.",
            )
        raise conflict_error(package, record.sha256)

    def _receipt_if_there(self, package: Package) -> Receipt | None:
        record = self.lookup([package]).records.get(package.key)
        return Receipt(Status.UPLOADED, record) if record is not None and record.sha256 == package.sha256 else None


def _error(failure: Failure, attempts: int, *, may_be_there: bool) -> ChannelError:
    if isinstance(failure, RequestError) and failure.is_permanent:
        return connection_error(failure, may_be_there=may_be_there)
    return retries_exhausted_error(failure, attempts, may_be_there=may_be_there)


def _may_have_arrived(failure: Failure) -> bool:
    """Whether the package may be on the channel in spite of the failure."""
    if isinstance(failure, RequestError):
        return failure.may_have_arrived
    # A gateway may have lost the server's response.
    return failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not failure.is_early
