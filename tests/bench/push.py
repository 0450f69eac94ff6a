"""The least that sending a file takes: its bytes over one connection. `python push.py URL FILE`."""

import socket
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit


def main(url: str, path: Path) -> None:
    """Sends the file as the body of a request and waits for the answer."""
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname, address.port))
    if address.scheme == "https":
        connection = ssl.create_default_context().wrap_socket(connection, server_hostname=address.hostname)
    with connection, path.open("rb") as file:
        connection.sendall(b"POST /push HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % path.stat().st_size)
        connection.sendfile(file)
        assert connection.recv(12) == b"HTTP/1.1 200"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
