"""Files of a channel, made up, and a plain model of which of them go."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from rattler import Version

from prefix_upload.package.channel_file import ChannelFile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from prefix_upload.package.retention import Rules

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
# What a version may end with, and whether that makes it one before a release.
ENDS = {"": False, "rc1": True, ".dev3": True, "a1": True, "b": False, ".post1": False, "+a1": False, "_": False}


def channel_file(file_name: str, subdir: str = "noarch", *, days: float = 0, **changes: Any) -> ChannelFile:
    """The file of this name, added so many days ago."""
    name, version, build = file_name.removesuffix(".conda").removesuffix(".tar.bz2").rsplit("-", 2)
    fields: dict[str, Any] = {
        "file_name": file_name,
        "name": name,
        "version": version,
        "build": build,
        "build_number": 0,
        "subdir": subdir,
        "size": 1000,
        "sha256": "a" * 64,
        "created": NOW - timedelta(days=days),
    }
    return ChannelFile(**fields | changes)


def made_up(seed: int, count: int) -> list[ChannelFile]:
    """So many files, of a few packages, in many versions and builds."""
    rng = random.Random(seed)
    files: dict[tuple[str, str], ChannelFile] = {}
    while len(files) < count:
        number = f"{rng.randrange(3)}.{rng.randrange(12)}{rng.choice(['', '.0'])}{rng.choice(list(ENDS))}"
        name, build, subdir = f"p{rng.randrange(12)}", rng.randrange(4), rng.choice(["noarch", "linux-64", "osx-64"])
        file = channel_file(
            f"{name}-{number}-{build}.conda", subdir, days=rng.randrange(100), size=rng.randrange(10**6)
        )
        if rng.random() < 0.1:
            file = file.replace(withheld="yanked")
        if rng.random() < 0.1:
            file = file.replace(created=None)
        files[file.key] = file
    return rng.sample(list(files.values()), count)


@cache
def _read(text: str) -> Version:
    """A version as rattler reads it."""
    return Version(text)


def _version(file: ChannelFile) -> Version:
    """The version of a file."""
    return _read(file.version)


def _stays(file: ChannelFile, files: Sequence[ChannelFile], rules: Rules, now: datetime, *, is_named: bool) -> bool:
    """Whether a rule keeps a file that is selected, of these files of its package."""
    newer = [other for other in files if not other.withheld and _version(other) > _version(file)]
    in_subdir: list[Version] = []
    for other in newer:
        if other.subdir == file.subdir and all(_version(other) != known for known in in_subdir):
            in_subdir.append(_version(other))
    end = max((end for end in ENDS if file.version.endswith(end)), key=len)
    return (
        any(pattern.text == file.name for pattern in rules.ignore)
        or (rules.only_prerelease and not ENDS[end])
        or (rules.keep_last is not None and len(in_subdir) < rules.keep_last)
        or (rules.older_than is not None and (file.created is None or now - file.created <= rules.older_than))
        or (rules.keeps_newest and not is_named and not newer)
    )


def going_by_the_model(
    files: Sequence[ChannelFile], rules: Rules, now: datetime, named: Collection[str] = ()
) -> Iterator[ChannelFile]:
    """Yields the files that go if all are selected, and these by name. Rattler compares the versions."""
    by_package: dict[str, list[ChannelFile]] = {}
    for file in files:
        by_package.setdefault(file.name, []).append(file)
    for file in files:
        if not _stays(file, by_package[file.name], rules, now, is_named=file.file_name in named):
            yield file
