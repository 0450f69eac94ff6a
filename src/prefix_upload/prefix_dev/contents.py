"""Compares the contents of a package with those of the file that the channel has under its name."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from os import SEEK_END
from typing import TYPE_CHECKING, BinaryIO

from prefix_upload.package.contents_digest import (
    Difference,
    UnreadableContentsError,
    difference,
    read_contents,
    read_local,
)
from prefix_upload.package.hashing import Hashing
from prefix_upload.prefix_dev.records import Record
from prefix_upload.prefix_dev.responses import LookupFailedError
from prefix_upload.prefix_dev.upload_errors import conflict_error

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev.queries import ChannelQueries

# A file with the same contents may be compressed less well, but not to any size: this many times the package, plus a
# few bytes for small ones.
_MAX_RATIO = 4
_MAX_EXTRA = 2**20


class ContentsComparison:
    """Compares packages with what the channel has. Safe to use from several threads.

    Args:
        queries: downloads the files.
        downloads: limits how many files are downloaded at the same time.
    """

    def __init__(self, queries: ChannelQueries, downloads: threading.BoundedSemaphore) -> None:
        self._queries = queries
        self._downloads = downloads

    def check(self, package: Package, record: Record) -> None:
        """Checks that a package has the contents of the file under its name on the channel, which has this record.

        Raises:
            ConflictError: they have different contents, or could not be compared.
        """
        try:
            found = self._compare(package, record)
        except UnreadableContentsError as error:
            raise conflict_error(package, record, f"The contents could not be compared: {error}.") from error
        if found:
            details = f"Of their contents, {found.describe('here', 'on the channel')}."
            raise conflict_error(package, record, details)

    def _compare(self, package: Package, record: Record) -> Difference:
        """How they differ. The file is downloaded to a temporary file, and read within the limits of validation."""
        changed = "the file that the channel serves does not have the hash of its record"
        with self._downloaded(package) as file:
            there = read_contents(file, package.file_name, record.sha256, changed)
        return difference(read_local(package), there)

    def served_record(self, package: Package) -> Record | None:
        """A record of the file that the channel serves under the package's name; `None` if it can't be downloaded."""
        try:
            with self._downloaded(package) as file:
                return Record(Hashing().sha256(file.fileno()))
        except UnreadableContentsError:
            return None

    @contextmanager
    def _downloaded(self, package: Package) -> Iterator[BinaryIO]:
        """The file under the package's name, in a temporary file."""
        try:
            with self._downloads, tempfile.TemporaryFile() as file:
                self._download(package, file)
                yield file
        except OSError as error:
            message = f"the file on the channel could not be stored ({error.strerror})"
            raise UnreadableContentsError(message) from error

    def _download(self, package: Package, file: BinaryIO) -> None:
        limit = _MAX_RATIO * package.size + _MAX_EXTRA
        try:
            self._queries.download(package, limit, file)
        except LookupFailedError as error:
            is_too_large = file.seek(0, SEEK_END) >= limit
            reason = f"it has more than {limit} bytes" if is_too_large else str(error)
            raise UnreadableContentsError(f"the file on the channel was not downloaded: {reason}") from error
        file.flush()
