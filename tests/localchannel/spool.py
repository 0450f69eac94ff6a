"""A file on its way in: on disk and hashed as it comes, never in memory."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self


class Headers(Protocol):
    """The headers of a request or of a part; names in any case."""

    def get(self, name: str, /) -> str | None:
        """A header's value."""


@dataclass(frozen=True)
class Claim:
    """What the client says of the file it sends: its name, and hash and size as written in the headers."""

    file: str
    sha256: str
    size: str

    @classmethod
    def of(cls, headers: Headers) -> Self:
        """Read the claim from a head; what is missing is empty."""
        values = (headers.get(name) for name in ("X-File-Name", "X-File-SHA256", "Content-Length"))
        return cls(*(value or "" for value in values))


class Spool:
    """The bytes that came in for a claim."""

    def __init__(self, claim: Claim, path: Path) -> None:
        self.claim = claim
        self.path = path
        self.size = 0
        self._hash = hashlib.sha256()
        self._stream = path.open("wb")

    @property
    def sha256(self) -> str:
        """Hash of what was written, in lower-case hex."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append."""
        self._stream.write(data)
        self._hash.update(data)
        self.size += len(data)

    def close(self) -> None:
        """Have all of it on disk."""
        self._stream.close()


@contextmanager
def spooling(claim: Claim, path: Path) -> Iterator[Spool]:
    """A spool whose file is gone afterwards, unless it was moved."""
    spool = Spool(claim, path)
    try:
        yield spool
    finally:
        spool.close()
        path.unlink(missing_ok=True)
