"""What the server was asked, in the order it was asked."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPMessage
from typing import Any, Literal

OriginName = Literal["api", "storage"]


@dataclass(eq=False)
class Request:
    """One request as it arrived, and what became of it.

    Attributes:
        origin: The listening socket it came to.
        method: The HTTP method, in capitals.
        path: Path and query as sent, percent-encoding kept.
        headers: The request's headers; names are looked up in any case.
        peer: The client's end of the connection; requests over one connection share it.
        file: `X-File-Name`, from the head or from the multipart part.
        is_about_plan: Whether it asks for the limits of a plan. Clients may do so at any time, beside other requests.
        json: The decoded body, where it was JSON.
        body_size: Bytes of the body that were read before the answer or the cut.
        status: Status of the answer; `None` while there is none, and for good where the connection was cut.
    """

    origin: OriginName
    method: str
    path: str
    headers: HTTPMessage
    peer: tuple[str, int]
    file: str | None = None
    is_about_plan: bool = False
    json: Any = None
    body_size: int = 0
    status: int | None = None


class Journal:
    """Requests of both origins, shared by their threads."""

    def __init__(self, on_request: Callable[[Request], None] | None = None) -> None:
        self._requests: list[Request] = []
        self._at_work = 0
        self._changed = threading.Condition()
        self._on_request = on_request

    @property
    def requests(self) -> list[Request]:
        """A copy: later requests do not show up in it."""
        with self._changed:
            return list(self._requests)

    @contextmanager
    def working(self, request: Request) -> Iterator[None]:
        """Note the arrival of `request`, and its end however it ends."""
        with self._changed:
            self._requests.append(request)
            self._at_work += 1
        try:
            yield
        finally:
            if self._on_request is not None:
                self._on_request(request)
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def settle(self, timeout: float) -> bool:
        """Wait until no request is being worked on; tell whether that came true within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._at_work == 0, timeout)
