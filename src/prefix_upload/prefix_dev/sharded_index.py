"""The shards of a subdir (CEP 16), as clients of rattler read them."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO, cast

from prefix_upload.prefix_dev.index_entries import Flaw, Listing, WantedPackage, flaws_of, unread
from prefix_upload.prefix_dev.index_requests import FileUnavailableError, IndexRequests, Validators, shard_url
from prefix_upload.prefix_dev.responses import LookupFailedError, Reason
from prefix_upload.prefix_dev.shards import read_shard, read_shard_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SHARD_INDEX = "repodata_shards.msgpack.zst"
# Bytes of a file that are read at most.
_MAX_SIZE = 2**25
# A file that is larger goes through a temporary file.
_MAX_IN_MEMORY = 2**20
_PIECE = 2**16
# Without shards, clients read `repodata.json`.
_WITHOUT_SHARDS = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.NOT_IMPLEMENTED})
# Decoders may need a large buffer each, so one file at a time is decoded.
_DECODING = threading.Lock()


class ShardedIndex:
    """A subdir's shards, if the channel has any.

    Attributes:
        exist: whether the channel has shards, as far as is known.
        shards: those that their index lists for the packages, by package name.
    """

    def __init__(self, requests: IndexRequests, subdir: str, packages: Sequence[WantedPackage]) -> None:
        self._requests = requests
        self._subdir_url = requests.url(subdir)
        self._packages: dict[str, list[WantedPackage]] = {}
        for package in packages:
            self._packages.setdefault(package.name, []).append(package)
        self._validators = Validators()
        # Why the index of the shards is of no use; "" if it was read.
        self._problem = "has not been read"
        self.exist = True
        self.shards: dict[str, Shard] = {}

    @property
    def flaws(self) -> Mapping[str, Flaw]:
        """Why clients that read the shards can't install packages, by file name."""
        if not self.exist:
            return {}
        found: dict[str, Flaw] = {}
        for name, packages in self._packages.items():
            shard = self.shards.get(name)
            if self._problem or shard is None:
                found |= unread(packages, _SHARD_INDEX, self._problem or f"does not list {name}")
            else:
                found |= shard.flaws
        return found

    def read(self) -> None:
        """Reads the index of the shards, if it has changed."""
        try:
            with _temporary_file() as file:
                response = self._requests.get(f"{self._subdir_url}{_SHARD_INDEX}", _MAX_SIZE, file, self._validators)
                if response.status == HTTPStatus.OK:
                    self._take(file)
                    self._validators.note(response)
        except LookupFailedError as error:
            self.exist = not (isinstance(error, FileUnavailableError) and error.status in _WITHOUT_SHARDS)
            self._problem = f"could not be read ({error})"
        else:
            self.exist = True
            self._problem = ""

    def _take(self, file: BinaryIO) -> None:
        """Reads the file. Shards that it lists as before stay, whether they have been read or not."""
        with _DECODING:
            base_url, addresses = read_shard_index(file, self._packages)
        shards = {}
        for name, sha256 in addresses.items():
            shard = Shard(self._requests, shard_url(self._subdir_url, base_url, sha256), sha256, self._packages[name])
            earlier = self.shards.get(name)
            shards[name] = earlier if earlier is not None and earlier.url == shard.url else shard
        self.shards = shards


class Shard:
    """A shard, which never changes: its address is its hash.

    Attributes:
        url: its URL.
        listing: what it lists about the packages; `None` until it was read.
    """

    def __init__(self, requests: IndexRequests, url: str, sha256: str, packages: Sequence[WantedPackage]) -> None:
        self._requests = requests
        self._sha256 = sha256
        self._packages = packages
        self._problem = "has not been read"
        self._label = f"the shard of {packages[0].name} ({url})"
        self.url = url
        self.listing: Listing | None = None

    @property
    def flaws(self) -> Mapping[str, Flaw]:
        """Why clients that read it can't install packages, by file name."""
        if self.listing is None:
            return unread(self._packages, self._label, self._problem)
        return flaws_of(self._packages, self._label, self.listing)

    def read(self) -> None:
        """Reads it."""
        try:
            with _temporary_file() as file:
                self._requests.get(self.url, _MAX_SIZE, file)
                _check_hash(file, self._sha256)
                with _DECODING:
                    self.listing = read_shard(file, [package.file_name for package in self._packages])
        except LookupFailedError as error:
            self._problem = f"could not be read ({error})"


@contextmanager
def _temporary_file() -> Iterator[BinaryIO]:
    """A file that is gone afterwards.

    Raises:
        LookupFailedError: there is no space for it.
    """
    try:
        with tempfile.SpooledTemporaryFile(_MAX_IN_MEMORY) as file:
            yield cast("BinaryIO", file)
    except OSError as error:
        raise LookupFailedError(f"it could not be stored ({error.strerror})", Reason.UNAVAILABLE) from error


def _check_hash(file: BinaryIO, sha256: str) -> None:
    file.seek(0)
    beginning = piece = file.read(_PIECE)
    digest = hashlib.sha256()
    while piece:
        digest.update(piece)
        piece = file.read(_PIECE)
    if digest.hexdigest() == sha256:
        return
    is_page = beginning.lstrip().startswith(b"<")
    what = "an HTML page" if is_page else "a file that does not have the hash in its address"
    raise LookupFailedError(f"the server sent {what}", Reason.MALFORMED)
