"""Queries about the account of a user: the plan, and the channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.http import Server
from prefix_upload.prefix_dev.account import Limits, channels_in, channels_query, limits_in, limits_query, login_in
from prefix_upload.prefix_dev.query_client import QueryClient
from prefix_upload.prefix_dev.responses import LookupFailedError, Reason, complete_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefix_upload.auth import Credentials
    from prefix_upload.http import Client, RetryPolicy


class AccountQueries:
    """Queries the account that credentials belong to, as far as the server tells them about it."""

    def __init__(self, client: Client, channel: str, credentials: Credentials, retry_policy: RetryPolicy) -> None:
        self._channel = channel
        # A run goes on without an answer about the account, so such a request says nothing about the server: neither
        # that it is down, nor that others have to wait.
        self._client = QueryClient(client, channel, credentials, retry_policy._replace(server=Server()))

    def limits(self) -> Limits:
        """The limits of the plan that the channel is billed to; none if the server does not tell them."""
        return limits_in(self._ask_once(limits_query(self._channel)))

    def own_channels(self) -> list[str]:
        """The paths of the user's channels; none if the server does not tell them."""
        return channels_in(self._ask_once(channels_query()))

    def whoami(self) -> tuple[str, list[str]]:
        """The name of the key's owner, "" if the server knows none, and the paths of their channels.

        Raises:
            LookupFailedError: the server did not answer, or not as prefix.dev does.
        """
        body = self._client.graphql(channels_query(), kind="account")
        login = login_in(body)
        if not login and "viewer" not in complete_data(body):
            raise LookupFailedError("the response does not have the requested data", Reason.MALFORMED, "GraphQL")
        return login, channels_in(body)

    def _ask_once(self, query: Mapping[str, object]) -> bytes:
        """The response to a query; nothing if there is none."""
        try:
            return self._client.graphql(query, kind="account", retries=0)
        except LookupFailedError:
            return b""
