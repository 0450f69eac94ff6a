"""Compares the contents of a package with those of the file that the channel has under its name."""

from __future__ import annotations

import tempfile
import threading
from os import SEEK_END
from typing import TYPE_CHECKING

from prefix_upload.package.contents_digest import (
    Difference,
    UnreadableContentsError,
    difference,
    read_contents,
    read_local,
)
from prefix_upload.prefix_dev.responses import LookupFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev.queries import ChannelQueries
    from prefix_upload.prefix_dev.records import Record

# A file with the same contents may be compressed less well, but not to any size: this many times the package, plus a
# few bytes for small ones.
_MAX_RATIO = 4
_MAX_EXTRA = 2**20
# How many files are downloaded at the same time. Each takes space on the disk.
_MAX_DOWNLOADS = 4


class ContentsComparison:
    """Compares packages with what the channel has. Safe to use from several threads.

    Args:
        queries: downloads the files.
    """

    def __init__(self, queries: ChannelQueries) -> None:
        self._queries = queries
        self._downloads = threading.BoundedSemaphore(_MAX_DOWNLOADS)

    def compare(self, package: Package, record: Record) -> Difference:
        """How a package differs from the file under its name on the channel, which has this record.

        The file is downloaded to a temporary file, and read within the limits of validation.

        Raises:
            UnreadableContentsError: the contents could not be compared. The message says why.
        """
        with self._downloads:
            there = self._read_there(package, record.sha256)
        return difference(read_local(package), there)

    def _read_there(self, package: Package, sha256: str | None) -> Mapping[str, bytes]:
        limit = _MAX_RATIO * package.size + _MAX_EXTRA
        try:
            with tempfile.TemporaryFile() as file:
                try:
                    self._queries.download(package, limit, file)
                    file.flush()
                except LookupFailedError as error:
                    is_too_large = file.seek(0, SEEK_END) >= limit
                    reason = f"it has more than {limit} bytes" if is_too_large else str(error)
                    raise UnreadableContentsError(f"the file on the channel was not downloaded: {reason}") from error
                changed = "the file that the channel serves does not have the hash of its record"
                return read_contents(file, package.file_name, sha256, changed)
        except OSError as error:
            message = f"the file on the channel could not be stored ({error.strerror})"
            raise UnreadableContentsError(message) from error
