"""Reads sharded repodata (CEP 16): the index of a subdir's shards, and the shard of a package name.

Both are zstd-compressed MessagePack. They are read as streams, and what does not matter is skipped, so that memory
stays bounded whatever they contain. What clients could not read is an error here, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import msgpack

from prefix_upload.package.archive.streams import CorruptArchiveError, Zstd
from prefix_upload.prefix_dev.index_entries import Listing, ListingBuilder, hex_hash
from prefix_upload.prefix_dev.responses import LookupFailedError, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping
    from typing import TypeVar

    _Result = TypeVar("_Result")

_VERSION = 1
# Limits on what a file expands to, in bytes. The largest indexes of today have 2 MB, and shards less.
_MAX_SIZE = 2**26
# The number of entries of a map or list that is read.
_MAX_ENTRIES = 2**20
# The size of a key, or of another value that is not skipped, which normally has a few dozen bytes. Objects in memory
# are far larger than their encoding.
_MAX_VALUE = 2**17
_PIECE = 2**16
# The largest text or bytes, which have to fit into the buffer of the decoder even if they are skipped.
_MAX_BUFFER = 2**23


class ShardIndex(NamedTuple):
    """The index of a subdir's shards, as far as it matters.

    Attributes:
        base_url: the URL that shards are below, relative to the subdir's.
        shards: the SHA-256 of shards in lower-case hexadecimal, by package name.
    """

    base_url: str
    shards: Mapping[str, str]


def read_shard_index(file: BinaryIO, names: Iterable[str]) -> ShardIndex:
    """Reads the shards of a few package names from `repodata_shards.msgpack.zst`.

    Raises:
        LookupFailedError: clients can't read the file.
    """
    wanted = frozenset(names)

    def read(reader: _Reader) -> ShardIndex:
        base_url: object = None
        shards: dict[str, str] = {}
        for key in reader.keys():  # noqa: SIM118 - not a mapping
            if key == "version":
                _check_version(reader.value())
            elif key == "info":
                for field in reader.keys():  # noqa: SIM118
                    if field == "shards_base_url":
                        base_url = reader.value()
                    else:
                        reader.skip()
            elif key == "shards":
                shards |= _read_addresses(reader, wanted)
            else:
                reader.skip()
        if not isinstance(base_url, str):
            raise LookupFailedError("the response has no 'shards_base_url', without which clients can't read it", _BAD)
        return ShardIndex(base_url, shards)

    return _decode(file, read)


def read_shard(file: BinaryIO, file_names: Iterable[str]) -> Listing:
    """Reads what a shard lists about a few files.

    Raises:
        LookupFailedError: clients can't read the file.
    """
    builder = ListingBuilder(file_names)

    def read(reader: _Reader) -> Listing:
        for key in reader.keys():  # noqa: SIM118
            if key in {"packages", "packages.conda"}:
                _read_entries(reader, builder)
            elif key == "v3":
                for extension in reader.keys():  # noqa: SIM118
                    _read_entries(reader, builder, f".{extension}")
            elif key == "removed":
                for _ in range(reader.length()):
                    builder.remove(reader.value())
            else:
                reader.skip()
        return builder.build()

    return _decode(file, read)


_BAD = Reason.MALFORMED


def _read_entries(reader: _Reader, builder: ListingBuilder, extension: str = "") -> None:
    """Reads a map of entries. `extension` is what their keys lack of a file name."""
    for key in reader.keys():  # noqa: SIM118
        file_name = f"{key}{extension}"
        if not builder.wants(file_name):
            reader.skip()
            continue
        builder.add(file_name)
        for field in reader.keys():  # noqa: SIM118
            if field in {"sha256", "md5"}:
                builder.set_hash(file_name, field, reader.value())
            else:
                reader.skip()


def _read_addresses(reader: _Reader, wanted: Container[str]) -> dict[str, str]:
    """Reads the map of package names to the hashes of their shards."""
    found = {}
    for name in reader.keys():  # noqa: SIM118
        if name not in wanted:
            reader.skip()
            continue
        address = hex_hash(reader.value())
        if address is None:
            raise LookupFailedError(f"the response has no SHA-256 for the shard of {name}", _BAD)
        found[name] = address
    return found


def _check_version(version: object) -> None:
    if version != _VERSION:
        raise LookupFailedError(f"the response has the unknown version {version!r:.20}", _BAD)


def _decode(file: BinaryIO, read: Callable[[_Reader], _Result]) -> _Result:
    """What `read` reads from a compressed file, which must have nothing else in it."""
    file.seek(0)
    reader = _Reader(file)
    try:
        result = read(reader)
        reader.finish()
    except CorruptArchiveError as error:
        raise LookupFailedError(f"the response {error}", _BAD) from error
    except (ValueError, msgpack.UnpackException) as error:
        raise LookupFailedError("the response is not the MessagePack of sharded repodata", _BAD) from error
    return result


class _Reader:
    """Reads MessagePack from a zstd file, value by value. All methods raise `ValueError` if there is another value.

    Args:
        file: the compressed file.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._pieces = iter(Zstd(file))
        self._piece = b""
        self._size = 0
        self._allowance = _MAX_SIZE
        self._unpacker = msgpack.Unpacker(
            self, read_size=_PIECE, max_buffer_size=_MAX_BUFFER, max_array_len=_MAX_VALUE, max_map_len=_MAX_VALUE
        )

    def read(self, size: int) -> bytes:
        """Returns at most `size` expanded bytes; fewer only at the end. Called by the unpacker."""
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._piece = piece
        taken, self._piece = self._piece[:size], self._piece[size:]
        self._size += len(taken)
        self._allowance -= len(taken)
        if self._size > _MAX_SIZE or self._allowance < 0:
            raise CorruptArchiveError("is too large")
        return taken

    def keys(self) -> Iterator[str]:
        """Yields the keys of the map that comes next. Each value has to be read or skipped before the next key."""
        for _ in range(_limited(self._unpacker.read_map_header())):
            key = self.value()
            if not isinstance(key, str):
                raise ValueError("a key is not a text")  # noqa: TRY004 - wrong data, not a wrong call
            yield key

    def length(self) -> int:
        """The number of values in the list that comes next."""
        return _limited(self._unpacker.read_array_header())

    def value(self) -> object:
        """The next value, which is small."""
        self._allowance = _MAX_VALUE
        value = self._unpacker.unpack()
        self._allowance = _MAX_SIZE
        return value

    def skip(self) -> None:
        """Skips the next value."""
        self._unpacker.skip()

    def finish(self) -> None:
        """Makes sure that nothing follows, and that the file is complete."""
        if self._unpacker.read_bytes(1) or self.read(1):
            raise CorruptArchiveError("has bytes after its end")


def _limited(count: int) -> int:
    if count > _MAX_ENTRIES:
        raise CorruptArchiveError("is too large")
    return count
