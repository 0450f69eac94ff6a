"""The requests that change what is on a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prefix_upload.http import Client, Response
    from prefix_upload.package.model import Artifact
    from prefix_upload.prefix_dev.records import Record

_FILES = "$channel: String!, $entries: [PackageVariantInput!]!"
# NOTE: the REST endpoints have no parameter that hides a file.
_YANK_AND_HIDE = (
    f"mutation({_FILES}, $reason: String!) {{ batchYankPackageVariants(channelName: $channel, entries: $entries, "
    "reason: $reason, alsoHide: true) }"
)
_UNYANK_AND_UNHIDE = (
    f"mutation({_FILES}) {{ batchUnyankPackageVariants(channelName: $channel, entries: $entries, alsoUnhide: true) }}"
)


class Change(NamedTuple):
    """A change to a file.

    Attributes:
        verb: what is done to the file, as in "to delete it".
        participle: what was done to it, as in "has deleted it".
        send: makes one attempt, with a timeout in seconds.
        is_done: whether a record shows that the change was made.
        is_graphql: whether it is a GraphQL mutation, whose response may have errors whatever its status.
    """

    verb: str
    participle: str
    send: Callable[[float], Response]
    is_done: Callable[[Record], bool]
    is_graphql: bool = False


class ChangeRequests:
    """Makes the requests for one channel.

    Args:
        client: sends the requests.
        channel: the path of the channel.
    """

    def __init__(self, client: Client, channel: str) -> None:
        self._client = client
        self._channel = channel

    def deletion_url(self, file: Artifact) -> str:
        """The URL that deletes a file."""
        return f"{self._client.server_url}{self._path('delete', *file.key)}"

    def delete(self, file: Artifact) -> Change:
        """Deletes a file."""
        path = self._path("delete", *file.key)
        return Change(
            "delete",
            "deleted",
            lambda timeout: self._client.delete(path, timeout=timeout),
            lambda record: record.sha256 != file.sha256,
        )

    def yank(self, file: Artifact, reason: str, *, hide: bool) -> Change:
        """Yanks a file, and hides it if `hide` is true."""

        def is_done(record: Record) -> bool:
            return record.yanked is not None and (record.is_hidden or not hide)

        if hide:
            return self._mutation("yank", "yanked", _YANK_AND_HIDE, file, is_done, reason=reason)
        send = self._posting(self._path("yank", *file.key), {"reason": reason})
        return Change("yank", "yanked", send, is_done)

    def unyank(self, file: Artifact, *, unhide: bool) -> Change:
        """Takes back that a file was yanked, and that it was hidden if `unhide` is true."""

        def is_done(record: Record) -> bool:
            return record.sha256 is not None and record.yanked is None and not (unhide and record.is_hidden)

        if unhide:
            return self._mutation("unyank", "unyanked", _UNYANK_AND_UNHIDE, file, is_done)
        return Change("unyank", "unyanked", self._posting(self._path("unyank", *file.key)), is_done)

    def reindex(self, subdir: str) -> Callable[[float], Response]:
        """Asks for a new index of a subdir."""
        return self._posting(self._path("reindex", subdir))

    def _mutation(
        self,
        verb: str,
        participle: str,
        query: str,
        file: Artifact,
        is_done: Callable[[Record], bool],
        **variables: str,
    ) -> Change:
        entries = [{"subdir": file.subdir, "filename": file.file_name}]
        body = {"query": query, "variables": {"channel": self._channel, "entries": entries, **variables}}
        return Change(verb, participle, self._posting("/api/graphql", body), is_done, is_graphql=True)

    def _posting(self, path: str, body: Mapping[str, object] | None = None) -> Callable[[float], Response]:
        return lambda timeout: self._client.post(path, timeout=timeout, json=body)

    def _path(self, verb: str, *parts: str) -> str:
        return f"/api/v1/{verb}/{self._channel}/{'/'.join(quote(part, safe='') for part in parts)}"
