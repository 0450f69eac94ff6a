"""What is compared: each scenario prepares packages and a server, and returns a Markdown table."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import shutil
import ssl
import statistics
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trustme

from bench.measure import Command, Cost
from building import package
from localchannel import Access, Channel, LocalChannel
from running import COMMAND, REPOSITORY, RunnerFiles, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_KEY = "pfx_bench"
_CHANNEL = "bench"
_CONCURRENCY = 8
_TESTS = REPOSITORY / "tests"
_MB = 1_000_000
# What an upload takes on the server at least, in seconds, where latency is what is measured.
_LATENCY = 0.2


@dataclass
class Machine:
    """Where packages, servers and contestants live during one run."""

    folder: Path
    rounds: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)

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
        channels, keys = {_CHANNEL: Channel()}, {_KEY: Access.READ_WRITE}
        with LocalChannel(root, channels, keys, tls=tls, latency=latency) as server:
            yield server
        shutil.rmtree(root)

    def action(self, folder: Path, url: str, **inputs: str) -> Command:
        """Our run over a folder's packages."""
        plain = {"channel": _CHANNEL, "glob": "*.conda\n*.tar.bz2", "token": _KEY, "server-url": url}
        files = RunnerFiles.create(self.new_folder())
        variables = environment(folder, plain | inputs, files)
        return Command(COMMAND, self._environ(**variables))

    def rival(self, folder: Path, url: str) -> Command:
        """rattler-build's uploader."""
        arguments = {
            "package_files": [str(path) for path in sorted(folder.iterdir())],
            "url": url,
            "channels": _CHANNEL,
            "api_key": _KEY,
            "skip_existing": True,
        }
        script = str(_TESTS / "conformance" / "rival.py")
        return Command([sys.executable, script, json.dumps(arguments)], self._environ())

    def loop(self, folder: Path, url: str) -> Command:
        """The `requests` loop."""
        script = str(_TESTS / "bench" / "loop.py")
        files = [str(path) for path in sorted(folder.iterdir())]
        return Command([sys.executable, script, f"{url}/api/v1/upload/{_CHANNEL}", _KEY, *files], self._environ())

    def tool(self, script: str) -> Command:
        """A shell command."""
        return Command(["/bin/sh", "-c", script], self._environ())

    @property
    def bundle(self) -> Path:
        """The certificates that contestants trust."""
        return self.folder / "trusted.pem"

    def _environ(self, **variables: str) -> Mapping[str, str]:
        trusted = {"SSL_CERT_FILE": str(self.bundle), "REQUESTS_CA_BUNDLE": str(self.bundle)}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | trusted | variables


_UPLOADERS: Mapping[str, Callable[[Machine, Path, str], Command]] = {
    "prefix-upload": Machine.action,
    "rattler-build": Machine.rival,
    "requests loop": Machine.loop,
}


def scenarios() -> dict[str, Callable[[Machine], str]]:
    """All of them by their letter."""
    return {"a": many_small, "b": one_large, "c": published_before, "d": cold_start, "e": validation, "f": growth}


def many_small(machine: Machine) -> str:
    """(a) the network's latency, hidden or not."""
    count = 100
    folder = machine.packages(count, _MB)
    floor = math.ceil(count / _CONCURRENCY) * _LATENCY
    title = f"(a) {count} packages of 1 MB, {1000 * _LATENCY:.0f} ms server time each; floor {floor:.1f} s"
    return _uploads(machine, title, folder, latency=_LATENCY)


def one_large(machine: Machine) -> str:
    """(b) the bytes themselves."""
    folder = machine.packages(1, 1500 * _MB)
    return _uploads(machine, "(b) one package of 1.5 GB", folder)


