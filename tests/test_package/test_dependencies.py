from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefix_upload.package.dependencies import find_dependencies
from support.packages import make_package

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from prefix_upload.package.model import Package


def package(name: str, *depends: str, version: str = "1.0", build: str = "h0_0", subdir: str = "noarch") -> Package:
    return make_package(
        name=name,
        version=version,
        build=build,
        subdir=subdir,
        depends=depends,
        file_name=f"{name}-{version}-{build}.conda",
    )


def needed(packages: Sequence[Package]) -> list[str]:
    """What the last of them needs."""
    return [file_name for _, file_name in find_dependencies(packages).needs[packages[-1].key]]


def test_packages_without_dependencies_on_each_other() -> None:
    """Each needs nothing, and they stay in their order."""
    packages = [package("b", "python >=3"), package("a", "b-other", "bb"), package("c")]
    found = find_dependencies(packages)
    assert list(found.needs.items()) == [(each.key, []) for each in packages]
    assert (found.cycles, found.misfits) == ([], [])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("lib", ["lib-1.0-py310_0.conda", "lib-1.0-py311_0.conda", "lib-2.0-py311_0.conda"]),
        ("LIB", ["lib-1.0-py310_0.conda", "lib-1.0-py311_0.conda", "lib-2.0-py311_0.conda"]),
        ("lib >=2", ["lib-2.0-py311_0.conda"]),
        ("lib <2", ["lib-1.0-py310_0.conda", "lib-1.0-py311_0.conda"]),
        ("lib 1.0 py310_0", ["lib-1.0-py310_0.conda"]),
        ("lib * py310*", ["lib-1.0-py310_0.conda"]),
        ("lib * *311*0", ["lib-1.0-py311_0.conda", "lib-2.0-py311_0.conda"]),
        ("lib[version='>=2,<3']", ["lib-2.0-py311_0.conda"]),
        ("conda-forge::lib ~=1.0", ["lib-1.0-py310_0.conda", "lib-1.0-py311_0.conda"]),
        ("lib * ^.*310.*$", ["lib-1.0-py310_0.conda", "lib-1.0-py311_0.conda", "lib-2.0-py311_0.conda"]),
        ("lib; no match spec; at all", []),
    ],
)
def test_versions_and_builds(spec: str, expected: list[str]) -> None:
    """A dependency is on what matches, and on what may match: a regular expression is not evaluated."""
    batch = [
        package("lib", build="py310_0"),
        package("lib", build="py311_0"),
        package("lib", version="2.0", build="py311_0"),
        package("app", spec),
    ]
    assert needed(batch) == expected


@pytest.mark.parametrize(
    ("pattern", "builds"),
    [("a*a", ["aa", "aba"]), ("a*", ["a", "aa", "aba"]), ("*b*", ["aba"]), ("a*b*b", []), ("*", ["a", "aa", "aba"])],
)
def test_globs(pattern: str, builds: list[str]) -> None:
    """The parts between the '*' do not overlap."""
    batch = [*(package("lib", build=build) for build in ("a", "aa", "aba")), package("app", f"lib * {pattern}")]
    assert needed(batch) == [f"lib-1.0-{build}.conda" for build in builds]


@pytest.mark.parametrize(
    ("subdir", "expected"),
    [("linux-64", ["linux-64", "noarch"]), ("noarch", ["linux-64", "noarch", "win-64"]), ("osx-64", ["noarch"])],
)
def test_subdirs(subdir: str, expected: list[str]) -> None:
    """What can't be in one environment does not depend on each other."""
    batch = [package("lib", subdir=each) for each in ("linux-64", "noarch", "win-64")]
    app = package("app", "lib", subdir=subdir)
    found = find_dependencies([app, *batch])
    assert [key[0] for key in found.needs[app.key]] == expected


def test_no_version_fits() -> None:
    """The batch has the package by name, which is worth a warning; it does not wait for it."""
    lib, app = package("lib"), package("app", "lib >=2", "python")
    found = find_dependencies([app, lib])
    assert found.needs == {app.key: [], lib.key: []}
    (misfit,) = found.misfits
    assert (misfit.package, misfit.spec, misfit.others) == (app, "lib >=2", [lib])


def test_a_package_does_not_need_itself() -> None:
    """Nor another version of itself, which can't be in one environment with it."""
    found = find_dependencies([package("lib", "lib", "lib >=2"), package("lib", version="2.0")])
    assert (list(found.needs.values()), found.cycles, found.misfits) == ([[], []], [], [])


def test_a_cycle_is_broken_in_one_place() -> None:
    """And in the same one, whatever the order of the packages is."""
    a, b, c = package("a", "b"), package("b", "c"), package("c", "a")
    for batch in ([a, b, c], [c, a, b], [b, c, a]):
        found = find_dependencies(batch)
        assert found.needs == {a.key: [b.key], b.key: [c.key], c.key: []}
        assert found.cycles == [[a, b, c]]


@given(
    st.lists(st.lists(st.integers(0, 7), unique=True, max_size=4), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_any_dependencies_can_be_put_in_order(depends: list[list[int]], random: Random) -> None:
    """Nothing is dropped where there is no cycle, and the same dependencies are in any order of the batch."""
    batch = [package(f"p{number}", *(f"p{other}" for other in others)) for number, others in enumerate(depends)]
    found = find_dependencies(batch)
    list(TopologicalSorter(found.needs).static_order())
    names = {f"p{number}" for number in range(len(batch))}
    graph = {each.name: {spec for spec in each.depends if spec in names and spec != each.name} for each in batch}
    kept = {
        key[1].partition("-")[0]: {other[1].partition("-")[0] for other in others}
        for key, others in found.needs.items()
    }
    dropped = [(name, other) for name, others in graph.items() for other in others - kept[name]]
    assert sorted(cycle[-1].name for cycle in found.cycles) == sorted({name for name, _ in dropped})
    for cycle in found.cycles:
        assert all(other.name in graph[each.name] for each, other in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError:
        assert dropped
    else:
        assert not dropped
    random.shuffle(batch)
    assert find_dependencies(batch).needs == found.needs
