"""Changes what is on a channel, and makes sure of it.

After each attempt whose outcome is not known, and at the end, the record of the file decides. A request is repeated
only if the record shows that the file is still the same.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from prefix_upload.errors import (
    CHANGES_RERUN_IS_SAFE,
    CHECK_CONNECTION,
    SERVER_MESSAGE,
    USE_SERVER_ITSELF,
    ChannelError,
    ChannelWideError,
    UnconfirmedChangeError,
)
from prefix_upload.http import Client, Failure, RequestError, Response, RetryPolicy, describe_failure
from prefix_upload.prefix_dev.batches import batches
from prefix_upload.prefix_dev.change_requests import Change, ChangeRequests
from prefix_upload.prefix_dev.lookup import Lookup
from prefix_upload.prefix_dev.poll import poll
from prefix_upload.prefix_dev.records import BATCH_SIZE, Record
from prefix_upload.prefix_dev.responses import LookupFailedError, Reason, complete_data
from prefix_upload.prefix_dev.upload_errors import no_api_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefix_upload.auth import Credentials
    from prefix_upload.package.model import Artifact
    from prefix_upload.prefix_dev.queries import ChannelQueries

# The access mode that deleting needs (`ChannelAccessMode` in prefix.dev's GraphQL schema).
_DELETE_MODE = "READ_WRITE_DELETE"
# Stands for a response that was lost.
_DONE = Response(HTTPStatus.OK, {}, b"", is_complete=True)


class Changes:
    """Changes one channel. Not for use from several threads at the same time.

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
        self._requests = ChangeRequests(client, channel)
        self._channel = channel
        self._credentials = credentials
        self._retry_policy = retry_policy
        self._queries = queries

    def deletion_url(self, file: Artifact) -> str:
        """The URL that deletes a file."""
        return self._requests.deletion_url(file)

    def lookup(self, files: Sequence[Artifact], expected: Sequence[Artifact] = ()) -> Lookup:
        """Looks up files, some of them a few times: records may take a moment to appear.

        Only GraphQL is queried. Repodata may still list what was deleted, and does not tell when a file was added.

        Args:
            files: the files to look up.
            expected: those of them that the channel should have.
        """
        found = Lookup({})

        def look(_is_last: bool) -> bool:
            nonlocal found
            latest = Lookup.combined(map(self._queries.graphql, batches(files, BATCH_SIZE)))
            found = Lookup.combined([Lookup(found.records), latest])
            is_there = all(found.records.get(file.key, Record(None)).sha256 is not None for file in expected)
            return is_there or not latest.is_worth_repeating

        poll(look, self._retry_policy.sleep)
        return found

    def record(self, file: Artifact) -> Record | None:
        """The channel's record of a file, by one query; `None` if it could not be read."""
        return self._queries.graphql([file]).records.get(file.key)

    def delete(self, file: Artifact) -> None:
        """Deletes a file. It is no error if that is gone already.

        Raises:
            ChannelWideError: every file would fail in this way.
            ChannelError: the file is still there, or may be.
        """
        self._make(self._requests.delete(file), file)

    def yank(self, file: Artifact, reason: str, *, hide: bool) -> None:
        """Yanks a file, so that solvers do not choose it, and hides it if asked to.

        Raises:
            ChannelWideError: every file would fail in this way.
            ChannelError: the file is not yanked, or may not be.
        """
        self._make(self._requests.yank(file, reason, hide=hide), file)

    def unyank(self, file: Artifact, *, unhide: bool) -> None:
        """Takes back that a file was yanked, and that it was hidden if asked to.

        Raises:
            ChannelWideError: every file would fail in this way.
            ChannelError: the file is still yanked, or may be.
        """
        self._make(self._requests.unyank(file, unhide=unhide), file)

    def reindex(self, subdir: str) -> bool:
        """Asks the server for a new index of a subdir, which it makes later. Returns true.

        Raises:
            ChannelWideError: every subdir would fail in this way.
            ChannelError: the server refused, or did not respond.
        """
        send = self._requests.reindex(subdir)
        try:
            response = self._retry_policy.call(lambda timeout: self._send(send, timeout))
        except RequestError as error:
            raise ChannelError(f"The server could not be reached: {error}.", CHECK_CONNECTION) from error
        if not response.is_success:
            raise self._refusal("reindex", response)
        if not response.is_complete or response.is_page:
            what = response.summary if response.is_complete else describe_failure(response)
            raise no_api_error([LookupFailedError(what, Reason.MALFORMED)])
        return True

    def _make(self, change: Change, file: Artifact) -> None:
        """Makes a change, and makes sure of it.

        Raises:
            ChannelError: it was not made, or may not have been.
        """

        def is_done(failure: Failure) -> Callable[[bool], Response | None]:
            del failure  # whatever it is: the server may have made the change
            return lambda _is_last: _DONE if self._is_done(change, file) else None

        try:
            response = self._retry_policy.call(lambda timeout: self._send(change.send, timeout), on_failure=is_done)
        except RequestError as error:
            kind = UnconfirmedChangeError if error.may_have_arrived else ChannelError
            raise kind(f"The server could not be reached: {error}.", CHECK_CONNECTION) from error
        is_gone = change.verb == "delete" and response.status == HTTPStatus.NOT_FOUND
        if not response.is_success and not is_gone:
            raise self._refusal(change.verb, response)
        if change.is_graphql and response is not _DONE:
            _check_graphql(change, response)
        self._confirm(change, file)

    def _send(self, send: Callable[[float], Response], timeout: float) -> Response:
        """One attempt, repeated if the token was rejected but could be renewed."""
        token = self._credentials.bearer()
        response = send(timeout)
        if response.status == HTTPStatus.UNAUTHORIZED and self._credentials.renew(token):
            response = send(timeout)
        return response

    def _confirm(self, change: Change, file: Artifact) -> None:
        """Makes sure that a change was made.

        Raises:
            ChannelError: it was not, or that could not be looked up.
        """
        done: bool | None = None

        def look(_is_last: bool) -> bool:
            nonlocal done
            record = self.record(file)
            done = None if record is None else change.is_done(record)
            return done is True

        poll(look, self._retry_policy.sleep)
        if done is None:
            raise UnconfirmedChangeError(_unknown(change), CHANGES_RERUN_IS_SAFE)
        if not done:
            raise ChannelError(f"The server did not {change.verb} it.", CHANGES_RERUN_IS_SAFE)

    def _is_done(self, change: Change, file: Artifact) -> bool:
        """Whether a change was made.

        Raises:
            ChannelError: that could not be looked up, so that another attempt might concern another file.
        """
        record = self.record(file)
        if record is None:
            raise UnconfirmedChangeError(_unknown(change), CHANGES_RERUN_IS_SAFE)
        is_done = change.is_done(record)
        if not is_done and record.sha256 != file.sha256:
            raise ChannelError("The channel has other bytes under its name now, or none.", CHANGES_RERUN_IS_SAFE)
        return is_done

    def _refusal(self, verb: str, response: Response) -> ChannelError:
        message = f"The server refused to {verb} it ({describe_failure(response)})."
        match response.status:
            case HTTPStatus.FORBIDDEN if verb == "delete":
                hint = f"Deleting needs the access mode {_DELETE_MODE}, and {self._credentials} may have another one."
                return ChannelWideError(message, hint, self._credentials.page(HTTPStatus.FORBIDDEN))
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN as status:
                hint = self._credentials.hint(status, self._channel)
                return ChannelWideError(message, hint, self._credentials.page(status))
            case _ if response.is_redirect:
                return ChannelWideError(message, USE_SERVER_ITSELF)
        return ChannelError(message, CHANGES_RERUN_IS_SAFE if response.is_retryable else SERVER_MESSAGE)


def _check_graphql(change: Change, response: Response) -> None:
    """Raises an error if a GraphQL response has one."""
    try:
        complete_data(response.redact(response.body.decode("utf-8", "replace")).encode())
    except LookupFailedError as error:
        raise ChannelError(f"The server refused to {change.verb} it ({error.message}).", SERVER_MESSAGE) from error


def _unknown(change: Change) -> str:
    return f"Whether the server has {change.participle} it could not be looked up."
