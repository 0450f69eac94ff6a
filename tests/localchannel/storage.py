"""The rules of the storage origin: signed links to files, and no credentials."""

import hashlib
import hmac
from dataclasses import dataclass, field
from secrets import token_bytes
from urllib.parse import urlsplit

from localchannel.caching import conditional
from localchannel.exchange import Exchange, Refusal, Reply
from localchannel.package import is_package_name
from localchannel.store import Store

_BINARY = {"Content-Type": "application/octet-stream"}


@dataclass(frozen=True)
class Signer:
    """Makes and checks the signatures of links, as object storages do."""

    _secret: bytes = field(default_factory=lambda: token_bytes(32), repr=False)

    def sign(self, path: str) -> str:
        """The path with its signature as query."""
        return f"{path}?signature={self._signature(path)}"

    def check(self, exchange: Exchange) -> bool:
        """Whether the exchange's path was signed here."""
        path = urlsplit(exchange.request.path).path
        return hmac.compare_digest(exchange.query("signature").encode(), self._signature(path).encode())

    def _signature(self, path: str) -> str:
        return hmac.new(self._secret, path.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Storage:
    """Serves packages, attestations and the index."""

    store: Store
    signer: Signer

    def __call__(self, exchange: Exchange) -> Reply:
        """Answer one request."""
        match exchange.request.method, exchange.segments:
            case "GET" | "HEAD", ["shards", *channel, subdir, file]:
                # Whoever knows a shard's hash has seen the index that lists it.
                return self._index_file(exchange, "/".join(channel), subdir, f"shards/{file}")
        if not self.signer.check(exchange):
            raise Refusal(403, "missing or invalid signature")
        match exchange.request.method, exchange.segments:
            case "GET" | "HEAD", [*channel, subdir, "shards", file]:
                return self._index_file(exchange, "/".join(channel), subdir, f"shards/{file}")
            case "GET" | "HEAD", [*channel, subdir, file] if file.startswith("repodata"):
                return self._index_file(exchange, "/".join(channel), subdir, file)
            case "GET" | "HEAD", [*channel, subdir, file]:
                return self._file("/".join(channel), subdir, file)
        raise Refusal(405, "only GET and HEAD")

    def _index_file(self, exchange: Exchange, channel: str, subdir: str, file: str) -> Reply:
        content = self.store.index(channel).read(subdir, file) if channel in self.store.channels else None
        if content is None:
            raise Refusal(404, "not found")
        return conditional(exchange, content)

    def _file(self, channel: str, subdir: str, file: str) -> Reply:
        stored = self.store.find(channel, subdir, file.removesuffix(".v0.sigs"))
        if stored is not None:
            path = stored.path if is_package_name(file) else stored.attestation
            if path.is_file():
                return Reply(200, path.open("rb"), _BINARY)
        raise Refusal(404, "not found")
