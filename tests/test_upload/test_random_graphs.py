"""Random dependencies between the packages of a run: what is on the channel is never without what it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import pytest

from localchannel import Answer, Fault
from prefix_upload.status import Status
from support.building import conda_bytes, index_of, tar_member, written
from support.running import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from localchannel import LocalChannel
    from support.publishing import Publish

# Specs of other packages of the run, and one of a version that it does not have.
SPECS = ("{}", "{} 1.0", "{} >=0.5,<2", "{} 1.0 h0_0", "{} * h*", '{}[version=">=1"]', "somewhere::{}")
ABSENT = "{} >=2"
SUBDIRS = ("noarch", "noarch", "linux-64", "osx-64")
IS_THERE = frozenset({Status.UPLOADED, Status.ALREADY_PRESENT, Status.SAME_CONTENT})


@dataclass
class Node:
    """A package of a random run, and how it is meant to end."""

    name: str
    subdir: str
    specs: list[str] = field(default_factory=list)
    needs: list[Node] = field(default_factory=list)
    end: Status = Status.UPLOADED
    is_taken: bool = False

    @property
    def key(self) -> str:
        """The subdir and the file name, as the server lists them."""
        return f"{self.subdir}/{self.name}-1.0-h0_0.conda"

    def write(self, folder: Path, *, timestamp: int = 0, content: bytes = b"") -> Path:
        """The package in a folder."""
        stem = f"{self.name}-1.0-h0_0"
        index = index_of(stem, subdir=self.subdir, depends=self.specs, timestamp=timestamp)
        data = conda_bytes(stem, index=index, payload_members=[tar_member("share/demo.txt", content)])
        return written(folder / self.key, data)

    @property
    def expected(self) -> Status:
        """How it ends if others fail as they are meant to."""
        if self.end in {Status.ALREADY_PRESENT, Status.SAME_CONTENT}:
            return self.end
        # Its name is taken by other contents, which is known before anything is uploaded.
        if self.end is Status.FAILED and self.is_taken:
            return Status.FAILED
        return self.end if all(need.expected in IS_THERE for need in self.needs) else Status.NOT_ATTEMPTED


def graph(random: Random) -> list[Node]:
    """Packages, each of which may need those before it; in any order, under any names."""
    names = random.sample([f"{letter}{number}" for letter in "abcde" for number in range(5)], random.randint(2, 12))
    nodes = [Node(name, random.choice(SUBDIRS)) for name in names]
    density = random.choice([0.1, 0.3, 0.6])
    for number, node in enumerate(nodes):
        for other in nodes[:number]:
            if random.random() >= density:
                continue
            spec = random.choice([*SPECS, ABSENT])
            node.specs.append(spec.format(other.name))
            are_together = node.subdir == other.subdir or "noarch" in {node.subdir, other.subdir}
            if spec != ABSENT and are_together:
                node.needs.append(other)
    random.shuffle(nodes)
    return nodes


def prepare(nodes: Iterable[Node], random: Random, server: LocalChannel, elsewhere: Path) -> list[str]:
    """Lets some packages be there already, and others fail. Returns what is on the channel."""
    for node in nodes:
        match random.choices(["new", "there", "same", "taken", "refused"], [6, 1, 1, 1, 1])[0]:
            case "there":
                node.end = Status.ALREADY_PRESENT
                server.publish(CHANNEL, node.write(elsewhere))
            case "same":
                node.end = Status.SAME_CONTENT
                server.publish(CHANNEL, node.write(elsewhere, timestamp=1))
            case "taken":
                node.end, node.is_taken = Status.FAILED, True
                server.publish(CHANNEL, node.write(elsewhere, content=b"other"))
            case "refused":
                node.end = Status.FAILED
                server.fail(Fault(Answer(422, "no"), file=node.write(elsewhere).name))
    return list(server.files(CHANNEL))


@pytest.mark.parametrize("seed", range(40))
def test_random_dependencies(
    server: LocalChannel, publish: Publish, workspace: Path, tmp_path: Path, seed: int
) -> None:
    """A package comes after all that it needs, and exactly what needs a failed one is not attempted."""
    random = Random(seed)
    nodes = graph(random)
    before = prepare(nodes, random, server, tmp_path / "elsewhere")
    paths = [node.write(workspace) for node in nodes]
    planned = publish(*paths, dry_run="true").statuses
    assert list(server.files(CHANNEL)) == before
    # What the server refuses shows when it is uploaded.
    if all(node.is_taken or node.end is not Status.FAILED for node in nodes):
        would = {Status.UPLOADED: Status.WOULD_UPLOAD}
        assert planned == {node.key: would.get(node.expected, node.expected) for node in nodes}
    run = publish(*paths, concurrency=str(random.choice([1, 2, 8])))
    assert run.statuses == {node.key: node.expected for node in nodes}
    # The server lists packages in the order of their arrival.
    arrived = list(server.files(CHANNEL))
    by_key = {node.key: node for node in nodes}
    for position, key in enumerate(arrived):
        if key not in before:
            assert {need.key for need in by_key[key].needs} <= set(arrived[:position])
    assert {node.key for node in nodes if node.expected is Status.UPLOADED} == set(arrived) - set(before)


@pytest.mark.parametrize("seed", range(15))
def test_random_dependencies_with_cycles(server: LocalChannel, publish: Publish, workspace: Path, seed: int) -> None:
    """Whatever depends on whatever, also on itself: only what may depend on a failed package is not attempted."""
    random = Random(seed)
    # Several packages have the same name, in subdirs of their own.
    nodes = [Node(name, subdir) for name in "abcde" for subdir in random.sample(SUBDIRS[1:], random.randint(1, 3))]
    for node in nodes:
        node.specs = random.choices("abcdef", k=random.randint(0, 3))
    failing = random.sample("abcde", seed % 3)
    for name in failing:
        server.fail(Fault(Answer(422, "no"), file=f"{name}-1.0-h0_0.conda", times=None))
    run = publish(*(node.write(workspace) for node in nodes))
    reached = set(failing)
    for _ in nodes:
        reached |= {node.name for node in nodes if reached & set(node.specs)}
    for node in nodes:
        if node.name in failing:
            assert run.statuses[node.key] in {Status.FAILED, Status.NOT_ATTEMPTED}
        elif node.name not in reached:
            assert run.statuses[node.key] is Status.UPLOADED
        else:
            assert run.statuses[node.key] in {Status.UPLOADED, Status.NOT_ATTEMPTED}
    assert not failing or Status.FAILED in run.statuses.values()


def test_the_graphs_are_of_all_kinds() -> None:
    """With and without dependencies, wide and deep."""
    sizes = {sum(len(node.needs) for node in graph(Random(seed))) for seed in range(40)}
    assert 0 in sizes
    assert max(sizes) > 20
