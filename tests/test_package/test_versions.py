from __future__ import annotations

import pytest
import rattler
from hypothesis import given
from hypothesis import strategies as st

from prefix_upload.package.versions import compare_versions, has_order, is_prerelease, is_version, starts_with

# Texts that are made of what versions are made of, and those that look like one.
TEXTS = st.one_of(
    st.text("019abz._+!*-", min_size=1, max_size=12),
    st.from_regex(r"([0-9]!)?[0-9a-z]{1,3}([._][0-9a-z]{0,2}){0,4}_?(\+[0-9a-z._]{0,4})?", fullmatch=True),
)


@pytest.mark.parametrize(
    "text",
    [
        "0", "1.0", "1_", "9e", "1.0_", "2024a", "1.1.1w", "7.4.052", "1!1.0", "1.0rc1", "0.1_dev", "dev",
        "2.4.6.post1", "0.6+218_omp", "1.0+local.1", "1_+a", "3.1.20230425144158", "18446744073709551615",
    ],
)  # fmt: skip
def test_versions(text: str) -> None:
    """Versions of real packages, and those at the limits of the grammar."""
    assert is_version(text)
    rattler.Version(text)


@pytest.mark.parametrize(
    "text",
    [
        "", ".post", "1..0", "1!2!3", "1.0+", "x!1.0", "+1", "!1", "1!", "1.", "_1", "1+a+b", "1+.a", "1+a_", "1__0",
        "1._0", "1.0-1", "1.0*", "*", "1 0", "1\n", "1.0A", "caf\u00e9", "\u0661", "18446744073709551616", "1.0__",
    ],
)  # fmt: skip
def test_texts_that_are_not_versions(text: str) -> None:
    """They are not versions by CEP 33, or some client cannot read them."""
    assert not is_version(text)


@given(TEXTS)
def test_every_version_is_one_for_rattler(text: str) -> None:
    """A version that rattler can't parse makes it refuse to index the whole subdir."""
    if is_version(text):
        rattler.Version(text)


@given(
    st.from_regex(
        r"([0-9]!)?[0-9a-z]{1,3}([._][0-9a-z]{1,2}){0,4}_?(\+[0-9a-z]{1,2}([._][0-9a-z]){0,2})?", fullmatch=True
    )
)
def test_the_grammar_is_accepted(text: str) -> None:
    """Nothing that has an epoch, segments and a local version in this order is refused."""
    assert is_version(text)


# Versions that differ in little, so that many of them are equal or begin alike.
SIMILAR = st.from_regex(
    r"(0!|1!)?(0|1|10|a|1a|rc1|dev|post1|1dev)([._](0|1|10|a|0a1|rc1|dev|post1)){0,3}_?(\+(0|1a|b)(\.1)?)?",
    fullmatch=True,
)


@given(SIMILAR, SIMILAR)
def test_versions_are_in_the_order_of_rattler(one: str, other: str) -> None:
    """Epochs, pre-releases, 'dev' and 'post', underscores at the end, and local versions."""
    a, b = rattler.Version(one), rattler.Version(other)
    assert compare_versions(one, other) == (a > b) - (a < b)


@pytest.mark.parametrize(
    ("version", "prefix", "expected"),
    [
        ("1.2", "1.2", True),
        ("1.2.3", "1.2", True),
        ("1", "1.0", True),
        ("1.20", "1.2", False),
        ("1.2", "1.2.1", False),
        ("1.0rc1", "1.0rc", True),
        ("1.0rc1", "1.0r", True),
        ("1.0rc1", "1.0b", False),
        ("1!1.2", "1.2", False),
        ("1.2+cu12.1", "1.2", True),
        ("1.2+cu12.1", "1.2+cu12", True),
        ("1.2.1+cu12", "1.2+cu12", False),
    ],
)
def test_prefixes(version: str, prefix: str, expected: bool) -> None:
    """A version begins with whole segments, but for a text at the end."""
    assert starts_with(version, prefix) is expected


@pytest.mark.parametrize(
    "text",
    ["1.0rc1", "1.0.rc1", "1.0.rc", "1.0a1", "1.0.0b12", "1.0c2", "1.0alpha", "1.0_beta2", "2.0.dev3", "2.0dev", "dev",
     "1.0.RC1", "1!1.0rc1", "1.0rc1.post1", "1.0rc1.dev2", "1.0rc1dev2", "1.0pre", "1.0.preview3", "1.0rc1+local"],
)  # fmt: skip
def test_prereleases(text: str) -> None:
    """A segment is made of the words that stand for it."""
    assert is_prerelease(text)


@pytest.mark.parametrize(
    "text",
    ["1.0", "2024a", "9e", "1.1.1w", "1.1.1a", "1.0.post1", "1.0post", "1_", "1.0+rc1", "1.0.g1a2b3c", "7.4.052",
     "1.0.final", "1.0.r3", "1!1.0", "1.0.devel", "1.0.abc1"],
)  # fmt: skip
def test_releases(text: str) -> None:
    """Letters that are no such word, and the local version, do not make one."""
    assert not is_prerelease(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("1.0RC1", True), ("1" * 64, False), ("9" * 5000, False), ("1..0", False), ("", False)]
)
def test_what_can_be_compared(text: str, expected: bool) -> None:
    """A text of any length and case may be given."""
    assert has_order(text) is expected
