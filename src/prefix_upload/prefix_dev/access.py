"""Why a channel can't be worked on, as far as queries about it have shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prefix_upload.auth import ApiKey
from prefix_upload.prefix_dev.responses import Reason
from prefix_upload.prefix_dev.upload_errors import missing_channel_error, no_api_error, refused_token_error, v3_error

if TYPE_CHECKING:
    from prefix_upload.auth import Credentials
    from prefix_upload.errors import ChannelError, ChannelWideError
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev.account_queries import AccountQueries
    from prefix_upload.prefix_dev.lookup import Lookup
    from prefix_upload.prefix_dev.queries import ChannelQueries
    from prefix_upload.prefix_dev.responses import LookupFailedError

# Reasons for which a look-up fails with any token: the server is down, not there, or not one of prefix.dev's kind.
_NO_ANSWER = frozenset({Reason.UNREACHABLE, Reason.UNAVAILABLE, Reason.MALFORMED})
# What a server says if it refuses a token: HTTP 403, or words of that meaning in an error.
_CREDENTIALS = re.compile(r"(?i)\bHTTP 403\b|auth|token|credential|permi|forbidden|denied|log ?in|api key|access")


class ChannelAccess:
    """The errors that keep a user from working on a channel.

    Args:
        name: the path of the channel.
        credentials: those of the user.
        queries: what was looked up about the channel.
        account: what can be looked up about the user's account.
    """

    def __init__(self, name: str, credentials: Credentials, queries: ChannelQueries, account: AccountQueries) -> None:
        self._name = name
        self._credentials = credentials
        self._queries = queries
        self._account = account

    def blocking_error(self, lookup: Lookup, *, is_dry_run: bool) -> ChannelWideError | None:
        """Why no package could be uploaded, as far as a look-up shows; a dry run makes no further attempt to find out.

        Without a token, a channel that is not visible may be a private one, which others can publish to.
        """
        if lookup.failed_for(Reason.NO_CHANNEL):
            return missing_channel_error(self._credentials, self._name, self._account.own_channels())
        return self._dry_run_error(lookup) if is_dry_run else None

    def settings_error(self, package: Package) -> ChannelError | None:
        """Why the channel's settings do not allow a package, as far as the look-ups have shown them."""
        return v3_error() if package.needs_v3 and self._queries.allows_v3 is False else None

    def query_error(self, error: LookupFailedError) -> ChannelWideError:
        """The error of a query whose answer a command can't do without, such as a list of the channel's files."""
        if self._queries.authentication_error is not None:
            return self._queries.authentication_error
        if error.reason in {Reason.NO_CHANNEL, Reason.NOT_VISIBLE}:
            return missing_channel_error(self._credentials, self._name, self._account.own_channels())
        if self._has_key and (error.reason is Reason.UNAUTHORIZED or _is_about_credentials(error)):
            return refused_token_error(self._credentials, self._name)
        return no_api_error([error])

    @property
    def _has_key(self) -> bool:
        # NOTE: minted tokens may be refused for queries, and the server does not know a user for them.
        return isinstance(self._credentials, ApiKey)

    def token_error(self, lookup: Lookup) -> ChannelWideError | None:
        """The error that the server does not accept the API key, if a look-up shows it."""
        is_refused = lookup.failed_for(Reason.UNAUTHORIZED) or (
            not lookup.is_answered and any(map(_is_about_credentials, lookup.failures))
        )
        return self.key_error(knows_user=False if is_refused else lookup.knows_user)

    def key_error(self, *, knows_user: bool | None) -> ChannelWideError | None:
        """The error that the server does not accept the API key, if it says that it does not know who is asking."""
        return refused_token_error(self._credentials, self._name) if self._has_key and knows_user is False else None

    def _dry_run_error(self, lookup: Lookup) -> ChannelWideError | None:
        if error := self.token_error(lookup):
            return error
        if self._has_key and lookup.failed_for(Reason.NOT_VISIBLE):
            return missing_channel_error(self._credentials, self._name, self._account.own_channels())
        # Without a token, a channel that is not public is not an error.
        is_unexplained = self._has_key or any(failure.reason in _NO_ANSWER for failure in lookup.failures)
        return no_api_error(lookup.failures) if is_unexplained and not lookup.is_answered else None


def _is_about_credentials(failure: LookupFailedError) -> bool:
    """Whether a query was refused because of who asks, not because of what is asked, as far as the server says so."""
    is_of_proxy = "HTTP 407" in failure.message
    return failure.reason is Reason.REFUSED and not is_of_proxy and _CREDENTIALS.search(failure.message) is not None
