"""A validated file as a request body: streamed, hashed again, and never sent completely if it has changed."""

from __future__ import annotations

import hashlib
import os
from functools import partial
from typing import TYPE_CHECKING

from prefix_upload.concurrency import Submit, submit_if_large
from prefix_upload.errors import FileChangedError
from prefix_upload.package.fs import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prefix_upload.package.model import Package

# Bytes per piece: enough to be worth a thread, and few enough for several uploads to fit in memory.
_PIECE = 2**22


class Body:
    """The file's bytes, as an iterable of pieces of at most 4 MiB; its length is the validated size.

    Args:
        package: the validated file.
        on_progress: called with the number of bytes yielded so far, before each piece and after the last one. An
            exception that it raises aborts the request.
        submit: hashes the pieces of a large file while they are being sent.
    """

    def __init__(self, package: Package, on_progress: Callable[[int], None], submit: Submit) -> None:
        self._package = package
        self._on_progress = on_progress
        self._submit = submit_if_large(package.size, submit)

    @property
    def headers(self) -> dict[str, str]:
        """The headers that describe the file (prefix.dev's API documentation, "Upload a package")."""
        return {
            "X-File-Name": self._package.file_name,
            "X-File-SHA256": self._package.sha256,
            "Content-Type": "application/octet-stream",
        }

    def __len__(self) -> int:
        return self._package.size

    def __iter__(self) -> Iterator[memoryview]:
        """Yields the pieces, each valid until the next one. The last one is held back until the hash has been verified.

        Raises:
            FileChangedError: the file is gone or has different bytes. The request is then incomplete, so the server
                cannot accept it.
        """
        try:
            with os.fdopen(open_regular(self._package.path), "rb", buffering=0) as file:
                yield from self._pieces(file.readinto)
        except OSError as error:
            raise _file_changed(self._package, f"can no longer be read ({error.strerror})") from error

    def _pieces(self, readinto: Callable[[memoryview], int | None]) -> Iterator[memoryview]:
        digest = hashlib.sha256()
        buffer, beyond = memoryview(bytearray(min(_PIECE, len(self)))), memoryview(bytearray(1))
        sent = 0
        while True:
            self._on_progress(sent)
            piece = buffer[: readinto(buffer)]
            sent += len(piece)
            hashed = self._submit(partial(digest.update, piece))
            if not piece or sent >= len(self):
                break
            yield piece
            hashed.result()  # before the buffer is reused
        hashed.result()
        # A file that has grown may begin with the validated bytes, so try to read one more.
        if digest.hexdigest() != self._package.sha256 or readinto(beyond):
            raise _file_changed(self._package, "changed after it was validated")
        yield piece
        self._on_progress(sent)


class Form:
    """A multipart form with the file and its attestation. The file is still streamed.

    The parts and their headers are those of rattler (`upload/prefix.rs`): the file has four headers besides its
    `Content-Disposition`, the attestation has only that.

    Args:
        body: the file.
        attestation: a Sigstore bundle, as JSON.
    """

    def __init__(self, body: Body, attestation: str) -> None:
        boundary = f"prefix-upload-{os.urandom(16).hex()}"
        part = {"Content-Disposition": f'form-data; name="file"; filename="{body.headers["X-File-Name"]}"'}
        part |= body.headers | {"Content-Length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in part.items())
        self._body = body
        self._before = f"--{boundary}\r\n{lines}\r\n".encode("ascii")
        self._after = (
            f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="attestation"\r\n\r\n'
            f"{attestation}\r\n--{boundary}--\r\n"
        ).encode()
        self.headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}

    def __len__(self) -> int:
        return len(self._before) + len(self._body) + len(self._after)

    def __iter__(self) -> Iterator[memoryview]:
        """Yields the form, with the file in pieces.

        Raises:
            FileChangedError: the file is gone or has different bytes.
        """
        yield memoryview(self._before)
        yield from self._body
        yield memoryview(self._after)


def _file_changed(package: Package, what: str) -> FileChangedError:
    return FileChangedError(
        f"'{package.relative_path}' {what}.",
        "It was not published. Let the build finish first, then publish again.",
    )
