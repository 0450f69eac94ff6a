"""Channels on disk: what is in them, and how a file gets in or out in one step."""

import hashlib
import shutil
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

from localchannel.index import Index
from localchannel.package import Metadata, describe, is_package_name


class Access(Enum):
    """What an API key may do."""

    READ = "READ"
    READ_WRITE = "READ_WRITE"
    READ_WRITE_DELETE = "READ_WRITE_DELETE"


@dataclass(frozen=True)
class Channel:
    """A channel's settings; `owner` is whom it is billed to, `allows_v3` whether it takes packages for repodata v3."""

    public: bool = True
    owner: str = "local"
    allows_v3: bool = True


@dataclass(frozen=True)
class Stored:
    """A package on a channel.

    Attributes:
        path: Where its bytes are.
        metadata: What its `info/index.json` says.
        size: Bytes.
        sha256: Lower-case hex.
        created: When the file name came to the channel first.
        updated: When these bytes came.
        yanked: The reason for which the file is yanked, if it is.
        hidden: Whether the file is hidden.
    """

    path: Path
    metadata: Metadata
    size: int
    sha256: str
    created: datetime
    updated: datetime
    yanked: str | None = None
    hidden: bool = False

    @cached_property
    def md5(self) -> str | None:
        """Lower-case hex, computed once, as servers do; `None` if the file was deleted before anybody asked."""
        if not self.path.is_file():
            return None
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

    @property
    def attestation(self) -> Path:
        """Where its publish attestations are, if it has any (CEP 27's file beside the package)."""
        return self.path.with_name(self.path.name + ".v0.sigs")


class Store:
    """All channels of a server under one folder."""

    def __init__(self, root: Path, channels: Mapping[str, Channel]) -> None:
        self.channels = dict(channels)
        self.incoming = root / "incoming"
        self.incoming.mkdir(parents=True, exist_ok=True)
        # The slash would put `ns/chan` into the folder of `ns`, where the indexer takes it for a subdir.
        self._folders = {name: root / "channels" / name.replace("/", "+") for name in channels}
        self._indexes = {name: Index(folder) for name, folder in self._folders.items()}
        self._stored: dict[tuple[str, str, str], Stored] = {}
        # What each upload replaced, which the records still show for a while.
        self.replaced: dict[tuple[str, str, str], Stored | None] = {}
        # What each deletion took away, which the records still show for a while.
        self.deleted: dict[tuple[str, str, str], Stored] = {}
        self._lock = threading.Lock()
        for name, folder in self._folders.items():
            folder.mkdir(parents=True, exist_ok=True)
            self._load(name, folder)

    def index(self, channel: str) -> Index:
        """The channel's repodata."""
        return self._indexes[channel]

    def find(self, channel: str, subdir: str, file: str) -> Stored | None:
        """The package of this name, if the channel has it."""
        with self._lock:
            return self._stored.get((channel, subdir, file))

    def all(self, channel: str) -> dict[str, Stored]:
        """Every package of a channel by `subdir/file`."""
        with self._lock:
            return {f"{key[1]}/{key[2]}": found for key, found in self._stored.items() if key[0] == channel}

    def spool(self, file: str) -> Path:
        """A fresh path on the same disk, ending like `file` because readers go by the extension."""
        return self.incoming / f"{uuid.uuid4().hex}-{file}"

    def add(
        self, channel: str, file: str, spooled: Path, *, sha256: str, force: bool, attestation: bytes | None
    ) -> bool:
        """Move a spooled package into the channel; false where its name is taken for good."""
        metadata = describe(spooled)
        key = (channel, metadata.subdir, file)
        target = self._folders[channel] / metadata.subdir / file
        with self._lock:
            old = self._stored.get(key)
            if old and not force:
                return False
            now = datetime.now(UTC)
            stored = Stored(target, metadata, spooled.stat().st_size, sha256, now, now)
            target.parent.mkdir(exist_ok=True)
            spooled.replace(target)
            self._stored[key] = replace(stored, created=old.created) if old else stored
            self.replaced[key] = old
            if attestation is None:
                stored.attestation.unlink(missing_ok=True)
            else:
                stored.attestation.write_bytes(b"[" + attestation + b"]")
        self._indexes[channel].changed(rebuild=old is not None)
        return True

    def publish(self, channel: str, package: Path, *, lags: bool) -> None:
        """Put a copy of `package` there, whatever was there before; `lags` is whether its record shows up late."""
        spooled = self.spool(package.name)
        shutil.copyfile(package, spooled)
        self.add(channel, package.name, spooled, sha256=_sha256(package), force=True, attestation=None)
        if not lags:
            self.replaced.clear()

    def remove(self, channel: str, subdir: str, file: str) -> bool:
        """Delete a package; false where there is none."""
        with self._lock:
            stored = self._stored.pop((channel, subdir, file), None)
            if stored is None:
                return False
            stored.path.unlink(missing_ok=True)
            stored.attestation.unlink(missing_ok=True)
            self.deleted[channel, subdir, file] = stored
        self._indexes[channel].changed(rebuild=True)
        return True

    def change(self, channel: str, subdir: str, file: str, **changes: Any) -> bool:
        """Change fields of a package's record; false where there is none."""
        with self._lock:
            key = (channel, subdir, file)
            if key in self._stored:
                self._stored[key] = replace(self._stored[key], **changes)
            return key in self._stored

    def invent(self, channel: str, file: str, metadata: Metadata, *, size: int, sha256: str, created: datetime) -> None:
        """Have a record of a package without bytes, for lists that would take long to fill."""
        path = self._folders[channel] / metadata.subdir / file
        with self._lock:
            self._stored[channel, metadata.subdir, file] = Stored(path, metadata, size, sha256, created, created)

    def _load(self, channel: str, folder: Path) -> None:
        """Take up what an earlier run left in the folder."""
        for path in folder.glob("*/*"):
            if not is_package_name(path.name):
                continue
            stat = path.stat()
            time = datetime.fromtimestamp(stat.st_mtime, UTC)
            key = (channel, path.parent.name, path.name)
            self._stored[key] = Stored(path, describe(path), stat.st_size, _sha256(path), time, time)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
