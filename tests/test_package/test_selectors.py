"""How users choose files of a channel."""

from __future__ import annotations

import pytest

from prefix_upload.package.selectors import FileSelector, Glob, SelectorError, SpecSelector, names_in, parse_selector
from support.files import channel_file

FILES = [
    channel_file("demo-1.0-h0_0.conda"),
    channel_file("demo-1.0-h0_0.tar.bz2"),
    channel_file("demo-1.1-h0_0.conda", "linux-64"),
    channel_file("demo-1.1-h0_debug.conda", "linux-64"),
    channel_file("demo-extra-1.0-h0_0.conda", "linux-64"),
    channel_file("other-2.0-h0_0.conda"),
]


def selected(text: str) -> list[str]:
    """The files that a selector chooses."""
    selector = parse_selector(text)
    return [file.label for file in FILES if selector.matches(file)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("demo-1.0-h0_0.conda", [0]),
        ("noarch/demo-1.0-h0_0.conda", [0]),
        ("linux-64/demo-1.0-h0_0.conda", []),
        ("demo-1.0-*", [0, 1]),
        ("demo-1.?-*.conda", [0, 2, 3]),
        ("demo-1.[1-9]*", [2, 3]),
        ("linux-64/*", [2, 3, 4]),
        ("*", [0, 1, 2, 3, 4, 5]),
        ("DEMO-*", []),
        ("demo", [0, 1, 2, 3]),
        ("Demo", [0, 1, 2, 3]),
        ("demo-extra", [4]),
        ("demo 1.0", [0, 1]),
        ("demo ==1.0", [0, 1]),
        ("demo >1.0", [2, 3]),
        ("demo >1.0,<1.1|1.0", [0, 1]),
        ("demo=1", [0, 1, 2, 3]),
        ("demo 1.* *_debug", [3]),
        ("demo * h0_0", [0, 1, 2]),
    ],
)
def test_what_a_selector_chooses(text: str, expected: list[int]) -> None:
    """By the name of a file, by a pattern for it, or by a match spec."""
    assert selected(text) == [FILES[number].label for number in expected]


@pytest.mark.parametrize(
    "text",
    [
        "demo[subdir=linux-64]",
        "demo[version='>1']",
        "conda-forge::demo",
        "conda-forge/linux-64::demo",
        "demo # all of it",
        "demo 1.0 ^h0_[0-9]$",
        "demo 1.0 h?_0",
        "demo 1.0 [ab]*",
        "demo >",
        "!demo",
        "demo/extra",
        "a/b/demo-1.0-h0_0.conda",
        "demo.conda",
        "https://prefix.dev/octo/noarch/demo.conda",
        "demo * * *",
        "'demo'",
        "",
        "[",
        "demo-1.0-h0_0.conda " * 2,
    ],
)
def test_what_is_no_selector(text: str) -> None:
    """A part of it that would not be compared must not choose more than was meant."""
    with pytest.raises(SelectorError) as caught:
        parse_selector(text if text != "[" else "[ a")
    assert caught.value.hint


@pytest.mark.parametrize("version", ["9" * 5000, "1..0", "", "x" * 65, "99999999999999999999"])
def test_versions_that_can_not_be_compared(version: str) -> None:
    """A server may have anything: such a version fits a spec without one only."""
    file = channel_file("demo-1.0-h0_0.conda", version=version)
    assert parse_selector("demo").matches(file)
    assert not parse_selector("demo >0").matches(file)
    assert not parse_selector("demo *").matches(file)


def test_kinds() -> None:
    """Only a name means a single file."""
    kinds = [type(parse_selector(text)) for text in ("demo-1.0-h0_0.conda", "demo-1.0-h0_0.*", "demo ==1.0")]
    assert kinds == [FileSelector, Glob, SpecSelector]


def test_names() -> None:
    """The packages that have to be listed, unless it may be any of them."""
    selectors = [parse_selector(text) for text in ("demo >1", "other-2.0-h0_0.conda", "demo 1.0")]
    assert names_in(selectors) == ["demo", "other"]
    assert names_in([*selectors, parse_selector("dem*")]) is None
