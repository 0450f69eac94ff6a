"""Sharded repodata, as rattler writes it, and as nobody should."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
import zstandard

from localchannel.shards import packed
from prefix_upload.prefix_dev.index_entries import Entry, Flaw, Listing, WantedPackage, hex_hash
from prefix_upload.prefix_dev.index_requests import shard_url
from prefix_upload.prefix_dev.responses import LookupFailedError, Reason
from prefix_upload.prefix_dev.shards import ShardIndex, read_shard, read_shard_index
from support.building import repeated_zstd

if TYPE_CHECKING:
    from collections.abc import Mapping

HASH = bytes(range(32))
OTHER = bytes(32)
FILE = "demo-1.0-h0_0.conda"
DEMO = WantedPackage("demo", FILE, HASH.hex())
INFO = {"subdir": "noarch", "base_url": "", "shards_base_url": "./shards/", "created_at": "2026-01-01T00:00:00Z"}
INDEX: Mapping[str, Any] = {"version": 1, "info": INFO, "shards": {"other": OTHER, "demo": HASH}}


def index(content: bytes) -> ShardIndex:
    return read_shard_index(io.BytesIO(content), ["demo"])


def shard(**sections: Any) -> Listing:
    return read_shard(io.BytesIO(packed(sections)), [FILE])


def test_an_index() -> None:
    """The shards of the names that matter, and where they are."""
    assert index(packed(INDEX)) == ShardIndex("./shards/", {"demo": HASH.hex()})
    assert index(packed({**INDEX, "shards": {}})) == ShardIndex("./shards/", {})


@pytest.mark.parametrize(
    "value", [HASH, list(HASH), HASH.hex(), HASH.hex().upper()], ids=["bytes", "list", "hex", "HEX"]
)
def test_hashes(value: object) -> None:
    """Bytes, as CEP 16 says; numbers, as rattler wrote them once; and hexadecimal, as in `repodata.json`."""
    assert hex_hash(value) == HASH.hex()
    assert index(packed({**INDEX, "shards": {"demo": value}})).shards == {"demo": HASH.hex()}
    assert shard(**{"packages.conda": {FILE: {"sha256": value}}}).flaw(DEMO) is None


@pytest.mark.parametrize("value", [None, b"", HASH[1:], HASH + b"x", "", "x" * 64, 5, [256] * 32, [True] * 32, {}, "é"])
def test_what_is_no_hash(value: object) -> None:
    """It never counts as one."""
    assert hex_hash(value) is None
    with pytest.raises(LookupFailedError, match="no SHA-256 for the shard of demo"):
        index(packed({**INDEX, "shards": {"demo": value}}))
    assert shard(packages={FILE: {"sha256": value}}).flaw(DEMO) == Flaw("lists it without its SHA-256")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (packed({**INDEX, "version": 2}), "has the unknown version 2"),
        (packed({**INDEX, "version": "1"}), "has the unknown version '1'"),
        (packed({**INDEX, "info": {}}), "has no 'shards_base_url'"),
        (packed({"shards": {}}), "has no 'shards_base_url'"),
        (packed({**INDEX, "info": {"shards_base_url": None}}), "has no 'shards_base_url'"),
        (packed({**INDEX, "info": []}), "is not the MessagePack"),
        (packed({**INDEX, "shards": [b"x"]}), "is not the MessagePack"),
        (packed([INDEX]), "is not the MessagePack"),
        (packed("text"), "is not the MessagePack"),
        (packed({1: 2}), "is not the MessagePack"),
        (packed({b"\xff": 2}), "is not the MessagePack"),
        (zstandard.compress(msgpack.packb(INDEX)[:-5]), "is not the MessagePack"),
        (zstandard.compress(b""), "is not the MessagePack"),
        (zstandard.compress(b"\xc1"), "is not the MessagePack"),
        (zstandard.compress(msgpack.packb(INDEX) + b"\xc0"), "has bytes after its end"),
        (packed(INDEX)[:-3], "is truncated in the middle of a zstd frame"),
        (packed(INDEX) + b"rest", "has bytes after its last zstd frame"),
        (msgpack.packb(INDEX), "is not a zstd stream"),
        (b"<html>", "is not a zstd stream"),
        (b"", "is empty"),
    ],
    ids=range(20),
)
def test_what_clients_cannot_read(content: bytes, reason: str) -> None:
    """Each form has its reason, and may be put right."""
    with pytest.raises(LookupFailedError, match=f"^the response {re.escape(reason)}") as caught:
        index(content)
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    "content",
    [
        zstandard.compress(b"\xdf\xff\xff\xff\xff"),  # a map of 4 billion entries
        zstandard.compress(b"\x81\xa6shards\xdf\xff\xff\xff\xff"),
        zstandard.compress(b"\x91" * 100_000),  # nested lists
        zstandard.compress(b"\x81\xa1x" + b"\x91" * 100_000),
        zstandard.compress(b"\x81\xa1x\xc6\xff\xff\xff\xff"),  # 4 GiB of bytes
        packed({"x": bytes(2**24), **INDEX}),
        packed({"shards": {"demo": [0] * 2**18}}),
        packed({"info": {"shards_base_url": "x" * 2**18}}),
        repeated_zstd(b"\xa0\xc0", 2**25, start=b"\x81\xa6shards\xdf\x02\x00\x00\x00"),
    ],
    ids=range(9),
)
def test_bombs(content: bytes) -> None:
    """What expands to much, or claims to, is refused before it takes memory."""
    with pytest.raises(LookupFailedError):
        index(content)


@pytest.mark.parametrize("size", [2**20, 2**26, 2**27])
def test_what_is_skipped_counts(size: int) -> None:
    """A file may expand to 64 MiB, of which next to nothing is kept."""
    content = repeated_zstd(b"\x00", size, start=b"\x82\xa1x\xdd" + size.to_bytes(4), end=b"\xa4info\x81\xa1y\xc0")
    with pytest.raises(LookupFailedError, match="is too large" if size >= 2**26 else "has no 'shards_base_url'"):
        index(content)


def test_a_large_window() -> None:
    """No more memory than other decoders allow."""
    parameters = zstandard.ZstdCompressionParameters(window_log=28, compression_level=1)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(LookupFailedError, match="needs a window of"):
        index(compressor.compress(msgpack.packb(INDEX)) + compressor.flush())


def test_a_shard() -> None:
    """It has the sections of `repodata.json`, also those of version 3, with keys that lack the extension (CEP 48)."""
    entry = {"name": "demo", "sha256": HASH, "md5": b"x" * 16, "depends": ["a", "b"]}
    listed = {FILE: [Entry(HASH, b"x" * 16)]}
    assert shard(packages={}, **{"packages.conda": {"x.conda": {}, FILE: entry}}).entries == listed
    assert shard(packages={FILE: entry}).entries == listed
    assert shard(v3={"tar.bz2": {"demo-1.0-h0_0": {}}, "conda": {"demo-1.0-h0_0": entry}}).entries == listed
    assert shard(v3={"conda": {FILE: entry}}).entries == {}
    assert shard(unknown={"packages.conda": {FILE: entry}}).entries == {}


@pytest.mark.parametrize(
    ("sections", "flaw"),
    [
        ({"packages.conda": {FILE: {"sha256": HASH}}, "removed": []}, None),
        ({"packages.conda": {}}, Flaw("does not list it")),
        ({"packages.conda": {FILE: {"sha256": HASH}}, "removed": ["x", FILE]}, Flaw("lists it as removed")),
        ({"removed": [FILE]}, Flaw("lists it as removed")),
        ({"packages": {FILE: {"sha256": OTHER}}, "removed": [FILE]}, Flaw("lists it as removed")),
        ({"packages": {FILE: {"sha256": OTHER}}}, Flaw(f"lists it with the SHA-256 {OTHER.hex()}", is_wrong=True)),
        (
            {"packages": {FILE: {"sha256": HASH}}, "packages.conda": {FILE: {"sha256": OTHER}}},
            Flaw(f"lists it with the SHA-256 {OTHER.hex()}", is_wrong=True),
        ),
        ({"packages": {FILE: {}}, "packages.conda": {FILE: {"sha256": HASH}}}, Flaw("lists it without its SHA-256")),
    ],
    ids=range(8),
)
def test_flaws(sections: dict[str, Any], flaw: Flaw | None) -> None:
    """Every entry of a file counts, since clients differ in which they use; those of removed files count for none."""
    assert shard(**sections).flaw(DEMO) == flaw


def test_a_hash_that_is_there_twice() -> None:
    """Parsers take the first or the last, so neither may be another."""
    fields = msgpack.packb("sha256") + msgpack.packb(HASH) + msgpack.packb("sha256") + msgpack.packb(OTHER)
    content = b"\x81" + msgpack.packb("packages") + b"\x81" + msgpack.packb(FILE) + b"\x82" + fields
    flaw = read_shard(io.BytesIO(zstandard.compress(content)), [FILE]).flaw(DEMO)
    assert flaw is not None
    assert flaw.is_wrong


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("./shards/", "https://prefix.dev/chan/noarch/shards/0a.msgpack.zst"),
        ("shards", "https://prefix.dev/chan/noarch/shards/0a.msgpack.zst"),
        ("", "https://prefix.dev/chan/noarch/0a.msgpack.zst"),
        ("../shards", "https://prefix.dev/chan/shards/0a.msgpack.zst"),
        ("/shards", "https://prefix.dev/shards/0a.msgpack.zst"),
        ("//shards.prefix.dev", "https://shards.prefix.dev/0a.msgpack.zst"),
        ("https://shards.prefix.dev/chan", "https://shards.prefix.dev/chan/0a.msgpack.zst"),
        ("https://user:secret@shards.prefix.dev:8443/a?b#c", "https://shards.prefix.dev:8443/a/0a.msgpack.zst"),
    ],
)
def test_urls_of_shards(base_url: str, expected: str) -> None:
    """The base URL is relative to the subdir's, with or without a slash at its end, as rattler reads it."""
    assert shard_url("https://prefix.dev/chan/noarch/", base_url, "0a") == expected


@pytest.mark.parametrize(
    "base_url",
    [
        "file:///etc",
        "ftp://a/",
        "https://a:x/",
        "https://[a",
        "https://evil.test\\.prefix.dev/",
        "https://a%2f.prefix.dev/",
        "https://a b/",
    ],
)
def test_invalid_urls_of_shards(base_url: str) -> None:
    """Clients can't read them either."""
    with pytest.raises(LookupFailedError, match="'shards_base_url' is not a valid URL"):
        shard_url("https://prefix.dev/chan/noarch/", base_url, "0a")
