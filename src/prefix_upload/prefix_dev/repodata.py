"""Reads what a `repodata.json` of any size lists about a few packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import ijson

from prefix_upload.prefix_dev.index_entries import Listing, ListingBuilder
from prefix_upload.prefix_dev.records import Records, indexed_record
from prefix_upload.prefix_dev.responses import LookupFailedError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefix_upload.package.model import Package

# Where entries are by file name (CEP 36), and by extension and file name without extension (CEP 48).
_SECTIONS = frozenset({"packages", "packages.conda"})
_V3 = "v3"
# What repodata has at least one of (CEP 36, CEP 48).
_KEYS = _SECTIONS | {_V3, "repodata_version"}
# The keys of scalars that may matter; `None` in an array.
_SCALARS = frozenset({"sha256", "md5", None})
# The depth of the fields of an entry in `v3`; nothing below matters.
_DEEPEST_FIELD = 4
_MAX_DEPTH = 32
_OPENING, _CLOSING = frozenset({"start_map", "start_array"}), frozenset({"end_map", "end_array"})
_PIECE = 2**16
# The latter two are about numbers and texts.
_ERRORS = (ijson.JSONError, ValueError, ArithmeticError)


def from_repodata(file: BinaryIO, packages: Iterable[Package]) -> Records:
    """The records of those packages that a subdir's `repodata.json` lists.

    A package that it does not list may have been added since the index was written, so it has no record here.

    Raises:
        LookupFailedError: the file is not repodata.
    """
    wanted = {package.file_name: package for package in packages}
    reader = RepodataReader(wanted)
    file.seek(0)
    while piece := file.read(_PIECE):
        reader.write(piece)
    listing = reader.close()
    records: Records = {}
    for file_name, entries in listing.entries.items():
        for entry in entries:
            record = indexed_record(entry._asdict(), is_removed=file_name in listing.removed)
            if record:
                records[wanted[file_name].key] = record
    return records


class RepodataReader:
    """Reads repodata in one pass and in pieces, so that its size does not matter.

    Args:
        file_names: the files to look for.
    """

    def __init__(self, file_names: Iterable[str]) -> None:
        self._events: list[tuple[str, Any]] = ijson.sendable_list()
        self._parser = ijson.basic_parse_coro(self._events, use_float=True)
        self._builder = ListingBuilder(file_names)
        self._depth = 0
        # The last key of each open map; `None` in an array.
        self._path: list[str | None] = [None] * (_DEEPEST_FIELD + 1)
        # The file whose entry is being read, if it matters, and the depth of the entry's fields.
        self._file_name = ""
        self._field_depth = 0
        self._is_repodata = False

    def write(self, piece: bytes) -> None:
        """Reads the next piece.

        Raises:
            LookupFailedError: this is not repodata.
        """
        try:
            self._parser.send(piece)
        except _ERRORS:
            raise _not_json() from None
        self._take_events()

    def close(self) -> Listing:
        """What was found, after the last piece.

        Raises:
            LookupFailedError: this is not repodata, or it is truncated.
        """
        try:
            self._parser.close()
        except _ERRORS:
            raise _not_json() from None
        self._take_events()
        if not self._is_repodata:
            raise LookupFailedError("the response is not repodata", Reason.MALFORMED)
        return self._builder.build()

    def _take_events(self) -> None:
        """Handles the events of a piece. There are millions of them in a large file, so most take few steps."""
        depth, path = self._depth, self._path
        for event, value in self._events:
            if event == "map_key":
                if depth <= _DEEPEST_FIELD:
                    path[depth] = value
                    if depth < 3 or (depth == 3 and path[1] == _V3):  # noqa: PLR2004 - above the fields of entries
                        self._take_key(depth)
            elif event in _OPENING:
                depth = self._open(depth + 1, event)
            elif event in _CLOSING:
                depth -= 1
            elif depth <= _DEEPEST_FIELD and path[depth] in _SCALARS:
                self._take_scalar(depth, value)
        self._depth = depth
        self._events.clear()

    def _open(self, depth: int, event: str) -> int:
        """Notes a map or an array at this depth."""
        if depth <= _DEEPEST_FIELD:
            self._path[depth] = None
        elif depth > _MAX_DEPTH:  # memory grows with the depth
            raise LookupFailedError("the response is nested too deeply", Reason.MALFORMED)
        if depth == 1 and event != "start_map":
            raise _not_an_object()
        return depth

    def _take_scalar(self, depth: int, value: object) -> None:
        """Notes a hash of an entry that matters, or a file that was removed."""
        key = self._path[depth]
        if depth == 0:
            raise _not_an_object()
        if key is not None:
            if self._file_name and depth == self._field_depth:
                self._builder.set_hash(self._file_name, str(key), value)
        elif depth == 2 and self._path[1] == "removed":  # noqa: PLR2004 - in the list
            self._builder.remove(value)

    def _take_key(self, depth: int) -> None:
        """Notes a key above the fields of entries: of a section, of an extension in `v3`, or of an entry."""
        section, key = self._path[1], self._path[depth]
        self._file_name = ""
        if depth == 1:
            self._is_repodata |= key in _KEYS
        elif depth == 2 and section in _SECTIONS:  # noqa: PLR2004 - `packages.<file name>`
            self._file_name = str(key)
        elif depth == 3:  # noqa: PLR2004 - `v3.<extension>.<stem>`
            self._file_name = f"{key}.{self._path[2]}"
        if self._file_name and self._builder.wants(self._file_name):
            self._field_depth = depth + 1
            self._builder.add(self._file_name)
        else:
            self._file_name = ""


def _not_an_object() -> LookupFailedError:
    return LookupFailedError("the response is not a JSON object", Reason.MALFORMED)


def _not_json() -> LookupFailedError:
    return LookupFailedError("the response is not JSON", Reason.MALFORMED)
