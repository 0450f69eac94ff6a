"""Reads the records of a few packages from a `repodata.json` of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from prefix_upload.package.model import PACKAGE_EXTENSIONS
from prefix_upload.prefix_dev.records import LookupFailedError, Reason, Records, indexed_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefix_upload.package.model import Package

# Where each format's entries are: by file name (CEP 36), and by file name without extension in v3 (CEP 48).
_ENTRIES = {".conda": "packages.conda", ".tar.bz2": "packages"}
_V3_ENTRIES = {".conda": "v3.conda", ".tar.bz2": "v3.tar.bz2"}


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
    except (ijson.JSONError, UnicodeDecodeError):
        raise LookupFailedError("the response is not JSON", Reason.MALFORMED) from None


def _read(file: BinaryIO, packages: Iterable[Package]) -> Records:
    import ijson  # noqa: PLC0415

    file.seek(0)
    if next(iter(ijson.basic_parse(file)))[0] != "start_map":
        raise LookupFailedError("the response is not a JSON object", Reason.MALFORMED)
    file.seek(0)
    wanted = {package.file_name: package for package in packages}
    removed = {name for name in ijson.items(file, "removed.item") if isinstance(name, str) and name in wanted}
    records: Records = {}
    for extension in PACKAGE_EXTENSIONS:
        named = {name: package for name, package in wanted.items() if name.endswith(extension)}
        stems = {name.removesuffix(extension): package for name, package in named.items()}
        for prefix, by_key in ((_ENTRIES[extension], named), (_V3_ENTRIES[extension], stems)):
            if not by_key:
                continue
            file.seek(0)
            for key, entry in ijson.kvitems(file, prefix):
                package = by_key.get(key)
                record = package and indexed_record(entry, is_removed=package.file_name in removed)
                if package and record:
                    records[package.key] = record
    return records
