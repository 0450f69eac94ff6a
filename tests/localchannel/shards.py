"""Sharded repodata (CEP 16), and entries in it and in `repodata.json` that are not what they should be."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgpack
import zstandard

INDEX = "repodata_shards.msgpack.zst"
"""The index of the shards."""

Fields = Mapping[str, object] | None
"""What an entry has instead; `None`: the file has no entry."""

Edits = dict[tuple[str, str], Fields]
"""False entries by subdir and file name."""

_HASHES = ("sha256", "md5")


def packed(value: object) -> bytes:
    """As a file of sharded repodata."""
    return zstandard.ZstdCompressor().compress(msgpack.packb(value))


def unpacked(content: bytes) -> Any:
    """What a file of sharded repodata has."""
    return msgpack.unpackb(zstandard.ZstdDecompressor().decompressobj().decompress(content))


def address(shard: bytes) -> str:
    """The path of a shard below that of its index, by default."""
    return f"shards/{hashlib.sha256(shard).hexdigest()}.msgpack.zst"


def edited_repodata(content: bytes, edits: Mapping[str, Fields]) -> bytes:
    """A `repodata.json` with other entries of these files."""
    repodata = json.loads(content)
    _edit(repodata, edits)
    return json.dumps(repodata).encode()


def edited_shards(
    index: bytes, read: Callable[[str], bytes], edits: Mapping[str, Fields], base_url: str
) -> dict[str, bytes]:
    """The files of sharded repodata that are others if these files have other entries, or the shards another URL."""
    content = unpacked(index)
    changed = {}
    for name, digest in content["shards"].items():
        shard = unpacked(read(f"shards/{digest.hex()}.msgpack.zst"))
        if _edit(shard, {file: _as_bytes(fields) for file, fields in edits.items()}):
            file = packed(shard)
            changed[address(file)] = file
            content["shards"][name] = hashlib.sha256(file).digest()
    content["info"]["shards_base_url"] = base_url or content["info"]["shards_base_url"]
    return {**changed, INDEX: packed(content)}


def _edit(repodata: Any, edits: Mapping[str, Fields]) -> bool:
    """Change the entries; true if there are any."""
    found = False
    for entries in _sections(repodata):
        for file in edits.keys() & entries.keys():
            found = True
            fields = edits[file]
            if fields is None:
                del entries[file]
            else:
                entries[file] |= fields
    return found


def _sections(repodata: Any) -> Iterator[dict[str, dict[str, object]]]:
    return (repodata[name] for name in ("packages", "packages.conda") if name in repodata)


def _as_bytes(fields: Fields) -> Fields:
    """The same with hashes as they are in shards."""
    if fields is None:
        return None
    return {name: bytes.fromhex(str(value)) if name in _HASHES else value for name, value in fields.items()}