def _uploads(machine: Machine, title: str, folder: Path, *, latency: float = 0.0) -> str:
    """Every uploader to a channel of its own, over HTTP and HTTPS, in turns."""
    costs: dict[str, list[Cost]] = {}
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(machine.bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    for _ in range(machine.rounds):
        for scheme, tls in (("HTTP", None), ("HTTPS", context)):
            for name, uploader in _UPLOADERS.items():
                with machine.server(latency=latency, tls=tls) as server:
                    cost = uploader(machine, folder, server.url).measure()
                    if len(server.files(_CHANNEL)) != len(list(folder.iterdir())):
                        raise RuntimeError(f"{name} did not upload everything")
                costs.setdefault(f"{name}, {scheme}", []).append(cost)
    return _table(title, costs)


def published_before(machine: Machine) -> str:
    """(c) a second run: what it costs to find out that nothing is missing."""
    folder = machine.packages(200, _MB)
    costs: dict[str, list[Cost]] = {}
    notes = []
    with machine.server(latency=_LATENCY) as server:
        for path in folder.iterdir():
            server.publish(_CHANNEL, path)
        for turn in range(machine.rounds):
            for name, uploader in _UPLOADERS.items():
                before = len(server.requests)
                costs.setdefault(name, []).append(uploader(machine, folder, server.url).measure())
                asked = server.requests[before:]
                sent = sum(request.body_size for request in asked if "/upload/" in request.path)
                if not turn:
                    notes.append(f"{name}: {len(asked)} requests, {sent / _MB:.0f} MB of packages sent.")
    return (
        _table("(c) a second run over 200 published packages of 1 MB, 200 ms server time", costs)
        + "\n"
        + "\n".join(notes)
        + "\n"
    )


def cold_start(machine: Machine) -> str:
    """(d) what there is before any work."""
    folder = machine.packages(1, 1000)
    costs: dict[str, list[Cost]] = {}
    with machine.server() as server:
        for _ in range(4 * machine.rounds):
            action = machine.action(folder, server.url, **{"dry-run": "true"})
            costs.setdefault("prefix-upload, dry run", []).append(action.measure())
            costs.setdefault("`import requests`", []).append(
                machine.tool(f"{sys.executable} -c 'import requests'").measure()
            )
    return _table("(d) cold start: a dry run with one small package", costs)


def validation(machine: Machine) -> str:
    """(e) full validation against the decoders' own tests."""
    tables = []
    for extension, tool in ((".conda", "unzip -p {} 'pkg-*' | zstd -tq"), (".tar.bz2", "bzip2 -t {}")):
        folder = machine.packages(1, 1000 * _MB, extension=extension)
        (path,) = folder.iterdir()
        costs: dict[str, list[Cost]] = {}
        with machine.server() as server:
            for _ in range(machine.rounds):
                action = machine.action(folder, server.url, **{"dry-run": "true"})
                costs.setdefault("prefix-upload, dry run", []).append(action.measure())
                script = f"{tool.format(path)} && sha256sum {path}"
                costs.setdefault(f"`{tool.format('…')} && sha256sum`".replace("|", "\\|"), []).append(
                    machine.tool(script).measure()
                )
        tables.append(_table(f"(e) full validation of 1 GB in one `{extension}`", costs))
    return "\n".join(tables)


def growth(machine: Machine) -> str:
    """(f) time and memory for more and more packages."""
    costs: dict[str, list[Cost]] = {}
    for count in (10, 100, 1000):
        folder = machine.packages(count, 10_000)
        for _ in range(machine.rounds):
            with machine.server() as server:
                costs.setdefault(f"{count} packages", []).append(machine.action(folder, server.url).measure())
    return _table("(f) growth: packages of 10 kB", costs)


def _table(title: str, costs: Mapping[str, list[Cost]]) -> str:
    """The median of each contestant's times, its largest memory, and the ratio to the first one's time."""
    first = statistics.median(cost.seconds for cost in next(iter(costs.values())))
    lines = [
        f"### {title}",
        "",
        "| | Wall clock | Ratio | Processor | Peak memory |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, measured in costs.items():
        seconds = statistics.median(cost.seconds for cost in measured)
        processor = statistics.median(cost.processor for cost in measured)
        memory = max(cost.memory for cost in measured)
        lines.append(f"| {name} | {seconds:.2f} s | {seconds / first:.2f} | {processor:.2f} s | {memory:.0f} MB |")
    return "\n".join(lines) + "\n"
