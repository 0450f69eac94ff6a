"""A request being answered, without the socket: what the two origins' rules work with."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

from localchannel.journal import Request

CHUNK = 256 * 1024
"""Bytes of a body held in memory at a time."""

_PART_HEAD_LIMIT = 16 * 1024
_PART_FILE_NAME = re.compile(rb"^x-file-name:[ \t]*(\S+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class DisconnectedError(ConnectionError):
    """The client hung up within its body."""


class Body:
    """A request's body of known length, read once and in chunks.

    `break_at` plants the one place where a scripted failure may interrupt the reading.
    """

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream = stream
        self._ahead = b""
        self._breakpoint: int | None = None
        self._reached: Callable[[], None] = lambda: None
        self.length = length
        self.received = 0

    @property
    def complete(self) -> bool:
        """Whether nothing of the body is left on the connection."""
        return self.received == self.length

    def break_at(self, offset: int, reached: Callable[[], None]) -> None:
        """Call `reached` as soon as `offset` bytes were read, or all where the body is shorter."""
        self._breakpoint = min(offset, self.length)
        self._reached = reached
        self._check()

    def chunks(self) -> Iterator[bytes]:
        """What is left of the body."""
        while not self.complete:
            end = self.length if self._breakpoint is None else self._breakpoint
            data = self._take(min(CHUNK, end - self.received))
            if not data:
                raise DisconnectedError
            self.received += len(data)
            self._check()
            yield data

    def drain(self) -> None:
        """Read to the end, so that the connection can carry a next request."""
        for _ in self.chunks():
            pass

    def part_file_name(self) -> str | None:
        """`X-File-Name` of the first part of a form, before anything of the form counts as read."""
        while b"\r\n\r\n" not in self._ahead and len(self._ahead) < min(self.length, _PART_HEAD_LIMIT):
            line = self._stream.readline(min(self.length, _PART_HEAD_LIMIT) - len(self._ahead))
            if not line:
                break
            self._ahead += line
        found = _PART_FILE_NAME.search(self._ahead)
        return found[1].decode("latin-1") if found else None

    def is_about_plan(self) -> bool:
        """Whether this is a query for the limits of a plan, before anything of it counts as read."""
        self._ahead += self._stream.read(self.length - len(self._ahead))
        return b"planAndUsage" in self._ahead

    def _take(self, size: int) -> bytes:
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        # `read` would wait for the whole chunk: an interruption has to see the bytes as they come.
        return self._stream.read1(size)  # type: ignore[attr-defined,no-any-return]

    def _check(self) -> None:
        if self.received == self._breakpoint:
            self._breakpoint = None
            self._reached()


@dataclass(frozen=True)
class Exchange:
    """One request with its body still to be read.

    Attributes:
        request: The journal's entry.
        body: `None` where the request has a body of unknown length.
    """

    request: Request
    body: Body | None

    @property
    def segments(self) -> list[str]:
        """The path's segments, decoded; empty ones stay, so that no two paths mean the same."""
        return [unquote(part) for part in urlsplit(self.request.path).path.removeprefix("/").split("/")]

    @property
    def bearer(self) -> str | None:
        """The bearer token, if the request has one."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    def query(self, name: str) -> str:
        """The last value of a query parameter, or nothing."""
        return parse_qs(urlsplit(self.request.path).query).get(name, [""])[-1]


@dataclass(frozen=True)
class Reply:
    """An answer; an open file as body is sent from its start and closed."""

    status: int
    body: bytes | BinaryIO = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818 - an answer like others, only shorter to give
    """Ends the work on a request with a plain-text answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def reply(self) -> Reply:
        """The answer to send."""
        return Reply(self.status, self.message.encode(), {"Content-Type": "text/plain; charset=utf-8"})


App = Callable[[Exchange], Reply]
"""The rules of one origin."""
