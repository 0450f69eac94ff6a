"""What is compared: each scenario prepares packages and a server, and returns a Markdown table."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

from bench.large_index import large_repodata
from bench.machine import CHANNEL, SCHEMES, TESTS, Machine
from bench.sink import sink
from bench.table import OURS, RIVAL, Costs, median, table, than_rival, times
from identities import PrivateSigstore
from localchannel import Answer, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bench.measure import Command

_CONCURRENCY = 8
_MB = 1_000_000
_LARGE_INDEX = 300 * _MB
# What an upload takes on the server at least, in seconds, where latency is what is measured.
_LATENCY = 0.2
_DRY_RUN = f"{OURS}, dry run"
# The tools that people compute a SHA-256 with: coreutils' has no processor instructions for it everywhere.
_HASHING = ("sha256sum", "openssl sha256")

_UPLOADERS: Mapping[str, Callable[[Machine, Path, str], Command]] = {
    OURS: Machine.action,
    RIVAL: Machine.rival,
    "requests loop": Machine.loop,
}


def scenarios() -> dict[str, Callable[[Machine], str]]:
    """All of them by their letter."""
    return {
        "a": many_small,
        "b": one_large,
        "c": published_before,
        "d": cold_start,
        "e": validation,
        "f": growth,
        "g": parts,
        "h": attested,
        "i": large_index,
    }


def many_small(machine: Machine) -> str:
    """(a) the network's latency, hidden or not."""
    count = 100
    folder = machine.packages(count, _MB)
    floor = math.ceil(count / _CONCURRENCY) * _LATENCY
    costs: Costs = {}
    for _ in range(machine.rounds):
        for scheme in SCHEMES:
            for name, uploader in _UPLOADERS.items():
                with sink(machine.certificate(scheme), _LATENCY) as url:
                    costs.setdefault(f"{name}, {scheme}", []).append(uploader(machine, folder, url).measure())
                    machine.expect_taken(url, folder)
    title = f"(a) {count} packages of 1 MB, {1000 * _LATENCY:.0f} ms server time each"
    notes = [f"The theoretical minimum, {_CONCURRENCY} at a time, is {floor:.1f} s."]
    notes += [f"{than_rival(costs, s)}, {median(costs[f'{OURS}, {s}']) / floor:.2f} × the minimum." for s in SCHEMES]
    return table(title, costs, notes)


def one_large(machine: Machine) -> str:
    """(b) the bytes themselves, to a server that takes no time for them."""
    folder = machine.packages(1, 1500 * _MB)
    (path,) = folder.iterdir()
    costs: Costs = {}
    notes = []
    for scheme in SCHEMES * machine.rounds:
        for name, uploader in _UPLOADERS.items():
            with sink(machine.certificate(scheme)) as url:
                costs.setdefault(f"{name}, {scheme}", []).append(uploader(machine, folder, url).measure())
                machine.expect_taken(url, folder)
        for tool in _HASHING:
            with sink(machine.certificate(scheme)) as url:
                script = f"{tool} {path} && exec {sys.executable} -I {TESTS}/bench/push.py {url} {path}"
                costs.setdefault(_floor(tool, scheme), []).append(machine.tool(script).measure())
    for scheme in SCHEMES:
        ours = f"{OURS}, {scheme}"
        floors = (f"{times(costs, ours, _floor(tool, scheme))} × {_floor(tool, scheme)}" for tool in _HASHING)
        notes.append(f"{than_rival(costs, scheme)}; {'; '.join(floors)}.")
    return table("(b) one package of 1.5 GB, to a server that keeps nothing", costs, notes)


def _floor(tool: str, scheme: str) -> str:
    return f"`{tool}` and one connection, {scheme}"


def published_before(machine: Machine) -> str:
    """(c) a second run: what it costs to find out that nothing is missing."""
    folder = machine.packages(200, _MB)
    costs: Costs = {}
    notes = []
    for scheme in SCHEMES:
        with machine.server(latency=_LATENCY, tls=machine.tls(scheme)) as server:
            for path in folder.iterdir():
                server.publish(CHANNEL, path)
            for turn in range(machine.rounds):
                for name, uploader in _UPLOADERS.items():
                    before = len(server.requests)
                    costs.setdefault(f"{name}, {scheme}", []).append(uploader(machine, folder, server.url).measure())
                    requests = server.requests[before:]
                    sent = sum(request.body_size for request in requests if "/upload/" in request.path)
                    if not turn:
                        notes.append(
                            f"{name}, {scheme}: {len(requests)} requests, {sent / _MB:.0f} MB of packages sent."
                        )
        notes.append(f"{than_rival(costs, scheme)}.")
    return table("(c) a second run over 200 published packages of 1 MB, 200 ms server time", costs, notes)


