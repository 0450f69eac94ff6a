"""Where packages, servers and contestants live during one run."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import ssl
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import requests
import trustme

from bench.measure import Command
from localchannel import Access, Channel, LocalChannel
from support.building import package
from support.running import COMMAND, REPOSITORY, RunnerFiles, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from identities import PrivateSigstore

CHANNEL = "bench"
SCHEMES = ("HTTP", "HTTPS")
TESTS = REPOSITORY / "tests"
_KEY = "pfx_bench"


@dataclass
class Machine:
    """Where packages, servers and contestants live during one run."""

    folder: Path
    rounds: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _authority: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        self._authority.cert_pem.write_to_path(str(self.bundle))
        self._authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(self._certificate))

    def new_folder(self) -> Path:
        """An empty folder."""
        folder = self.folder / f"scratch-{next(self._numbers)}"
        folder.mkdir()
        return folder

    def packages(self, count: int, size: int, *, extension: str = ".conda") -> Path:
        """A folder with so many packages, each with a payload of so many bytes that do not compress."""
        folder = self.folder / f"{count}x{size}{extension}"
        if not folder.exists():
            for number in range(count):
                package(folder, f"bench-{number}", extension=extension, content=os.urandom(size))
        return folder

    @contextlib.contextmanager
    def server(self, *, latency: float = 0.0, tls: ssl.SSLContext | None = None) -> Iterator[LocalChannel]:
        """A server with an empty channel, whose packages are gone afterwards."""
        root = self.new_folder()
        channels, keys = {CHANNEL: Channel()}, {_KEY: Access.READ_WRITE}
        with LocalChannel(root, channels, keys, tls=tls, latency=latency) as server:
            yield server
        shutil.rmtree(root)

    def action(self, folder: Path, url: str, **inputs: str) -> Command:
        """Our run over a folder's packages."""
        plain = {"channel": CHANNEL, "glob": "*.conda\n*.tar.bz2", "token": _KEY, "server-url": url}
        files = RunnerFiles.create(self.new_folder())
        variables = environment(folder, plain | inputs, files)
        return Command(COMMAND, self._environ(**variables))

    def attested(self, folder: Path, url: str, sigstore: PrivateSigstore) -> Command:
        """The same, with each package signed."""
        config = "trust.json"
        (folder / config).write_text(sigstore.trust_config)
        command = self.action(folder, url, **{"attestations": "true", "sigstore-instance": config})
        return Command(command.arguments, {**command.environ, **sigstore.provider.environment})

    def rival(self, folder: Path, url: str) -> Command:
        """rattler-build's uploader."""
        arguments = {
            "package_files": [str(path) for path in sorted(folder.iterdir())],
            "url": url,
            "channels": CHANNEL,
            "api_key": _KEY,
            "skip_existing": True,
        }
        script = str(TESTS / "conformance" / "rival.py")
        return Command([sys.executable, script, json.dumps(arguments)], self._environ())

    def loop(self, folder: Path, url: str) -> Command:
        """The `requests` loop."""
        script = str(TESTS / "bench" / "loop.py")
        files = [str(path) for path in sorted(folder.iterdir())]
        return Command([sys.executable, script, f"{url}/api/v1/upload/{CHANNEL}", _KEY, *files], self._environ())

    def expect_taken(self, url: str, folder: Path) -> None:
        """Makes sure that a sink was sent all of the folder's packages."""
        taken = requests.get(f"{url}/taken", verify=str(self.bundle), timeout=60).json()
        expected = {}
        for path in folder.iterdir():
            with path.open("rb") as file:
                expected[path.name] = [hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size]
        if taken != expected:
            raise RuntimeError("not everything was sent")

    def tool(self, script: str) -> Command:
        """A shell command."""
        return Command(["/bin/sh", "-c", script], self._environ())

    @property
    def bundle(self) -> Path:
        """The certificates that contestants trust."""
        return self.folder / "trusted.pem"

    @property
    def _certificate(self) -> Path:
        return self.folder / "server.pem"

    def certificate(self, scheme: str) -> Path | None:
        """The key and certificate of a server that speaks it, if it needs any."""
        return self._certificate if scheme == "HTTPS" else None

    def tls(self, scheme: str) -> ssl.SSLContext | None:
        """The same as a context."""
        path = self.certificate(scheme)
        if path is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _environ(self, **variables: str) -> Mapping[str, str]:
        trusted = {"SSL_CERT_FILE": str(self.bundle), "REQUESTS_CA_BUNDLE": str(self.bundle)}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | trusted | variables
