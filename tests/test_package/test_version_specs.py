from __future__ import annotations

import pytest
import rattler
from hypothesis import assume, given
from hypothesis import strategies as st

from prefix_upload.package.version_specs import admits, is_version_spec

VERSIONS = st.from_regex(r"(1!)?[0-3](\.[0-3]){0,2}(rc2|\.dev0|\.post1)?", fullmatch=True)
CLAUSES = st.one_of(
    st.just("*"),
    st.builds(str.__add__, st.sampled_from(["", "==", "!=", ">=", "<=", "<", ">", "~="]), VERSIONS),
    # rattler pads a version with zeros before it looks how it begins: for it, 1rc1 begins with 1.0.
    st.from_regex(r"=[1-3](\.[1-3]){0,2}", fullmatch=True),
    st.from_regex(r"(!=|>=|<=|<|>)?[1-3](\.[1-3])?(\.\*|\*)", fullmatch=True),
)
SPECS = st.recursive(
    CLAUSES,
    lambda specs: st.one_of(
        st.lists(specs, min_size=2, max_size=3).map(",".join),
        st.lists(specs, min_size=2, max_size=3).map("|".join),
        specs.map("({})".format),
    ),
    max_leaves=5,
)


@given(SPECS, VERSIONS)
def test_a_version_is_admitted_where_rattler_admits_it(spec: str, version: str) -> None:
    """Operators, globs, and groups."""
    assume(is_version_spec(spec))
    assert admits(spec, version) is rattler.VersionSpec(spec).matches(rattler.Version(version))


@pytest.mark.parametrize(
    ("spec", "version", "expected"),
    [
        ("1.0", "1.0.0", True),
        ("1.0", "1.0.1", False),
        ("1.0.*", "1.0.1", True),
        ("1.0*", "1.0.1", True),
        ("=1.0", "1.0.1", True),
        ("==1.0", "1.0.1", False),
        (">=1,<2|>3", "2.5", False),
        (">=1,<2|>3", "3.1", True),
        (">=1,(<2|>3)", "0.5", False),
        ("( >=1 , <2 ) | 7", "7", True),
        ("~=1.2.3", "1.2.10", True),
        ("~=1.2.3", "1.3", False),
        ("!=1.0.*", "1.0.5", False),
        (">=3.8,<3.9.0a0", "3.9.0rc1", False),
        ("2023.*.*", "2023.4.1", True),
        (">=*", "1", True),
    ],
)
def test_what_recipes_write(spec: str, version: str, expected: bool) -> None:
    """The forms that stand in real packages."""
    assert is_version_spec(spec)
    assert admits(spec, version) is expected
