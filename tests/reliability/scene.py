"""A checkout with two packages and a channel, and the ways to put something in between."""

from __future__ import annotations

import random
import ssl
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import trustme

from localchannel import Access, Channel, LocalChannel
from reliability.wire import Rule, Wire
from support.building import conda_bytes, index_of, tar_member, written
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from localchannel import Fault

HIT, OTHER = "hit-1.0-h0_0", "other-1.0-h0_0"
# Enough for a rule of a wire to single out the upload of this package by what was sent.
LARGE = 6_000_000
IN_THE_BODY = 1_000_000


def package_bytes(
    stem: str, *, size: int = 1000, seed: int = 0, timestamp: int = 0, depends: tuple[str, ...] = ()
) -> bytes:
    """A package with noise of this size.

    Another seed gives other contents under the same name, another timestamp other bytes of the same contents.
    """
    noise = random.Random(f"{stem}{seed}").randbytes(size)
    index = index_of(stem, timestamp=timestamp, depends=depends)
    return conda_bytes(stem, index=index, payload_members=[tar_member("share/noise", noise)])


@dataclass
class Scene:
    """What a row of the table has to play with: `hit` is the package that the fault affects, `other` is another.

    `inputs` and `variables` are those of the first run; the second one has none of them.
    """

    folder: Path
    workspace: Path
    server: LocalChannel
    authority: trustme.CA | None
    stack: ExitStack
    wires: ExitStack = field(default_factory=ExitStack)
    inputs: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def hit(self) -> Path:
        """The package that the fault affects."""
        return self.workspace / f"{HIT}.conda"

    @property
    def other(self) -> Path:
        """The other package."""
        return self.workspace / f"{OTHER}.conda"

    @property
    def trusted(self) -> dict[str, str]:
        """The variables with which the action trusts the server."""
        if self.authority is None:
            return {}
        path = self.folder / "trusted.pem"
        self.authority.cert_pem.write_to_path(str(path))
        return {"SSL_CERT_FILE": str(path)}

    def fail(self, *faults: Fault) -> None:
        """Scripts failures of the server."""
        self.server.fail(*faults)

    def set(self, **inputs: str) -> None:
        """Inputs of the first run."""
        self.inputs |= {name.replace("_", "-"): value for name, value in inputs.items()}

    def wire(self, rule: Rule) -> None:
        """A relay in front of the server, for the first run, with a package that is large enough to be recognized."""
        written(self.hit, package_bytes(HIT, size=LARGE))
        address = urlsplit(self.server.url)
        assert address.port is not None
        wire = self.wires.enter_context(Wire(address.port, rule))
        self.set(server_url=f"{address.scheme}://127.0.0.1:{wire.port}")

    def heal(self) -> None:
        """From now on nothing is in between, and the server does what it should."""
        self.wires.close()
        self.server.settle()
        self.server.heal()
        self.inputs.clear()
        self.variables = dict(self.trusted)

    def another_server(self, host: str = "127.0.0.1", expires: datetime | None = None) -> LocalChannel:
        """A server with an empty channel of the same name and a certificate of the same authority."""
        tls = None if self.authority is None else context(self.authority, host, expires)
        return self.stack.enter_context(channel_server(self.folder / f"another-{host}", tls))

    def publish(self, path: Path, *, seed: int = 0, timestamp: int = 0, lags: bool = False) -> None:
        """Puts the package on the channel beforehand, or, with another seed or timestamp, one of the same name."""
        content = package_bytes(path.stem, seed=seed, timestamp=timestamp)
        elsewhere = written(self.folder / "elsewhere" / path.name, content)
        self.server.publish(CHANNEL, elsewhere, lags=lags)

    def graph_lies(self, path: Path, sha256: str | None) -> None:
        """Lets GraphQL tell this hash for the package, or (`None`) that there is none."""
        self.server.tamper(CHANNEL, "noarch", path.name, None if sha256 is None else {"sha256": sha256})


def context(authority: trustme.CA, host: str = "127.0.0.1", expires: datetime | None = None) -> ssl.SSLContext:
    """What a TLS server of this host needs."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, not_after=expires).configure_cert(made)
    return made


def channel_server(folder: Path, tls: ssl.SSLContext | None) -> LocalChannel:
    """A server with the channel that the runs publish to."""
    return LocalChannel(folder, {CHANNEL: Channel()}, {TOKEN: Access.READ_WRITE}, tls=tls)


@contextmanager
def set_stage(folder: Path, workspace: Path, plan: Callable[[Scene], object], *, tls: bool) -> Iterator[Scene]:
    """The scene of a row, before its first run; its servers are stopped at the end."""
    authority = trustme.CA() if tls else None
    for stem in (HIT, OTHER):
        written(workspace / f"{stem}.conda", package_bytes(stem))
    with ExitStack() as stack:
        served = None if authority is None else context(authority)
        server = stack.enter_context(channel_server(folder / "channel", served))
        scene = Scene(folder, workspace, server, authority, stack)
        stack.callback(scene.wires.close)
        scene.variables |= scene.trusted
        plan(scene)
        yield scene
