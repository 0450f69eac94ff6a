"""Which files of a channel go, and which stay whatever happens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefix_upload.package.retention import Plan, Rules, make_plan
from prefix_upload.package.selectors import Glob, parse_selector
from support.files import NOW, channel_file, going_by_the_model, made_up

if TYPE_CHECKING:
    from prefix_upload.package.channel_file import ChannelFile

DELETING = Rules(keeps_newest=True)


def plan(files: list[ChannelFile], *texts: str, rules: Rules = DELETING) -> Plan:
    """The plan for these selectors; by default that of a deletion."""
    return make_plan(files, [parse_selector(text) for text in texts or ("*",)], rules, NOW)


def going(files: list[ChannelFile], *texts: str, rules: Rules = DELETING) -> list[str]:
    """The names of the files that go."""
    return [choice.file.file_name for choice in plan(files, *texts, rules=rules).chosen]


def files_of(*versions: str, build: str = "0", **changes: Any) -> list[ChannelFile]:
    """A file of `demo` for each version."""
    return [channel_file(f"demo-{version}-{build}.conda", **changes) for version in versions]


@given(
    seed=st.integers(0, 2**32),
    keep_last=st.none() | st.integers(1, 20),
    days=st.none() | st.integers(0, 100),
    only_prerelease=st.booleans(),
    ignore=st.sampled_from([(), (Glob("p3"),)]),
)
@settings(max_examples=6)
def test_exactly_what_the_rules_say_goes(
    seed: int, keep_last: int | None, days: int | None, only_prerelease: bool, ignore: tuple[Glob, ...]
) -> None:
    """Of 2,000 files, whatever their order: all that each rule lets go, and nothing else."""
    files = made_up(seed, 2000)
    older_than = None if days is None else timedelta(days=days)
    rules = Rules(ignore, keep_last, older_than, only_prerelease, keeps_newest=True)
    named = {file.file_name for file in files[:50]}
    result = plan(files, "*", *sorted(named), rules=rules)
    expected = {file.key for file in going_by_the_model(files, rules, NOW, named)}
    assert {choice.file.key for choice in result.chosen} == expected
    assert len(result.chosen) + sum(result.kept.values()) == len(files)


def test_versions_are_counted_not_files() -> None:
    """All builds of the versions that stay do, and equal versions are one."""
    files = [*files_of("1", "2", "3", "3.0"), *files_of("1", "2", "3", build="1")]
    assert going(files, rules=Rules(keep_last=2)) == ["demo-1-0.conda", "demo-1-1.conda"]


def test_versions_are_in_the_order_of_conda() -> None:
    """Neither that of the alphabet nor that of their age."""
    files = files_of("1.10", "1.9", "1.9.post1", "1.10rc1", "1.10.dev1", "1!0.1")
    expected = ["demo-1.9-0.conda", "demo-1.9.post1-0.conda", "demo-1.10rc1-0.conda", "demo-1.10.dev1-0.conda"]
    assert going(files, rules=Rules(keep_last=2)) == expected


def test_subdirs_are_counted_apart() -> None:
    """A platform that lags behind keeps its last versions."""
    files = [*files_of("1", "2", "3"), *files_of("1", "2", subdir="linux-64")]
    assert [choice.file.label for choice in plan(files, rules=Rules(keep_last=2)).chosen] == ["noarch/demo-1-0.conda"]


def test_the_newest_version_stays() -> None:
    """Unless its file is named; a pattern or a match spec is not a name."""
    files = files_of("1", "2")
    assert going(files, "demo-*") == going(files, "demo ==1", "demo ==2") == ["demo-1-0.conda"]
    assert going(files, "*", "demo-2-0.conda") == ["demo-1-0.conda", "demo-2-0.conda"]
    assert going(files, rules=Rules()) == ["demo-1-0.conda", "demo-2-0.conda"]


@pytest.mark.parametrize("withheld", ["yanked (broken)", "hidden", "quarantined"])
def test_what_solvers_do_not_get_is_no_newer_version(withheld: str) -> None:
    """It stays, and so does what solvers get in its place."""
    files = [*files_of("1", "2"), *files_of("3", withheld=withheld)]
    assert going(files, rules=Rules(keep_last=1, keeps_newest=True)) == ["demo-1-0.conda"]


def test_both_rules_have_to_let_a_file_go() -> None:
    """Old and not among the last."""
    files = [*files_of("1", "4", days=40), *files_of("2", "3", days=2)]
    assert going(files, rules=Rules(keep_last=1, older_than=timedelta(days=30))) == ["demo-1-0.conda"]
    assert going(files, rules=Rules(older_than=timedelta(days=30))) == ["demo-1-0.conda", "demo-4-0.conda"]


def test_ages() -> None:
    """A file goes after that time, not at it; and not if the server does not say when it was added."""
    files = [*files_of("1", days=30), *files_of("2", days=30.01), *files_of("3", created=None)]
    assert going(files, rules=Rules(older_than=timedelta(days=30))) == ["demo-2-0.conda"]


@pytest.mark.parametrize("pattern", ["demo", "dem?", "demo-1-0.conda", "noarch/*", "Demo", "NoArch/demo-[0-9]-*"])
def test_what_is_ignored_stays(pattern: str) -> None:
    """Whether a pattern is for the package or for the file, in any case, and even if the file is named."""
    files = files_of("1", "2")
    result = plan(files, "demo-1-0.conda", rules=Rules(ignore=(Glob(pattern),)))
    assert (result.chosen, result.kept) == ([], {"ignored": 1})


@pytest.mark.parametrize("version", ["9" * 5000, "1..0", "99999999999999999999"])
def test_versions_that_can_not_be_compared(version: str) -> None:
    """They stay if a rule depends on the order, count as no version, and go if they are named."""
    files = [*files_of("1", "2"), channel_file("demo-0-x.conda", version=version)]
    assert going(files, rules=Rules(keep_last=1)) == ["demo-1-0.conda"]
    assert going(files, "demo-0-x.conda") == ["demo-0-x.conda"]


def test_reasons() -> None:
    """The rules that let a file go, or else what selects it."""
    (file,) = files = files_of("1rc1", days=40)
    files += files_of("2")
    rules = Rules(keep_last=1, older_than=timedelta(days=30), only_prerelease=True)
    assert file.file_name == "demo-1rc1-0.conda"
    reasons = [
        plan(files, *texts, rules=each).chosen[0].reason
        for texts, each in [
            (["demo <2"], DELETING),
            (["*", "demo-1rc1-0.conda"], DELETING),
            (["*"], rules),
            (["*"], Rules(keep_last=1)),
            (["*"], Rules(older_than=timedelta(days=1))),
        ]
    ]
    assert reasons == [
        "matches 'demo <2'",
        "selected by name",
        "prerelease, not the latest version, added 40 days ago",
        "not the latest version",
        "added 40 days ago",
    ]


def test_what_is_kept_is_counted() -> None:
    """By the first reason that there is."""
    files = [
        *files_of("1", "2rc1", days=40),
        *files_of("3rc1", created=None),
        *files_of("4rc1"),
        *files_of("5rc1", days=40),
    ]
    files += [channel_file("other-1rc1-0.conda", days=40)]
    rules = Rules(older_than=timedelta(days=30), only_prerelease=True, keeps_newest=True)
    result = plan(files, "demo", rules=rules)
    assert [choice.file.version for choice in result.chosen] == ["2rc1"]
    assert result.kept == {"not a prerelease": 1, "of unknown age": 1, "too recent": 1, "newest version": 1}


def test_selectors_that_match_nothing() -> None:
    """They are probably mistyped."""
    selectors = [parse_selector(text) for text in ("demo", "dema", "demo-9-*", "demo-1-0.conda")]
    assert [each.text for each in make_plan(files_of("1"), selectors, Rules(), NOW).unmatched] == ["dema", "demo-9-*"]
