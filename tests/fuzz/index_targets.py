"""What is tried with each input as a file of a channel's index, and what must hold whatever it is."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import msgpack

from prefix_upload.prefix_dev.index_entries import WantedPackage
from prefix_upload.prefix_dev.index_requests import shard_url
from prefix_upload.prefix_dev.repodata import RepodataReader
from prefix_upload.prefix_dev.responses import LookupFailedError
from prefix_upload.prefix_dev.shards import read_shard, read_shard_index
from support.building import STEM, zstd

if TYPE_CHECKING:
    from collections.abc import Callable

_WANTED = WantedPackage("demo", f"{STEM}.conda", "0" * 64)
_SECTIONS = {
    "packages": {"other-1.0-0.tar.bz2": {"depends": ["a"]}},
    "packages.conda": {_WANTED.file_name: {"name": "demo", "depends": ["a"], "sha256": "0" * 64, "md5": None}},
    "v3": {"conda": {STEM: {}}},
    "removed": ["x"],
}


def _repodata(data: bytes) -> None:
    reader = RepodataReader([_WANTED.file_name])
    try:
        for start in range(0, len(data), 50):
            reader.write(data[start : start + 50])
        listing = reader.close()
    except LookupFailedError:
        return
    listing.flaw(_WANTED)


def _shard_index(data: bytes) -> None:
    try:
        index = read_shard_index(io.BytesIO(zstd(data)), [_WANTED.name])
        for sha256 in index.shards.values():
            assert re.fullmatch("[0-9a-f]{64}", sha256)
            shard_url("https://prefix.dev/chan/noarch/", index.base_url, sha256)
    except LookupFailedError:
        return


def _shard(data: bytes) -> None:
    try:
        listing = read_shard(io.BytesIO(zstd(data)), [_WANTED.file_name])
    except LookupFailedError:
        return
    listing.flaw(_WANTED)


INDEX_TARGETS: dict[Callable[[bytes], None], bytes] = {
    _repodata: json.dumps(_SECTIONS).encode(),
    _shard_index: msgpack.packb({"info": {"shards_base_url": "./x/"}, "shards": {"demo": bytes(32)}}),
    _shard: msgpack.packb(_SECTIONS),
}
"""Each with an input to start from."""
