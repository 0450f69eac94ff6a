"""The server: what a channel has, and how a package gets there.

An upload ends in one of three ways only: the package is known to be there with these bytes, it is known not to be,
or the error says that nobody could tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from prefix_upload.concurrency import Submit, run_inline
from prefix_upload.errors import RERUN_IS_SAFE, ChannelError
from prefix_upload.http import Client, Failure, RequestError, Response, RetryPolicy, reason
from prefix_upload.prefix_dev.queries import ChannelQueries, Lookup
from prefix_upload.prefix_dev.records import BATCH_SIZE, Record
from prefix_upload.prefix_dev.upload_body import Body, Form
from prefix_upload.prefix_dev.upload_errors import conflict, gave_up, refused, unreachable
from prefix_upload.report import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefix_upload.auth import Credentials
    from prefix_upload.package.model import Package

__all__ = ["BATCH_SIZE", "Channel", "Lookup", "Record", "conflict"]


@dataclass(frozen=True)
class Receipt:
    """How an upload ended, and the channel's record of the package where it was looked at."""

    status: Status
    record: Record | None = None


class Channel:
    """One channel of one server. May be used by several threads at once.

    Args:
        client: sends the requests.
        name: `namespace` or `namespace/channel`.
        credentials: the client's bearer, to be renewed, or named when the server refuses it.
        patience: how long to keep trying.
        submit: starts what goes on beside an upload.
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
        """Makes sure that there is a token, where one is to be had.

        Raises:
            AuthenticationError: there is none.
        """
        self._credentials.bearer()

    def lookup(self, packages: Sequence[Package]) -> Lookup:
        """What the channel has under the names of these packages, of which there are at most `BATCH_SIZE`."""
        return self._queries.lookup(packages)

    def has_attestation(self, package: Package, attestation: str) -> bool | None:
        """Whether the channel serves the attestation with the package; `None` where it does not tell."""
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
        """Brings the package to the channel.

        Args:
            package: what to send.
            force: overwrite other bytes of the same name.
            on_progress: called with the number of bytes sent by the attempt so far; what it raises ends it.
            on_retry: called with the reason when an attempt has failed in passing.
            attestation: a Sigstore bundle, as JSON, to send along.

        Returns:
            With the status `UPLOADED`, or `ALREADY_PRESENT` where somebody else has just brought the same bytes.

        Raises:
            ConflictError: the channel has other bytes under this name.
            ChannelWideError: the server's answer would be the same for every package.
            FileChangedError: the file is not the validated one any more.
            ChannelError: the server refused it, or all attempts failed.
        """
        body = Body(package, on_progress, self._submit)
        content = body if attestation is None else Form(body, attestation)
        may_be_there = False

        def on_failure(failure: Failure) -> Callable[[], Receipt | None] | None:
            nonlocal may_be_there
            may_be_there |= _may_have_arrived(failure)
            on_retry(reason(failure))
            return partial(self._receipt_if_there, package) if may_be_there else None

        try:
            result = self._retry_policy.call(partial(self._attempt, content, force=force), on_failure=on_failure)
        except RequestError as error:
            raise self._error(error, may_be_there=may_be_there) from error
        if isinstance(result, Receipt):
            return result
        if result.is_retryable:
            raise self._error(result, may_be_there=may_be_there)
        return self._settle(package, result, force=force, ours=may_be_there)

    def _attempt(self, content: Body | Form, timeout: float, *, force: bool) -> Receipt | Response:
        """One attempt, of which only success needs no further look; a second one where the token had expired."""
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

    def _settle(self, package: Package, response: Response, *, force: bool, ours: bool) -> Receipt:
        """What a final answer means: 409 may be good news, everything else is an error."""
        if response.status != HTTPStatus.CONFLICT:
            raise refused(response, self._credentials, self._name)
        record = self._queries.existing(package)
        if record.sha256 == package.sha256:
            return Receipt(Status.UPLOADED if ours else Status.ALREADY_PRESENT, record)
        if record.sha256 is None:
            raise ChannelError(
                f"The channel has a file of this name, but does not tell with which bytes ({response.summary}).",
                RERUN_IS_SAFE,
            )
        if force:
            raise ChannelError(
                "The channel has other bytes under this name, and the server does not overwrite it "
                f"({response.summary}).",
                "Look into the channel's settings whether it lets a package be overwritten; or raise the build number.",
            )
        raise conflict(package, record.sha256)

    def _receipt_if_there(self, package: Package) -> Receipt | None:
        record = self.lookup([package]).records.get(package.key)
        return Receipt(Status.UPLOADED, record) if record is not None and record.sha256 == package.sha256 else None

    def _error(self, failure: Failure, *, may_be_there: bool) -> ChannelError:
        if isinstance(failure, RequestError) and failure.is_permanent:
            return unreachable(failure)
        return gave_up(failure, self._retry_policy.retries + 1, may_be_there=may_be_there)


def _may_have_arrived(failure: Failure) -> bool:
    """Whether the package may be on the channel in spite of the failure."""
    if isinstance(failure, RequestError):
        return failure.may_have_arrived
    return failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR  # a gateway may have lost the server's yes