def cold_start(machine: Machine) -> str:
    """(d) what there is before any work."""
    folder = machine.packages(1, 1000)
    costs: Costs = {}
    with machine.server() as server:
        for _ in range(4 * machine.rounds):
            action = machine.action(folder, server.url, **{"dry-run": "true"})
            costs.setdefault(_DRY_RUN, []).append(action.measure())
            costs.setdefault("`import requests`", []).append(
                machine.tool(f"{sys.executable} -c 'import requests'").measure()
            )
    notes = [f"{times(costs, _DRY_RUN, '`import requests`')} × the time of importing `requests`."]
    return table("(d) cold start: a dry run with one small package", costs, notes)


def validation(machine: Machine) -> str:
    """(e) full validation against the decoders' own tests."""
    tables = []
    tools = ((".conda", "unzip -p {} 'pkg-*' | zstd -tq"), (".tar.bz2", "bzip2 -t {}"))
    for number, (extension, tool) in enumerate(tools, 1):
        folder = machine.packages(1, 1000 * _MB, extension=extension)
        (path,) = folder.iterdir()
        costs: Costs = {}
        with machine.server() as server:
            for _ in range(machine.rounds):
                action = machine.action(folder, server.url, **{"dry-run": "true"})
                costs.setdefault(_DRY_RUN, []).append(action.measure())
                script = f"{tool.format(path)} && sha256sum {path}"
                costs.setdefault(_shown(tool), []).append(machine.tool(script).measure())
        notes = [f"{times(costs, _DRY_RUN, _shown(tool))} × the time of the tools."]
        tables.append(table(f"(e{number}) full validation of 1 GB in one `{extension}`", costs, notes))
    return "\n".join(tables)


def _shown(tool: str) -> str:
    return f"`{tool.format('…')} && sha256sum`".replace("|", "\\|")


def growth(machine: Machine) -> str:
    """(f) time and memory for more and more packages."""
    costs: Costs = {}
    for count in (10, 100, 1000):
        folder = machine.packages(count, 10_000)
        for _ in range(machine.rounds):
            with machine.server() as server:
                costs.setdefault(f"{count} packages", []).append(machine.action(folder, server.url).measure())
    memory = [max(cost.memory for cost in measured) for measured in costs.values()]
    return table("(f) growth: packages of 10 kB", costs, [f"Memory grows by {memory[-1] - memory[0]:.0f} MB."])


def parts(machine: Machine) -> str:
    """(g) what the time for a large package consists of."""
    (path,) = machine.packages(1, 1500 * _MB).iterdir()
    seconds: dict[str, list[float]] = {}
    for _ in range(machine.rounds):
        reported = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-I", TESTS / "bench" / "parts.py", path], capture_output=True, check=True
        )
        for name, value in json.loads(reported.stdout).items():
            seconds.setdefault(name, []).append(value)
    lines = [
        "### (g) where the time goes: one package of 1.5 GB, in memory",
        "",
        "| Part | Wall clock |",
        "| --- | ---: |",
    ]
    lines += [f"| {name} | {statistics.median(values):.2f} s |" for name, values in seconds.items()]
    return "\n".join(lines) + "\n"


def attested(machine: Machine) -> str:
    """(h) what it costs to sign every package."""
    folder = machine.packages(100, 10_000)
    costs: Costs = {}
    certificates = []
    for _ in range(machine.rounds):
        with machine.server() as server:
            costs.setdefault(OURS, []).append(machine.action(folder, server.url).measure())
        with machine.server() as server, PrivateSigstore() as sigstore:
            command = machine.attested(folder, server.url, sigstore)
            costs.setdefault(f"{OURS}, attested", []).append(command.measure())
            certificates.append(len(sigstore.authority.requests))
    notes = [f"Certificates requested: {', '.join(map(str, sorted(set(certificates))))}."]
    return table("(h) 100 packages of 10 kB, signed or not, with a Sigstore that takes no time", costs, notes)


def large_index(machine: Machine) -> str:
    """(i) waiting for the index of a channel as large as conda-forge's."""
    folder = machine.packages(1, 10_000)
    costs: Costs = {}
    content = large_repodata(folder, _LARGE_INDEX)
    for _ in range(machine.rounds):
        with machine.server() as server:
            costs.setdefault(OURS, []).append(machine.action(folder, server.url).measure())
        with machine.server() as server:
            server.fail(Fault(Answer(200, content), path="/repodata.json", times=None))
            command = machine.action(folder, server.url, **{"wait-for-index": "true"})
            costs.setdefault(f"{OURS}, `wait-for-index`", []).append(command.measure())
    return table(f"(i) one package of 10 kB, and a `repodata.json` of {len(content) / _MB:.0f} MB", costs, [])
