"""Which files of a channel go, and why. Nothing here does I/O.

A file goes if a selector chooses it and every rule lets it go: the rules combine to what all of them allow.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from functools import cmp_to_key
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from prefix_upload.package.selectors import FileSelector, Glob, Selector
from prefix_upload.package.versions import compare_versions, has_order, is_prerelease

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from prefix_upload.package.channel_file import ChannelFile

_version_key = cmp_to_key(compare_versions)


class Rules(NamedTuple):
    """What restricts a choice of files.

    Attributes:
        ignore: patterns for names of files, or of packages, that stay whatever the other rules say.
        keep_last: how many versions of each package stay in each subdir; `None` for no such rule.
        older_than: how long ago a file that goes was added to the channel; `None` for no such rule.
        only_prerelease: whether only versions before a release go.
        keeps_newest: whether the newest version of each package stays, except for files that are selected by name.
    """

    ignore: tuple[Glob, ...] = ()
    keep_last: int | None = None
    older_than: timedelta | None = None
    only_prerelease: bool = False
    keeps_newest: bool = False


class Choice(NamedTuple):
    """A file that goes, and why."""

    file: ChannelFile
    reason: str


class Plan(NamedTuple):
    """What is to happen to the files of a channel.

    Attributes:
        chosen: the files that go: by package, subdir and version, the oldest version first.
        kept: how many of the selected files stay, by reason.
        unmatched: the selectors that match no file.
    """

    chosen: Sequence[Choice]
    kept: Mapping[str, int]
    unmatched: Sequence[Selector]


def make_plan(files: Sequence[ChannelFile], selectors: Sequence[Selector], rules: Rules, now: datetime) -> Plan:
    """Chooses files.

    Args:
        files: all files of each package that the selectors can match: without the others, it is unknown which
            versions are the last ones.
        selectors: choose files; the first one that matches is the reason.
        rules: restrict that.
        now: the time that ages are counted to, with a time zone.
    """
    newer = _NewerVersions(files)
    chosen, kept, matched = [], Counter[str](), set()
    for file in sorted(files, key=_order):
        matching = [selector for selector in selectors if selector.matches(file)]
        matched.update(matching)
        if not matching:
            continue
        # The name of a file means that file.
        selector = next((one for one in matching if isinstance(one, FileSelector)), matching[0])
        why_kept = next(_reasons_to_keep(file, selector, rules, newer, now), "")
        if why_kept:
            kept[why_kept] += 1
        else:
            chosen.append(Choice(file, _reason(file, selector, rules, now)))
    return Plan(chosen, kept, [selector for selector in selectors if selector not in matched])


class _NewerVersions:
    """Counts newer versions. Those that solvers do not get, because they are yanked for example, do not count."""

    def __init__(self, files: Iterable[ChannelFile]) -> None:
        versions: dict[tuple[str, str], set[str]] = {}
        for file in files:
            if not file.withheld and has_order(file.version):
                for group in ((file.name, file.subdir), (file.name, "")):
                    versions.setdefault(group, set()).add(file.version)
        self._sorted = {group: _distinct(found) for group, found in versions.items()}

    def count(self, file: ChannelFile, subdir: str = "") -> int:
        """How many newer versions of its package there are in a subdir, or ("") in any."""
        found = self._sorted.get((file.name, subdir), ())
        return len(found) - bisect_right(found, _version_key(file.version))


def _distinct(versions: Iterable[str]) -> list[Any]:
    """Sort keys of the versions, the oldest first. Of equal ones, such as '1.0' and '1.0.0', there is only one."""
    return [key for key, _ in groupby(sorted(map(_version_key, versions)))]


def _order(file: ChannelFile) -> tuple[object, ...]:
    version = (1, _version_key(file.version)) if has_order(file.version) else (0, file.version)
    return file.name, file.subdir, version, file.build_number, file.file_name


def _reasons_to_keep(
    file: ChannelFile, selector: Selector, rules: Rules, newer: _NewerVersions, now: datetime
) -> Iterator[str]:
    if any(pattern.matches_package(file) for pattern in rules.ignore):
        yield "ignored"
    is_named = isinstance(selector, FileSelector)
    needs_order = rules.only_prerelease or rules.keep_last is not None or (rules.keeps_newest and not is_named)
    if needs_order and not has_order(file.version):
        yield "version that can't be compared"
        return
    if rules.only_prerelease and not is_prerelease(file.version):
        yield "not a prerelease"
    if rules.keep_last is not None and newer.count(file, file.subdir) < rules.keep_last:
        yield f"among the latest {rules.keep_last} versions" if rules.keep_last > 1 else "the latest version"
    if rules.older_than is not None and file.created is None:
        yield "of unknown age"
    elif rules.older_than is not None and file.created is not None and now - file.created <= rules.older_than:
        yield "too recent"
    if rules.keeps_newest and not is_named and newer.count(file) == 0:
        yield "newest version"


def _reason(file: ChannelFile, selector: Selector, rules: Rules, now: datetime) -> str:
    """Why a file goes: the rules that let it go, or else what selects it."""
    reasons = []
    if rules.only_prerelease:
        reasons.append("prerelease")
    if rules.keep_last is not None:
        reasons.append(
            "not the latest version" if rules.keep_last == 1 else f"not among the latest {rules.keep_last} versions"
        )
    if rules.older_than is not None and file.created is not None:
        days = (now - file.created).days
        reasons.append(f"added {days} days ago" if days > 1 else f"added on {file.created:%Y-%m-%d %H:%M}")
    is_named = isinstance(selector, FileSelector)
    return ", ".join(reasons) or ("selected by name" if is_named else f"matches '{selector.text}'")
