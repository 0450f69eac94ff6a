"""Queries about a channel: GraphQL first, then the repodata that conda clients read."""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO

from prefix_upload.prefix_dev.bundles import has_bundle
from prefix_upload.prefix_dev.lookup import Lookup
from prefix_upload.prefix_dev.query_client import QueryClient
from prefix_upload.prefix_dev.records import GraphQLResult, from_graphql, graphql_query
from prefix_upload.prefix_dev.responses import LookupFailedError, Reason, complete_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from prefix_upload.auth import Credentials
    from prefix_upload.errors import AuthenticationError
    from prefix_upload.http import Client, RetryPolicy
    from prefix_upload.package.model import Artifact, Package

# Repodata is read only for packages that GraphQL leaves unknown. It goes through a temporary file, not through memory.
_MAX_REPODATA_BODY = 2**30
_MAX_ATTESTATIONS_BODY = 2**22
# Attestations are queried one by one, perhaps hundreds of them. After this many requests without a response, the rest
# are not queried.
_MAX_UNANSWERED = 3
# What follows a package's URL where prefix.dev serves its attestations. CEP 50 names another place, with a hash from
# repodata in its name, where prefix.dev serves none yet.
_ATTESTATIONS = ".v0.sigs"


class ChannelQueries:
    """Queries one channel. Results that the server does not provide are unknown, which is not an error."""

    def __init__(self, client: Client, channel: str, credentials: Credentials, retry_policy: RetryPolicy) -> None:
        self._channel = channel
        self._client = QueryClient(client, channel, credentials, retry_policy)
        self._unanswered = 0
        # Whether the server does not know some of the fields that prefix.dev has.
        self._hashes_only = False
        self._allows_v3: bool | None = None
        # Reading repodata takes time and memory, so one worker at a time does.
        self._repodata_lock = threading.Lock()

    @property
    def first_response(self) -> datetime | None:
        """When the server first responded, by its own clock; `None` if it has not, or did not say."""
        return self._client.first_response

    @property
    def authentication_error(self) -> AuthenticationError | None:
        """Why no token could be obtained for a query; `None` if one could, or was not needed."""
        return self._client.authentication_error

    @property
    def allows_v3(self) -> bool | None:
        """Whether the channel takes packages that need revision 3 of repodata; `None` if no response has said so."""
        return self._allows_v3

    def lookup(self, packages: Sequence[Package], *, is_thorough: bool = False) -> Lookup:
        """Looks up all packages in one GraphQL request, and those that it leaves unknown in their subdirs' repodata.

        If `is_thorough`, packages are also looked up in repodata if GraphQL reports that the channel has no such file:
        of the two, either may be out of date.
        """
        first = self.graphql(packages)
        missing = first.unknown(packages)
        absent = [p for p in packages if is_thorough and p.key in first.records and first.records[p.key].sha256 is None]
        second = self._all_repodata(missing + absent)
        # If one of the two lists a file, and the other does not yet or not any more, it is there.
        certain = {
            p.key: second.records[p.key]._replace(may_be_outdated=False) for p in absent if p.key in second.records
        }
        return Lookup.combined([first, second, Lookup(certain)])

    def _all_repodata(self, packages: Sequence[Package]) -> Lookup:
        subdirs = sorted({package.subdir for package in packages})
        return Lookup.combined(self.repodata([p for p in packages if p.subdir == subdir]) for subdir in subdirs)

    def graphql(self, packages: Sequence[Artifact]) -> Lookup:
        """Looks up packages in one GraphQL request."""
        try:
            result = self._query_graphql(packages)
        except LookupFailedError as error:
            failure = LookupFailedError(error.message, error.reason, "GraphQL")
            return Lookup({}, (failure,))
        self._allows_v3 = result.allows_v3 if self._allows_v3 is None else self._allows_v3
        return Lookup(result.records, is_answered=True, knows_user=result.knows_user)

    def repodata(self, packages: Sequence[Package]) -> Lookup:
        """Looks up packages of one subdir in its repodata."""
        import tempfile  # noqa: PLC0415 - slow to load, and seldom needed

        from prefix_upload.prefix_dev.repodata import from_repodata  # noqa: PLC0415 - as above

        subdir = packages[0].subdir
        try:
            with self._repodata_lock, tempfile.TemporaryFile() as file:
                self._client.file(f"{subdir}/repodata.json", _MAX_REPODATA_BODY, into=file)
                return Lookup(from_repodata(file, packages), is_answered=True)
        except LookupFailedError as error:
            failure = LookupFailedError(error.message, error.reason, f"repodata of {subdir}")
            return Lookup({}, (failure,))

    def serves(self, package: Package) -> bool:
        """Whether the channel serves a file of the package's name and size. The file itself is not read."""
        try:
            response = self._client.file(f"{package.subdir}/{package.file_name}", max_body=0)
        except LookupFailedError:
            return False
        return response.status == HTTPStatus.OK and response.headers.get("Content-Length") == str(package.size)

    def download(self, package: Package, max_size: int, file: BinaryIO) -> None:
        """Downloads the file that the channel has under the package's name.

        Raises:
            LookupFailedError: it could not be downloaded, or is larger than `max_size` bytes.
        """
        self._client.file(f"{package.subdir}/{package.file_name}", max_size, into=file)

    def has_attestation(self, package: Package, attestation: str) -> bool | None:
        """Whether the attestation is served with the package; `None` if that is not known."""
        if self._unanswered >= _MAX_UNANSWERED:
            return None
        path = f"{package.subdir}/{package.file_name}{_ATTESTATIONS}"
        try:
            response = self._client.file(path, _MAX_ATTESTATIONS_BODY, retries=0)
            return has_bundle(response.body, json.loads(attestation))
        except LookupFailedError as error:
            self._unanswered += error.reason is Reason.UNREACHABLE
            return None

    def ask(self, query: Mapping[str, object], max_body: int) -> Mapping[str, Any]:
        """The data that answer a GraphQL query, all of them: a response that is not complete or has errors is none.

        Args:
            query: the body of the request.
            max_body: the largest response, in bytes.

        Raises:
            LookupFailedError: there is no such response.
        """
        return complete_data(self._client.graphql(query, max_body=max_body))

    def _query_graphql(self, packages: Sequence[Artifact]) -> GraphQLResult:
        try:
            return from_graphql(self._post_graphql(packages), packages)
        except LookupFailedError as error:
            if error.reason is not Reason.REFUSED or self._hashes_only:
                raise
        # NOTE: a server refuses a query as a whole if one of its fields is not in the server's schema.
        result = from_graphql(self._post_graphql(packages, hashes_only=True), packages)
        self._hashes_only = True
        return result

    def _post_graphql(self, packages: Sequence[Artifact], *, hashes_only: bool = False) -> bytes:
        query = graphql_query(self._channel, packages, hashes_only=hashes_only or self._hashes_only)
        return self._client.graphql(query)
