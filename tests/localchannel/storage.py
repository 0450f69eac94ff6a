"""The rules of the storage origin: signed links to files, and no credentials."""

import hashlib
import hmac
from dataclasses import dataclass, field
from secrets import token_bytes
from urllib.parse import urlsplit

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
        if not self.signer.check(exchange):
            raise Refusal(403, "missing or invalid signature")
        match exchange.request.method, exchange.segments:
            case "GET" | "HEAD", [*channel, subdir, file]:
                return self._file("/".join(channel), subdir, file)
        raise Refusal(405, "only GET and HEAD")

    def _file(self, channel: str, subdir: str, file: str) -> Reply:
        stored = self.store.find(channel, subdir, file.removesuffix(".v0.sigs"))
        if stored is not None:
            path = stored.path if is_package_name(file) else stored.attestation
            if path.is_file():
                return Reply(200, path.open("rb"), _BINARY)
        elif file.startswith("repodata"):
            content = self.store.index(channel).read(subdir, file)
            if content is not None:
                return Reply(200, content, _BINARY)
        raise Refusal(404, "not found")
