from __future__ import annotations

import pytest
import rattler
from hypothesis import given
from hypothesis import strategies as st
from rattler.exceptions import InvalidMatchSpecError

from prefix_upload.package.match_specs import MatchSpec, is_match_spec, parse_match_spec

REAL = """
python
python 2.7*
python >=3.8,<3.9.0a0
python >=3.8,<3.9.0a0 *_cpython
python >=3.5,<3.6.0a0,!=3.5.1
python_abi 3.8.* *_cp38
numpy>=1.11
numpy >=1.11.*
numpy >=1.11, <2
numpy >= 1.11
foo 1.0 0
foo 1.0.* py27_0
foo >=1.0,<2.0|>3
foo 3.8.*|3.9.*
foo (>=1,<2)|>3
foo =1.2
foo =1.2.*
foo ==1.0 *_cuda
foo ==1.14.0=mkl_py37h7ce6ba3_0
foo=1.0=py27_0
foo ~=1.0.0
foo 1!2.*
foo >=1.0+cu
foo 2023.*.*
foo *
foo * *
foo * ^py3.$
blas * openblas
blas 1.1 openblas
pytorch * *cpu*
pytorch-gpu * cuda*|cpu*
openssl >=1.1.1a,<1.1.2a
_libgcc_mutex 0.1 conda_forge
_openmp_mutex >=4.5
__glibc >=2.17,<3.0.a0
gcc_impl_linux-64 12.3.0.*
vc >=14,<15.0a0
FOO >=1
defaults::foo
conda-forge::foo >=1
conda-forge/linux-64::foo
https://conda.anaconda.org/conda-forge::foo
https://example.com/linux-64/foo-1.0-0.conda
foo[version='>=1.0']
foo[version=">=1,<2",build="*cuda*"]
foo >=1[build=*cuda*]
foo[extras=[a,b]]
foo[when="python >=3.6 and (__unix or __win)"]
foo[flags=[cuda]]
foo >=1 # comment
"""


@pytest.mark.parametrize("spec", REAL.strip().splitlines())
def test_match_specs(spec: str) -> None:
    """Every form that recipes use, old and new, is a match spec, for rattler as well."""
    assert is_match_spec(spec)
    rattler.MatchSpec(spec)


@pytest.mark.parametrize(
    "spec",
    [
        "", " ", "python >=3.8,<", "foo >=", "foo =", "foo >=1.0,", "foo ,>2", "foo 1..0", "foo >2||<3", "foo <>1",
        "foo >==1", "foo (>2", "foo >=1.", "foo [", "foo]", "foo[version=1", "foo[surprise=1]", "foo[md5=abc]",
        "foo/bar", "foo@1.0", "foo* 1.0", "* 1.0", "foo::", "foo; if python <3.8", 'foo[when="(python"]',
        'foo[when="python and"]', "https://example.com/linux-64/foo.conda", "foo " + "(" * 400 + ">1" + ")" * 400,
        "foo >=18446744073709551616", "foo" * 500,
    ],
)  # fmt: skip
def test_texts_that_are_not_match_specs(spec: str) -> None:
    """What some client cannot parse."""
    assert not is_match_spec(spec)


@given(st.text(" 01ab.*_-=<>!~,|()[]'\":#;/^$@+", max_size=16).map("foo{}".format))
def test_every_match_spec_is_one_for_rattler(spec: str) -> None:
    """A match spec that rattler can't parse makes it refuse to index the whole subdir."""
    if is_match_spec(spec):
        rattler.MatchSpec(spec)


NAMES = st.from_regex(r"[a-z_][a-z0-9_-]{0,8}", fullmatch=True)
VERSIONS = st.from_regex(r"[0-9]{1,2}(\.[0-9a]{1,2}){0,3}", fullmatch=True)
CLAUSES = st.tuples(st.sampled_from(["", ">=", "<", "<=", ">", "!=", "==", "=", "~="]), VERSIONS).map("".join)
RANGES = st.lists(st.lists(CLAUSES, min_size=1, max_size=3).map(",".join), min_size=1, max_size=3).map("|".join)
BUILDS = st.one_of(st.just(""), st.from_regex(r" \*?[a-z0-9_]{1,8}\*?", fullmatch=True))


@given(st.tuples(NAMES, st.sampled_from([" ", "  "]), RANGES, BUILDS).map("".join))
def test_what_rattler_parses_is_a_match_spec(spec: str) -> None:
    """Names, version ranges and builds as recipes combine them are no reason for a warning."""
    try:
        rattler.MatchSpec(spec)
    except InvalidMatchSpecError:
        return
    assert is_match_spec(spec)


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("foo", MatchSpec("foo")),
        ("FOO", MatchSpec("foo")),
        ("foo >=1, <2", MatchSpec("foo", ">=1,<2")),
        ("foo=1.2", MatchSpec("foo", "1.2*")),
        ("foo 1.2 h0_0", MatchSpec("foo", "1.2", "h0_0")),
        ("foo ==1.2=h0_0  # why", MatchSpec("foo", "==1.2", "h0_0")),
        ("conda-forge::foo * *cuda*", MatchSpec("foo", "*", "*cuda*")),
        ("foo >=1[version='>=2', build=\"*_cpu\", md5=" + "0" * 32 + "]", MatchSpec("foo", ">=2", "*_cpu")),
        ("https://example.com/linux-64/foo-1.0-0.conda", MatchSpec("foo")),
    ],
)
def test_the_parts_of_a_match_spec(spec: str, parts: MatchSpec) -> None:
    """Name, version and build, wherever they stand."""
    assert parse_match_spec(spec) == parts
