"""Queries about a channel: GraphQL first, then the repodata that conda clients read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prefix_upload.errors import AuthenticationError
from prefix_upload.http import QUERY_TIMEOUT, Client, RequestError, Response, RetryPolicy, describe_failure
from prefix_upload.prefix_dev.query_credentials import QueryCredentials, SendQuery
from prefix_upload.prefix_dev.records import (
    LookupFailedError,
    Record,
    Records,
    from_graphql,
    from_repodata,
    graphql_query,
    has_bundle,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.auth import Credentials
    from prefix_upload.package.model import Package

# Queries have alternatives, so they are retried less often than uploads.
_RETRIES = 2
_MAX_GRAPHQL_BODY = 2**20
# Repodata is read only for packages that GraphQL leaves unknown. Parsed, it takes a few times this much memory.
_MAX_REPODATA_BODY = 64 * 2**20
_MAX_ATTESTATIONS_BODY = 2**22
# Attestations are queried one by one, perhaps hundreds of them. After this many requests without a response, the rest
# are not queried.
_MAX_UNANSWERED = 3
# Suffixes of a package's URL under which its attestations are served: by prefix.dev today, and according to CEP 50.
_ATTESTATIONS = (".v0.sigs", ".sigs")


@dataclass(frozen=True)
class Lookup:
    """The records that were found for a batch, and the errors of the queries that failed."""

    records: Records
    errors: tuple[str, ...] = ()


class ChannelQueries:
    """Queries one channel. Results that the server does not provide are unknown, which is not an error."""

    def __init__(self, client: Client, channel: str, credentials: Credentials, retry_policy: RetryPolicy) -> None:
        self._client = client
        self._channel = channel
        self._credentials = QueryCredentials(credentials)
        self._retry_policy = retry_policy
        self._unanswered = 0

    def lookup(self, packages: Sequence[Package]) -> Lookup:
        """Looks up all packages in one GraphQL request, and those that it leaves unknown in their subdirs' repodata."""
        records: Records = {}
        errors = []
        try:
            records = self._query_graphql(packages)
        except LookupFailedError as error:
            errors.append(f"GraphQL: {error}")
        unknown = [package for package in packages if package.key not in records]
        found = self._query_repodata(unknown)
        return Lookup(records | found.records, (*errors, *found.errors))

    def existing(self, package: Package) -> Record:
        """The record of a file that is known to exist, from GraphQL or repodata; without hashes if neither lists it."""
        record = self.lookup([package]).records.get(package.key)
        if record is None or record.sha256 is None:
            record = self._query_repodata([package]).records.get(package.key, Record(None))
        return record

    def has_attestation(self, package: Package, attestation: str) -> bool | None:
        """Whether the attestation is served with the package; `None` if that is not known."""
        for suffix in _ATTESTATIONS:
            if self._unanswered >= _MAX_UNANSWERED:
                break
            try:
                response = self._get(f"{package.subdir}/{package.file_name}{suffix}", _MAX_ATTESTATIONS_BODY, retries=0)
                return has_bundle(response.body, json.loads(attestation))
            except LookupFailedError as error:
                self._unanswered += isinstance(error.__cause__, RequestError)
        return None

    def _query_graphql(self, packages: Sequence[Package]) -> Records:
        query = graphql_query(self._channel, packages)

        def send(timeout: float, *, anonymously: bool) -> Response:
            return self._client.post(
                "/api/graphql", timeout=timeout, json=query, max_body=_MAX_GRAPHQL_BODY, anonymously=anonymously
            )

        return from_graphql(self._query("GraphQL", send).body, packages)

    def _query_repodata(self, packages: Sequence[Package]) -> Lookup:
        records: Records = {}
        errors = []
        for subdir in sorted({package.subdir for package in packages}):
            try:
                response = self._get(f"{subdir}/repodata.json", _MAX_REPODATA_BODY)
                records |= from_repodata(response.body, [package for package in packages if package.subdir == subdir])
            except LookupFailedError as error:
                errors.append(f"repodata of {subdir}: {error}")
        return Lookup(records, tuple(errors))

    def _get(self, path: str, max_body: int, retries: int = _RETRIES) -> Response:
        def send(timeout: float, *, anonymously: bool) -> Response:
            path_on_server = f"/{self._channel}/{path}"
            return self._client.get(path_on_server, timeout=timeout, max_body=max_body, anonymously=anonymously)

        return self._query("files", send, retries)

    def _query(self, kind: str, send: SendQuery, retries: int = _RETRIES) -> Response:
        """The successful, complete response to a query.

        Raises:
            LookupFailedError: there is no such response.
        """
        try:
            response = self._retry_policy.call(
                lambda timeout: self._credentials.send(kind, send, timeout), retries=retries, timeout=QUERY_TIMEOUT
            )
        except RequestError as error:
            raise LookupFailedError(str(error)) from error
        except AuthenticationError as error:
            raise LookupFailedError(error.message) from error
        if not response.is_success or not response.is_complete:
            raise LookupFailedError(describe_failure(response))
        return response
