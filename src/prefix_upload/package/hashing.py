"""The hash of a file that may turn out to be invalid meanwhile."""

from __future__ import annotations

import hashlib

from prefix_upload.package.fs import read_at

_CHUNK = 2**18


class Hashing:
    """Hashes a file until it turns out to be invalid: an invalid file may be sparse and of any size."""

    def __init__(self) -> None:
        self._is_wanted = True

    def stop(self) -> None:
        """Makes `sha256` return early, with a meaningless hash."""
        self._is_wanted = False

    def sha256(self, descriptor: int) -> str:
        """The SHA-256 of the whole file in lower-case hexadecimal, unless `stop` is called."""
        digest = hashlib.sha256()
        buffer = memoryview(bytearray(_CHUNK))
        offset = 0
        # NOTE: read at an offset, since the decoder moves the position of the same open file.
        while self._is_wanted and (size := read_at(descriptor, buffer, offset)):
            digest.update(buffer[:size])
            offset += size
        return digest.hexdigest()
