"""`POST /api/v1/upload/<channel>`: the raw form and the multipart form."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from localchannel.exchange import Body, Exchange, Refusal, Reply
from localchannel.multipart import Form
from localchannel.package import Unreadable, describe, is_package_name
from localchannel.store import Store

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Claim:
    """What the client says of the file it sends."""

    file: str
    sha256: str
    size: int


class Headers(Protocol):
    """The headers of a request or of a part; names in any case."""

    def get(self, name: str, /) -> str | None:
        """A header's value."""


class Spool:
    """A file on its way in: written to disk and hashed as it comes, never held in memory."""

    def __init__(self, path: Path) -> None:
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


def receive(exchange: Exchange, store: Store, channel: str) -> Reply:
    """Take one package into a channel whose access was checked.

    Raises:
        Refusal: The request or the package breaks a rule.
    """
    if exchange.request.headers.get_content_type() == "multipart/form-data":
        return _receive_form(exchange, store, channel)
    return _receive_raw(exchange, store, channel)
