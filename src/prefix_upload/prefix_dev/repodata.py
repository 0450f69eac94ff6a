"""Reads the records of a few packages from a `repodata.json` of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from prefix_upload.package.formats import PACKAGE_EXTENSIONS
from prefix_upload.prefix_dev.records import LookupFailedError, Reason, Records, indexed_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prefix_upload.package.model import Package

# Where each format's entries are: by file name (CEP 36), and by file name without extension in v3 (CEP 48).
_ENTRIES = {".conda": "packages.conda", ".tar.bz2": "packages"}
_V3_ENTRIES = {".conda": "v3.conda", ".tar.bz2": "v3.tar.bz2"}


# What repodata has at least one of (CEP 36, CEP 48).
_KEYS = frozenset({"packages", "packages.conda", "v3", "repodata_version"})
_MAX_DEPTH = 32
_OPENING, _CLOSING = frozenset({"start_map", "start_array"}), frozenset({"end_map", "end_array"})


def from_repodata(file: BinaryIO, packages: Iterable[Package]) -> Records:
    """The records of those packages that a subdir's `repodata.json` lists.

    The file is read as a stream, once for each place where a package may be listed. A package that it does not list
    may have been added since the index was written, so it has no record here.

    Raises:
        LookupFailedError: the file is not a JSON object.
    """
    import ijson  # noqa: PLC0415 - slow to load, and seldom needed

    try:
        return _read(file, packages)
    except (ijson.JSONError, ValueError, ArithmeticError):  # the latter two are about numbers and texts in it
        raise LookupFailedError("the response is not JSON", Reason.MALFORMED) from None


def _check_structure(events: Iterator[tuple[str, object]]) -> None:
    """Makes sure that this is repodata, and nested no deeper than repodata is: memory grows with the depth.

    Raises:
        LookupFailedError: it is not.
    """
    first, _ = next(events)
    if first != "start_map":
        raise LookupFailedError("the response is not a JSON object", Reason.MALFORMED)
    depth, keys = 1, set()
    for event, value in events:
        if event in _OPENING:
            depth += 1
        elif event in _CLOSING:
            depth -= 1
        elif depth == 1 and event == "map_key":
            keys.add(value)
        if depth > _MAX_DEPTH:
            raise LookupFailedError("the response is nested too deeply", Reason.MALFORMED)
    if not keys & _KEYS:
        raise LookupFailedError("the response is not repodata", Reason.MALFORMED)


def _read(file: BinaryIO, packages: Iterable[Package]) -> Records:
    import ijson  # noqa: PLC0415

    file.seek(0)
    _check_structure(ijson.basic_parse(file, use_float=True))
    file.seek(0)
    wanted = {package.file_name: package for package in packages}
    removed = {
        name for name in ijson.items(file, "removed.item", use_float=True) if isinstance(name, str) and name in wanted
    }
    records: Records = {}
    for extension in PACKAGE_EXTENSIONS:
        named = {name: package for name, package in wanted.items() if name.endswith(extension)}
        stems = {name.removesuffix(extension): package for name, package in named.items()}
        for prefix, by_key in ((_ENTRIES[extension], named), (_V3_ENTRIES[extension], stems)):
            if not by_key:
                continue
            file.seek(0)
            for key, entry in ijson.kvitems(file, prefix, use_float=True):
                package = by_key.get(key)
                record = package and indexed_record(entry, is_removed=package.file_name in removed)
                if package and record:
                    records[package.key] = record
    return records
