"""A validated file as the body of a request: streamed, hashed again, and never sent whole if it has changed."""

from __future__ import annotations

import hashlib
import os
from functools import partial
from typing import TYPE_CHECKING

from prefix_upload.background import Begin, suited_to
from prefix_upload.errors import FileChangedError
from prefix_upload.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prefix_upload.models import Package

# Large enough for a thread to be worth it, small enough for several uploads to be in memory.
_PIECE = 2**22


class Body:
    """Iterate to get the file's bytes in pieces of at most 4 MiB; its length is the validated size.

    Args:
        package: the validated file.
        on_progress: called with the number of bytes handed out so far, before each piece. What it raises
            breaks the request off.
        begin: a large file's pieces are hashed while they are being sent.
    """

    def __init__(self, package: Package, on_progress: Callable[[int], None], begin: Begin) -> None:
        self._package = package
        self._on_progress = on_progress
        self._begin = suited_to(package.size, begin)

    def __len__(self) -> int:
        return self._package.size

    def __iter__(self) -> Iterator[memoryview]:
        """Yields the pieces. The last one is held back until the hash of all of them is the validated one.

        Raises:
            FileChangedError: the file is gone or has other bytes. The request then lacks its end, so that the
                server cannot take it.
        """
        try:
            with os.fdopen(open_regular(self._package.path), "rb", buffering=0) as file:
                yield from self._pieces(file.readinto)
        except OSError as error:
            raise _changed(self._package, f"cannot be read any more ({error.strerror})") from error

    def _pieces(self, readinto: Callable[[memoryview], int | None]) -> Iterator[memoryview]:
        digest = hashlib.sha256()
        buffer, beyond = memoryview(bytearray(min(_PIECE, len(self)))), memoryview(bytearray(1))
        sent = 0
        while True:
            self._on_progress(sent)
            piece = buffer[: readinto(buffer)]
            sent += len(piece)
            hashed = self._begin(partial(digest.update, piece))
            if not piece or sent >= len(self):
                break
            yield piece
            hashed()  # before the next piece takes its place
        hashed()
        # What has grown may begin with the validated bytes: so one byte more is asked for.
        if digest.hexdigest() != self._package.sha256 or readinto(beyond):
            raise _changed(self._package, "was changed after its validation")
        yield piece
        self._on_progress(sent)


def _changed(package: Package, what: str) -> FileChangedError:
    return FileChangedError(
        f"'{package.relative_path}' {what}.",
        "Nothing of it was published. Let no build run while packages are published, and run the step again.",
    )
