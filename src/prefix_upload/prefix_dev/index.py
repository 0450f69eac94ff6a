"""The index of a channel as conda clients read it: whether they find packages in it with the right hashes.

pixi and other clients of rattler read sharded repodata first, and `repodata.json` only if there is none (404, 501:
rattler, `sharded_subdir`); conda and mamba read `repodata.json`. So a package has to be in both.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from prefix_upload.prefix_dev.index_entries import Flaw, Listing, flaws_of, unread
from prefix_upload.prefix_dev.index_requests import Validators
from prefix_upload.prefix_dev.repodata import RepodataReader
from prefix_upload.prefix_dev.responses import LookupFailedError
from prefix_upload.prefix_dev.sharded_index import ShardedIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prefix_upload.prefix_dev.index_entries import WantedPackage
    from prefix_upload.prefix_dev.index_requests import IndexRequests

_REPODATA = "repodata.json"
# Bytes of it that are read at most, after a content encoding is undone.
_MAX_REPODATA = 2**30


class ChannelIndex:
    """The index of a channel.

    Args:
        requests: sends the requests.
    """

    def __init__(self, requests: IndexRequests) -> None:
        self._requests = requests

    def subdir(self, name: str, packages: Sequence[WantedPackage]) -> SubdirIndex:
        """The index of a subdir, as far as it is about these packages."""
        return SubdirIndex(self._requests, name, packages)

    def reindex(self, subdir: str) -> None:
        """Asks the server to write the index of a subdir anew.

        Raises:
            LookupFailedError: the server did not accept that.
        """
        self._requests.reindex(subdir)


class SubdirIndex:
    """The index of a subdir, as far as it is about some packages. It is read by calls that may run in several threads.

    Args:
        requests: sends the requests.
        name: the subdir.
        packages: the packages that clients should find.
    """

    def __init__(self, requests: IndexRequests, name: str, packages: Sequence[WantedPackage]) -> None:
        self.name = name
        self.packages = packages
        self._repodata = _Repodata(requests, name, packages)
        self._shards = ShardedIndex(requests, name, packages)

    def file_reads(self) -> Sequence[Callable[[], None]]:
        """Calls that read the files which have not shown all packages yet."""
        reads = [part.read for part in (self._repodata, self._shards) if part.flaws]
        # A channel without shards may get some as long as something is missing.
        return reads if self._shards.exist else [*reads, self._shards.read]

    def shard_reads(self) -> Sequence[Callable[[], None]]:
        """Calls that then read the shards that are needed."""
        return [shard.read for shard in self._shards.shards.values() if shard.listing is None and self._shards.exist]

    @property
    def flaws(self) -> Mapping[str, Flaw]:
        """Why clients can't install packages, by file name. What is wrong goes before what may only be late."""
        found: dict[str, Flaw] = {}
        for part in (self._repodata, self._shards):
            for file_name, flaw in part.flaws.items():
                earlier = found.get(file_name)
                if earlier is not None and earlier.is_wrong == flaw.is_wrong:
                    found[file_name] = flaw._replace(reason=f"{earlier.reason}, and {flaw.reason}")
                elif earlier is None or flaw.is_wrong:
                    found[file_name] = flaw
        return found


class _Repodata:
    """A subdir's `repodata.json`.

    Attributes:
        flaws: why clients that read it can't install packages, by file name.
    """

    def __init__(self, requests: IndexRequests, subdir: str, packages: Sequence[WantedPackage]) -> None:
        self._requests = requests
        self._url = requests.url(subdir, _REPODATA)
        self._packages = packages
        self._validators = Validators()
        self._listing = Listing({}, frozenset())
        self.flaws: Mapping[str, Flaw] = unread(packages, _REPODATA, "has not been read")

    def read(self) -> None:
        """Reads it, if it has changed."""
        reader = RepodataReader(package.file_name for package in self._packages)
        try:
            response = self._requests.get(self._url, _MAX_REPODATA, reader, self._validators)
            if response.status == HTTPStatus.OK:
                self._listing = reader.close()
                self._validators.note(response)
        except LookupFailedError as error:
            self.flaws = unread(self._packages, _REPODATA, f"could not be read ({error})")
        else:
            self.flaws = flaws_of(self._packages, _REPODATA, self._listing)
