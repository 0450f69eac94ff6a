"""How much of what was sent the other end of a connection has not acknowledged, where the system says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket


def unacknowledged(sock: socket.socket) -> int | None:
    """The number of bytes that were sent, and that the other end has not acknowledged (Linux: tcp(7), `SIOCOUTQ`).

    `None` on other systems: macOS knows the request for terminals only, and Windows has none.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
        import termios  # noqa: PLC0415

        count = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
    except (ImportError, OSError):
        return None
    return int.from_bytes(count, sys.byteorder)
