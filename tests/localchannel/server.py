"""The server as tests see it."""

import hashlib
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from localchannel.api import Api
from localchannel.faults import Fault, Script
from localchannel.graph import Graph
from localchannel.index import PARTS, Part
from localchannel.journal import Journal, Request
from localchannel.origin import Origin
from localchannel.package import Metadata
from localchannel.publishers import Keys, Publisher, Verify
from localchannel.shards import Fields
from localchannel.storage import Signer, Storage
from localchannel.store import Access, Channel, Store

_UPLOAD = "/api/v1/upload/"
_REINDEX = "/api/v1/reindex/"


class LocalChannel:
    """A server for the length of a `with` block.

    Args:
        root: A folder for the channels; what an earlier server left in it is served again.
        channels: The channels that exist, by `namespace` or `namespace/channel`.
        keys: The API keys that are accepted.
        publishers: The workflows that may publish without one.
        verify: Tells what an identity token says; without it the server does not know trusted publishing.
        lifetime: Seconds that a minted token is good for.
        tls: Serve both origins over TLS.
        latency: Seconds an upload takes at least.
        port: Port of the API's origin; 0 takes a free one, as the storage's origin always does.
        on_request: Called from the request's thread when a request is finished.
    """

    def __init__(
        self,
        root: Path,
        channels: Mapping[str, Channel],
        keys: Mapping[str, Access],
        *,
        publishers: Sequence[Publisher] = (),
        verify: Verify | None = None,
        lifetime: float = 600.0,
        tls: ssl.SSLContext | None = None,
        latency: float = 0.0,
        port: int = 0,
        on_request: Callable[[Request], None] | None = None,
    ) -> None:
        self._store = Store(root, channels)
        self._graph = Graph(self._store)
        self._script = Script()
        self._journal = Journal(on_request)
        self._stopping = threading.Event()
        signer = Signer()
        # Servers other than prefix.dev are recognized by their host.
        self._keys = Keys(keys, publishers, verify, audience="127.0.0.1", lifetime=lifetime)
        api = Api(self._store, self._graph, self._keys, signer, self._urls, latency, self._stopping)
        origin = partial(Origin, tls=tls, script=self._script, journal=self._journal, stopping=self._stopping)
        self._api = origin("api", api, port=port)
        self._storage = origin("storage", Storage(self._store, signer), port=0)

    def __enter__(self) -> Self:
        self._api.start()
        self._storage.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._api.stop()
        self._storage.stop()

    @property
    def url(self) -> str:
        """The server, as a `server-url`: scheme, host and port."""
        return self._api.url

    @property
    def storage_url(self) -> str:
        """The other origin, which downloads are redirected to."""
        return self._storage.url

    def _urls(self) -> tuple[str, str]:
        return self.url, self.storage_url

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in the order of arrival."""
        return self._journal.requests

    @property
    def uploads(self) -> list[Request]:
        """The requests that tried to upload."""
        return [request for request in self.requests if request.path.startswith(_UPLOAD)]

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until no request is being worked on, e.g. after the client hung up on one.

        Raises:
            TimeoutError: That took more than `timeout` seconds.
        """
        if not self._journal.settle(timeout):
            raise TimeoutError("a request is still being worked on")

    def sha256(self, channel: str, subdir: str, file: str) -> str | None:
        """Hash of a package on a channel, `None` where there is none."""
        stored = self._store.find(channel, subdir, file)
        return stored.sha256 if stored else None

    def attestation(self, channel: str, subdir: str, file: str) -> str | None:
        """What is served at `<file>.v0.sigs`: a JSON array of Sigstore bundles, or `None`."""
        stored = self._store.find(channel, subdir, file)
        return stored.attestation.read_text() if stored and stored.attestation.is_file() else None

    def files(self, channel: str) -> dict[str, str]:
        """The hashes of all packages of a channel by `subdir/file`."""
        return {name: stored.sha256 for name, stored in self._store.all(channel).items()}

    def publish(self, channel: str, path: Path, *, lags: bool = False) -> None:
        """Put a package there without a request, over what was there before; its record can lag as after an upload."""
        self._store.publish(channel, path, lags=lags)

    def invent(
        self, channel: str, file: str, subdir: str, *, created: datetime, size: int = 0, sha256: str = ""
    ) -> None:
        """Put the record of a package there, without its bytes; by default it has a hash of its own."""
        name, version, build = file.removesuffix(".conda").removesuffix(".tar.bz2").rsplit("-", 2)
        metadata = Metadata(name, version, build, 0, subdir, None, needs_v3=False)
        sha256 = sha256 or hashlib.sha256(f"{subdir}/{file}".encode()).hexdigest()
        self._store.invent(channel, file, metadata, size=size, sha256=sha256, created=created)

    def change(self, channel: str, subdir: str, file: str, **changes: object) -> None:
        """Change a package's record: `yanked`, `hidden` or `created`."""
        self._store.change(channel, subdir, file, **changes)

    def state(self, channel: str, subdir: str, file: str) -> tuple[str | None, bool]:
        """For which reason a package is yanked, if it is, and whether it is hidden."""
        stored = self._store.all(channel)[f"{subdir}/{file}"]
        return stored.yanked, stored.hidden

    def page_size(self, size: int) -> None:
        """Let pages of lists have at most so many entries."""
        self._graph.page = size

    @property
    def reindexed(self) -> list[str]:
        """The subdirs of which somebody has asked for a new index, in order."""
        return [request.path.rpartition("/")[2] for request in self.requests if _REINDEX in request.path]

    def remove(self, channel: str, subdir: str, file: str) -> None:
        """Delete a package without a request."""
        self._store.remove(channel, subdir, file)

    def fail(self, *faults: Fault) -> None:
        """Script failures; each request runs into the first that matches it."""
        self._script.add(*faults)

    @property
    def minted(self) -> list[str]:
        """Every token that was minted so far."""
        return self._keys.minted

    def revoke(self) -> None:
        """Take no token any more that was minted so far."""
        self._keys.revoke()

    def allow(self, key: str, access: Access) -> None:
        """Let an API key do this from now on."""
        self._keys.allow(key, access)

    def heal(self) -> None:
        """Forget all failures to come and all lies, let the repodata follow again, and allow v3 uploads."""
        self._script.clear()
        self._graph.lies.clear()
        self._graph.plan = None
        for channel in self._store.channels:
            self.freeze_index(channel, frozen=False)
            self.allow_v3(channel, allowed=True)
            self.lag_index(channel, 0)
            for edits in self._store.index(channel).edits.values():
                edits.clear()

    def tamper(self, channel: str, subdir: str, file: str, record: Mapping[str, object] | None) -> None:
        """Let GraphQL's `variant` lie about a file: with other fields, or (`None`) that there is none."""
        self._graph.lies[channel, subdir, file] = record

    def limit(self, *stats: Mapping[str, object]) -> None:
        """Let the owner of a key have a plan with these numbers, as `Usage` in the schema; before, it is not told."""
        self._graph.plan = stats

    def bill(self, channel: str, owner: str) -> None:
        """Let a channel be billed to this account."""
        self._store.channels[channel] = replace(self._store.channels[channel], owner=owner)

    def allow_v3(self, channel: str, allowed: bool) -> None:
        """Let a channel take packages for repodata v3, or not."""
        self._store.channels[channel] = replace(self._store.channels[channel], allows_v3=allowed)

    def lag(self, looks: int) -> None:
        """Let the records of each upload show what was there before it, when they are looked up so many times."""
        self._graph.lag = looks

    def freeze_index(
        self, channel: str, frozen: bool = True, *, parts: Sequence[Part] = PARTS, is_stuck: bool = False
    ) -> None:
        """Let the channel's index, or these parts of it, stay as it is now, or follow the packages again.

        Unless the index `is_stuck`, a reindex of a subdir ends that for the subdir.
        """
        self._store.index(channel).freeze(frozen, parts, is_stuck=is_stuck)

    def lag_index(self, channel: str, looks: int) -> None:
        """Let each file of the channel's index be as before a change for so many looks after it."""
        self._store.index(channel).lag = looks

    def edit_index(
        self, channel: str, subdir: str, file: str, fields: Fields, *, parts: Sequence[Part] = PARTS
    ) -> None:
        """Let the channel's index have other fields in the entry of a file, or (`None`) no entry."""
        for part in parts:
            self._store.index(channel).edits[part][subdir, file] = fields

    def move_shards(self, channel: str) -> None:
        """Serve the channel's shards from the other origin, as prefix.dev does."""
        self._store.index(channel).shards_url = f"{self.storage_url}/shards/{channel}"
