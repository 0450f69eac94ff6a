"""A validated file as the body of a request: streamed, hashed again, and never sent whole if it has changed."""

from __future__ import annotations

import hashlib
import os
import uuid
from functools import partial
from typing import TYPE_CHECKING

from prefix_upload.concurrency import Submit, submit_if_large
from prefix_upload.errors import FileChangedError
from prefix_upload.package.fs import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prefix_upload.package.model import Package

# Large enough for a thread to be worth it, small enough for several uploads to be in memory.
_PIECE = 2**22


class Body:
    """Iterate to get the file's bytes in pieces of at most 4 MiB; its length is the validated size.

    Args:
        package: the validated file.
        on_progress: called with the number of bytes handed out so far, before each piece. What it raises
            breaks the request off.
        submit: a large file's pieces are hashed while they are being sent.
    """

    def __init__(self, package: Package, on_progress: Callable[[int], None], submit: Submit) -> None:
        self._package = package
        self._on_progress = on_progress
        self._submit = submit_if_large(package.size, submit)

    @property
    def headers(self) -> dict[str, str]:
        """What the server is told of the file (prefix.dev's API documentation, "Upload a package")."""
        return {
            "X-File-Name": self._package.file_name,
            "X-File-SHA256": self._package.sha256,
            "Content-Type": "application/octet-stream",
        }

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
            hashed = self._submit(partial(digest.update, piece))
            if not piece or sent >= len(self):
                break
            yield piece
            hashed.result()  # before the next piece takes its place
        hashed.result()
        # What has grown may begin with the validated bytes: so one byte more is asked for.
        if digest.hexdigest() != self._package.sha256 or readinto(beyond):
            raise _changed(self._package, "was changed after its validation")
        yield piece
        self._on_progress(sent)


class Form:
    """The body within a form that has an attestation as well; the file is streamed all the same.

    The parts and their headers are those of rattler (`upload/prefix.rs`): of the file its four headers, of the
    attestation nothing but its name.

    Args:
        body: the file.
        attestation: a Sigstore bundle, as JSON.
    """

    def __init__(self, body: Body, attestation: str) -> None:
        boundary = f"prefix-upload-{uuid.uuid4().hex}"
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
        """Yields the parts, the file's pieces among them; see there for what is raised."""
        yield memoryview(self._before)
        yield from self._body
        yield memoryview(self._after)


def _changed(package: Package, what: str) -> FileChangedError:
    return FileChangedError(
        f"'{package.relative_path}' {what}.",
        "Nothing of it was published. Let no build run while packages are published, and run the step again.",
    )
