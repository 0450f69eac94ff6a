"""What all requests to one server know about it: until when it must not be asked, and how long it has been down."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class Server:
    """The state of a server, as its responses show it. Safe to use from several threads.

    Its downtime is the time that requests have spent on it in vain since its last response other than an error of its
    own (5xx), with the pauses between them. Times at which several requests were waiting count once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._not_before = datetime.min.replace(tzinfo=UTC)
        self._counted_until = self._not_before
        self._downtime: timedelta | None = None

    @property
    def not_before(self) -> datetime:
        """When the server may be asked again, according to the last `Retry-After`."""
        return self._not_before

    @property
    def downtime(self) -> float:
        """How long the server has been down, in seconds."""
        downtime = self._downtime
        return 0.0 if downtime is None else downtime.total_seconds()

    @property
    def is_down(self) -> bool:
        """Whether the last request got nothing from the server."""
        return self._downtime is not None

    def defer_until(self, until: datetime) -> None:
        """Notes that the server does not want to be asked before this time."""
        with self._lock:
            self._not_before = max(self._not_before, until)

    def record_response(self) -> None:
        """Notes that the server has responded."""
        with self._lock:
            self._downtime = None

    def record_downtime(self, since: datetime, until: datetime) -> None:
        """Notes that a request got nothing from the server during this time."""
        with self._lock:
            downtime = self._downtime or timedelta()
            self._downtime = downtime + max(timedelta(), until - max(since, self._counted_until))
            self._counted_until = max(self._counted_until, until)
