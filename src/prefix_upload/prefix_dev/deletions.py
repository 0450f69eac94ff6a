"""Deletes packages from a channel, and makes sure that they are gone."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from prefix_upload.errors import ChannelError, ChannelWideError
from prefix_upload.http import Client, Failure, RequestError, Response, RetryPolicy, describe_failure
from prefix_upload.prefix_dev.lookup import Lookup
from prefix_upload.prefix_dev.poll import poll
from prefix_upload.prefix_dev.records import BATCH_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefix_upload.auth import Credentials
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev.queries import ChannelQueries

# The access mode that deleting needs (`AccessMode` in prefix.dev's GraphQL schema).
_ACCESS_MODE = "READ_WRITE_DELETE"


class Deletions:
    """Deletes packages from one channel. Not for use from several threads at the same time.

    Args:
        client: sends the requests.
        channel: the path of the channel.
        credentials: the source of the client's bearer token; renewed if the server rejects it.
        retry_policy: when to retry.
        queries: look up what the channel has.
    """

    def __init__(
        self,
        client: Client,
        channel: str,
        credentials: Credentials,
        retry_policy: RetryPolicy,
        queries: ChannelQueries,
    ) -> None:
        self._client = client
        self._channel = channel
        self._credentials = credentials
        self._retry_policy = retry_policy
        self._queries = queries

    def url(self, package: Package) -> str:
        """The URL that deletes the file under the package's name."""
        return f"{self._client.server_url}{self._path(package)}"

    def lookup(self, packages: Sequence[Package], expected: Sequence[Package]) -> Lookup:
        """Looks up packages, some of them a few times: records may take a moment to appear.

        Only GraphQL is queried. Repodata may still list what was deleted, and does not tell when a file was added.

        Args:
            packages: the packages to look up.
            expected: those of them that the channel should have.
        """
        found = Lookup({})

        def look(_is_last: bool) -> bool:
            nonlocal found
            batches = (packages[start : start + BATCH_SIZE] for start in range(0, len(packages), BATCH_SIZE))
            latest = Lookup.combined(map(self._queries.graphql, batches))
            found = Lookup.combined([Lookup(found.records), latest])
            is_there = all(_sha256(found, package) is not None for package in expected)
            return is_there or not latest.is_worth_repeating

        poll(look, self._retry_policy.sleep)
        return found

    def delete(self, package: Package) -> None:
        """Deletes the file that the channel has under the package's name. It is no error if that is gone already.

        Raises:
            ChannelWideError: every package would fail in this way.
            ChannelError: the file is still there, or may be.
        """
        path = self._path(package)

        def is_deleted(failure: Failure) -> Callable[[bool], bool | None]:
            del failure  # whatever it is: the server may have deleted the file
            return lambda _is_last: self._is_gone(package) or None

        try:
            result = self._retry_policy.call(lambda timeout: self._attempt(path, timeout), on_failure=is_deleted)
        except RequestError as error:
            raise ChannelError(f"the server could not be reached: {error}", "") from error
        if isinstance(result, Response) and result.status != HTTPStatus.NOT_FOUND:
            raise self._refusal(result)
        self._confirm(package)

    def _path(self, package: Package) -> str:
        return f"/api/v1/delete/{self._channel}/{package.subdir}/{quote(package.file_name)}"

    def _attempt(self, path: str, timeout: float) -> Response | bool:
        """One attempt, repeated if the token was rejected but could be renewed. True if the server reports success."""
        token = self._credentials.bearer()
        response = self._client.delete(path, timeout=timeout)
        if response.status == HTTPStatus.UNAUTHORIZED and self._credentials.renew(token):
            response = self._client.delete(path, timeout=timeout)
        return response if not response.is_success else True

    def _confirm(self, package: Package) -> None:
        """Makes sure that the channel has no such file any more.

        Raises:
            ChannelError: it has, or that could not be looked up.
        """
        gone: bool | None = None

        def look(_is_last: bool) -> bool:
            nonlocal gone
            gone = self._is_gone(package)
            return gone is True

        poll(look, self._retry_policy.sleep)
        if gone is None:
            raise ChannelError("whether the server has deleted it could not be looked up", "")
        if not gone:
            raise ChannelError("the server did not delete it", "")

    def _is_gone(self, package: Package) -> bool | None:
        """Whether the channel does not have the package; `None` if that is not known."""
        lookup = self._queries.graphql([package])
        return _sha256(lookup, package) != package.sha256 if package.key in lookup.records else None

    def _refusal(self, response: Response) -> ChannelError:
        message = f"the server refused to delete it ({describe_failure(response)})"
        match response.status:
            case HTTPStatus.FORBIDDEN:
                hint = f"Deleting needs the access mode {_ACCESS_MODE}, and {self._credentials} may have another one."
                return ChannelWideError(message, hint, self._credentials.page(HTTPStatus.FORBIDDEN))
            case HTTPStatus.UNAUTHORIZED:
                hint = self._credentials.hint(HTTPStatus.UNAUTHORIZED, self._channel)
                return ChannelWideError(message, hint, self._credentials.page(HTTPStatus.UNAUTHORIZED))
        return ChannelError(message, "")


def _sha256(lookup: Lookup, package: Package) -> str | None:
    record = lookup.records.get(package.key)
    return record.sha256 if record else None
