"""Runs the server in the foreground for a person to try things."""

import argparse
import secrets
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from localchannel import Access, Channel, LocalChannel, Request

_ENTRYPOINT = Path(__file__).resolve().parents[2] / "entrypoint.py"
_HINTS = """\
server   {url} (open it in a browser to see what is published)
channel  {channel}
key      {key}

rattler-build upload prefix --url {url} --channel {channel} --api-key {key} demo-1.0-0.conda

curl -H 'Authorization: Bearer {key}' -H 'X-File-Name: demo-1.0-0.conda' \\
  -H "X-File-SHA256: $(sha256sum demo-1.0-0.conda | cut -d ' ' -f 1)" \\
  -H 'Content-Type: application/octet-stream' --data-binary @demo-1.0-0.conda \\
  {url}/api/v1/upload/{channel}

env 'INPUT_CHANNEL={channel}' 'INPUT_GLOB=*.conda' 'INPUT_TOKEN={key}' 'INPUT_SERVER-URL={url}' \\
  {command}

curl -L {url}/{channel}/noarch/repodata.json

Ctrl-C stops it.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted."""
    options = _options(arguments)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with tempfile.TemporaryDirectory(prefix="localchannel-") as scratch:
        channels = {name: Channel(public=not options.private) for name in options.channel}
        server = LocalChannel(
            options.root or Path(scratch),
            channels,
            {options.key: Access.READ_WRITE_DELETE},
            latency=options.latency,
            port=options.port,
            on_request=_show,
        )
        with server:
            command = shlex.join((sys.executable, str(_ENTRYPOINT)))
            _say(_HINTS.format(url=server.url, channel=options.channel[0], key=options.key, command=command))
            try:
                stopped.wait()
            except KeyboardInterrupt:
                _say("stopped")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localchannel", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--root", type=Path, help="folder for the packages (default: a temporary one)")
    parser.add_argument("--channel", action="append", help="a channel; may be repeated (default: demo)")
    parser.add_argument("--key", default=secrets.token_hex(8), help="the API key (default: a random one)")
    parser.add_argument("--private", action="store_true", help="make the channels private")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds an upload takes at least (default: 0)")
    options = parser.parse_args(arguments)
    options.channel = options.channel or ["demo"]
    return options


def _show(request: Request) -> None:
    status = request.status or "cut"
    _say(f"{request.origin:7} {request.method:6} {status} {request.path} ({request.body_size} bytes)")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
