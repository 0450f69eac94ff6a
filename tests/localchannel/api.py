"""The rules of the API origin: who may do what, and which endpoint does it."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from localchannel import pages, uploads
from localchannel.exchange import Exchange, Refusal, Reply
from localchannel.graph import Graph
from localchannel.publishers import Keys
from localchannel.storage import Signer
from localchannel.store import Access, Store

_NOT_FOUND = "not found"


@dataclass(frozen=True)
class Api:
    """Answers requests to the server proper.

    Attributes:
        store: The channels.
        graph: The GraphQL endpoint.
        keys: What each API key, and each minted token, may do.
        signer: Signs links to the storage origin.
        urls: The API's and the storage's origin, known once they listen.
        latency: Seconds an upload takes at least.
        stopping: Ends the waiting for `latency`.
    """

    store: Store
    graph: Graph
    keys: Keys
    signer: Signer
    urls: Callable[[], tuple[str, str]]
    latency: float
    stopping: threading.Event

    def __call__(self, exchange: Exchange) -> Reply:
        """Answer one request."""
        match exchange.request.method, exchange.segments:
            case "POST", ["api", "graphql"]:
                return self.graph.reply(exchange, self.urls()[0], self.keys.access(exchange.bearer))
            case "POST", ["api", "oidc", "mint_token"]:
                return self.keys.mint(exchange)
            case method, ["api", "v1", verb, *rest]:
                return self._rest(exchange, f"{method} {verb}", rest)
            case "GET" | "HEAD", [""] | ["channels", *_]:
                return self._page(exchange)
            case "GET" | "HEAD", [*channel, subdir, "shards", file] if channel and channel[0] != "api":
                return self._redirect(exchange, "/".join(channel), subdir, f"shards/{file}")
            case "GET" | "HEAD", [*channel, subdir, file] if channel and channel[0] != "api":
                return self._redirect(exchange, "/".join(channel), subdir, file)
        raise Refusal(404, _NOT_FOUND)

    def _rest(self, exchange: Exchange, verb: str, rest: list[str]) -> Reply:
        match verb, rest:
            case "POST upload", channel:
                return self._upload(exchange, "/".join(channel))
            case "DELETE delete", [*channel, subdir, file]:
                return self._delete(exchange, "/".join(channel), subdir, file)
            case "POST yank", [*channel, subdir, file]:
                return self._yank(exchange, "/".join(channel), subdir, file)
            case "POST unyank", [*channel, subdir, file]:
                return self._unyank(exchange, "/".join(channel), subdir, file)
            case "POST reindex", [*channel, subdir]:
                return self._reindex(exchange, "/".join(channel), subdir)
        raise Refusal(404, _NOT_FOUND)

    def _upload(self, exchange: Exchange, channel: str) -> Reply:
        earliest = time.monotonic() + self.latency
        try:
            self._check_write(exchange, channel)
            return uploads.receive(exchange, self.store, channel)
        finally:
            self.stopping.wait(earliest - time.monotonic())

    def _delete(self, exchange: Exchange, channel: str, subdir: str, file: str) -> Reply:
        self._check_write(exchange, channel, deletes=True)
        if not self.store.remove(channel, subdir, file):
            raise Refusal(404, f"{subdir}/{file} is not on channel {channel}")
        return Reply(204)

    def _yank(self, exchange: Exchange, channel: str, subdir: str, file: str) -> Reply:
        self._check_write(exchange, channel)
        try:
            reason = json.loads(b"".join(exchange.body.chunks() if exchange.body else ()))["reason"]
        except (ValueError, LookupError, TypeError):
            raise Refusal(400, "the body has no reason") from None
        return self._change(channel, subdir, file, yanked=str(reason))

    def _unyank(self, exchange: Exchange, channel: str, subdir: str, file: str) -> Reply:
        self._check_write(exchange, channel)
        return self._change(channel, subdir, file, yanked=None)

    def _change(self, channel: str, subdir: str, file: str, *, yanked: str | None) -> Reply:
        if not self.store.change(channel, subdir, file, yanked=yanked):
            raise Refusal(404, f"{subdir}/{file} is not on channel {channel}")
        return Reply(200)

    def _reindex(self, exchange: Exchange, channel: str, subdir: str) -> Reply:
        self._check_write(exchange, channel)
        self.store.index(channel).reindex(subdir)
        return Reply(202)

    def _page(self, exchange: Exchange) -> Reply:
        """The front page, or the page of a channel or of a package on it."""
        path = "/".join(exchange.segments[1:]).removeprefix("@")
        if not path:
            return pages.front_page(self.store)
        channel, _, package = path.partition("/packages/")
        if channel not in self.store.channels:
            raise Refusal(404, f"no channel {channel}")
        if not self.store.channels[channel].public:
            self._access(exchange)
        return pages.channel_page(self.store, channel, package or None)

    def _redirect(self, exchange: Exchange, channel: str, subdir: str, file: str) -> Reply:
        if channel not in self.store.channels:
            raise Refusal(404, f"no channel {channel}")
        if not self.store.channels[channel].public:
            self._access(exchange)
        path = quote(f"/{channel}/{subdir}/{file}")
        return Reply(303, headers={"Location": self.urls()[1] + self.signer.sign(path)})

    def _check_write(self, exchange: Exchange, channel: str, *, deletes: bool = False) -> None:
        access = self._access(exchange)
        if channel not in self.store.channels:
            raise Refusal(404, f"no channel {channel}")
        if access is Access.READ or (deletes and access is Access.READ_WRITE):
            raise Refusal(403, f"this key has no {'delete' if deletes else 'write'} access to channel {channel}")

    def _access(self, exchange: Exchange) -> Access:
        access = self.keys.access(exchange.bearer)
        if access is None:
            raise Refusal(401, "missing or invalid API key")
        return access
