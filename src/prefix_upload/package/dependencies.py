"""Which packages of a batch depend on which others, as far as their metadata shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prefix_upload.package.match_specs import MatchSpec, parse_match_spec
from prefix_upload.package.version_specs import admits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from prefix_upload.package.model import Artifact, Package

Key = tuple[str, str]
"""The subdir and file name of a package."""

_GLOB_CHARACTERS = frozenset("^$?[]{}|")


class Misfit(NamedTuple):
    """A dependency of a package on another package of the batch, no version of which fits."""

    package: Package
    spec: str
    others: Sequence[Package]


class Dependencies(NamedTuple):
    """The dependencies within a batch.

    Attributes:
        needs: for each package, in input order, the packages that have to be on the channel first. Has no cycles.
        cycles: cycles that were broken: each package needs the next one, and the last one needs the first. `needs`
            leaves out what the last one needs of the packages that lead to it.
        misfits: dependencies that nothing in the batch fits.
    """

    needs: Mapping[Key, Sequence[Key]]
    cycles: Sequence[Sequence[Package]]
    misfits: Sequence[Misfit]


def find_dependencies(packages: Sequence[Package]) -> Dependencies:
    """The dependencies of the packages on each other.

    A package needs all others that match one of its match specs and that can be in one environment with it: those of
    its own subdir and noarch ones, or any if it is noarch itself, but none of its own name. Where that is
    unknown, they match.
    """
    by_name: dict[str, list[Package]] = {}
    for package in packages:
        by_name.setdefault(package.name.lower(), []).append(package)
    needs: dict[Key, list[Key]] = {}
    misfits = []
    for package in packages:
        found: dict[Key, None] = {}
        for spec in package.depends:
            match_spec = parse_match_spec(spec)
            others = list(_others(package, by_name.get(match_spec.name, ()))) if match_spec else []
            fitting = [other for other in others if match_spec and fits(match_spec, other)]
            found |= dict.fromkeys(other.key for other in fitting)
            if others and not fitting:
                misfits.append(Misfit(package, spec, others))
        needs[package.key] = sorted(found)
    by_key = {package.key: package for package in packages}
    cycles = [[by_key[key] for key in cycle] for cycle in _break_cycles(needs)]
    return Dependencies(needs, cycles, misfits)


def _others(package: Package, candidates: Sequence[Package]) -> Iterator[Package]:
    for other in candidates:
        are_together = "noarch" in {package.subdir, other.subdir} or package.subdir == other.subdir
        if other.name != package.name and are_together:
            yield other


def fits(spec: MatchSpec, package: Artifact) -> bool:
    """Whether version and build of a package match. A build that is more than a text with `*` is not compared."""
    is_version_right = not spec.version or admits(spec.version, package.version)
    return is_version_right and _fits_build(spec.build, package.build)


def is_plain_build(pattern: str) -> bool:
    """Whether the build of a match spec is a text with `*`, so that `fits` compares it."""
    return not _GLOB_CHARACTERS & set(pattern)


def _fits_build(pattern: str, build: str) -> bool:
    """Whether a build string matches. Patterns with more than '*' are not compared: their evaluation may never end."""
    if not pattern or not is_plain_build(pattern):
        return True
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == build
    *middle, last = rest
    if len(build) < len(first) + len(last) or not (build.startswith(first) and build.endswith(last)):
        return False
    position, end = len(first), len(build) - len(last)
    for part in middle:
        found = build.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def _break_cycles(needs: dict[Key, list[Key]]) -> Iterator[list[Key]]:
    """Removes the dependencies that close cycles, and yields a cycle for each package that loses some of its own.

    Walks from dependent to dependency, and drops those that lead back to where the walk came from. They are the same
    ones whatever the order of the packages is.
    """
    finished: set[Key] = set()
    for start in sorted(needs):
        path = {} if start in finished else {start: iter(needs[start])}
        while path:
            package, left = next(reversed(path.items()))
            following = next((key for key in left if key not in finished and key not in path), None)
            if following is not None:
                path[following] = iter(needs[following])
                continue
            back = next((key for key in needs[package] if key in path), None)
            if back is not None:
                keys = list(path)
                yield keys[keys.index(back) :]
                needs[package] = [key for key in needs[package] if key not in path]
            finished.add(package)
            del path[package]
