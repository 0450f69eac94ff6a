"""What the channel is asked: GraphQL first, then what conda clients read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from prefix_upload.errors import AuthenticationError
from prefix_upload.http import QUERY_TIMEOUT, Client, RequestError, Response, RetryPolicy, reason
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

# A question can be asked in another way: it is given up sooner than an upload.
_RETRIES = 2
_MAX_GRAPHQL_BODY = 2**20
# Repodata is read only where GraphQL does not answer; parsed, it takes a few times this much memory.
_MAX_REPODATA_BODY = 64 * 2**20
_MAX_ATTESTATIONS_BODY = 2**22
# They are asked for one by one: a server that gives no answer so often is not asked for hundreds.
_MAX_SILENCES = 3
# Where attestations are served: today, and by CEP 50.
_ATTESTATIONS = (".v0.sigs", ".sigs")


class Ask(Protocol):
    """Sends a question."""

    def __call__(self, timeout: float, *, anonymously: bool) -> Response:
        """`timeout` is in seconds; `anonymously` is without the token."""


@dataclass(frozen=True)
class Lookup:
    """What could be learned of a batch. `errors` says why where a record is missing."""

    records: Records
    errors: tuple[str, ...] = ()


class ChannelQueries:
    """Asks about one channel. What the server does not tell is not known; nothing is raised for it."""

    def __init__(self, client: Client, channel: str, credentials: Credentials, retry_policy: RetryPolicy) -> None:
        self._client = client
        self._channel = channel
        self._credentials = credentials
        self._retry_policy = retry_policy
        self._silences = 0

    def lookup(self, packages: Sequence[Package]) -> Lookup:
        """One GraphQL request for all; what it leaves open is looked for in the repodata of each subdir."""
        records: Records = {}
        errors = []
        try:
            records = self._ask_graphql(packages)
        except LookupFailedError as error:
            errors.append(f"GraphQL: {error}")
        open_ones = [package for package in packages if package.key not in records]
        found = self._look_into_repodata(open_ones)
        return Lookup(records | found.records, (*errors, *found.errors))

    def existing(self, package: Package) -> Record:
        """The record of a file that is known to be there, whichever of the two knows it."""
        record = self.lookup([package]).records.get(package.key)
        if record is None or record.sha256 is None:
            record = self._look_into_repodata([package]).records.get(package.key, Record(None))
        return record

    def has_attestation(self, package: Package, attestation: str) -> bool | None:
        """Whether the attestation is served with the package; `None` where that cannot be told."""
        for suffix in _ATTESTATIONS:
            if self._silences >= _MAX_SILENCES:
                break
            try:
                response = self._get(f"{package.subdir}/{package.file_name}{suffix}", _MAX_ATTESTATIONS_BODY, retries=0)
                return has_bundle(response.body, json.loads(attestation))
            except LookupFailedError as error:
                self._silences += isinstance(error.__cause__, RequestError)
        return None

    def _ask_graphql(self, packages: Sequence[Package]) -> Records:
        question = graphql_query(self._channel, packages)

        def ask(timeout: float, *, anonymously: bool) -> Response:
            return self._client.post(
                "/api/graphql", timeout=timeout, json=question, max_body=_MAX_GRAPHQL_BODY, anonymously=anonymously
            )

        return from_graphql(self._asked(ask).body, packages)

    def _look_into_repodata(self, packages: Sequence[Package]) -> Lookup:
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
        def ask(timeout: float, *, anonymously: bool) -> Response:
            path_on_server = f"/{self._channel}/{path}"
            return self._client.get(path_on_server, timeout=timeout, max_body=max_body, anonymously=anonymously)

        return self._asked(ask, retries)

    def _asked(self, ask: Ask, retries: int = _RETRIES) -> Response:
        """The successful, whole answer to a question.

        Raises:
            LookupFailedError: there is none.
        """
        try:
            response = self._retry_policy.call(
                lambda timeout: self._ask_openly(ask, timeout), retries=retries, timeout=QUERY_TIMEOUT
            )
        except RequestError as error:
            raise LookupFailedError(str(error)) from error
        except AuthenticationError as error:
            raise LookupFailedError(error.message) from error
        if not response.is_success or not response.is_complete:
            raise LookupFailedError(reason(response))
        return response

    def _ask_openly(self, ask: Ask, timeout: float) -> Response:
        """The answer; where the token is refused, that to anybody, who may read a public channel, or to another token.

        Whether the server takes a minted token for questions is not documented.
        """
        token = self._credentials.bearer()
        response = ask(timeout, anonymously=False)
        if response.status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return response
        anonymous_response = ask(timeout, anonymously=True)
        if anonymous_response.is_success:
            return anonymous_response
        is_renewed = response.status == HTTPStatus.UNAUTHORIZED and self._credentials.renew(token)
        return ask(timeout, anonymously=False) if is_renewed else response
