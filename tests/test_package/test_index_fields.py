from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import rattler.index
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefix_upload.package.metadata import KNOWN_SUBDIRS, read_index
from support.building import STEM, conda_bytes, index_of, written

if TYPE_CHECKING:
    from pathlib import Path

SPECS = ["python >=3.8,<3.9.0a0", "foo 1.0.*", "bar"]


def findings(**changes: object) -> list[str]:
    """What is wrong with an index that has these fields; `...` for a missing one."""
    index = {key: value for key, value in index_of(STEM, **changes).items() if value is not ...}
    return read_index(json.dumps(index).encode()).findings


def index_channel(folder: Path, **changes: object) -> dict[str, Any]:
    """The repodata of a subdir with one package whose index has these fields, as rattler writes it."""
    written(folder / "noarch" / f"{STEM}.conda", conda_bytes(index=index_of(STEM, **changes)))
    asyncio.run(rattler.index.index_fs(folder, write_zst=False, write_shards=False, force=True))
    repodata: dict[str, Any] = json.loads((folder / "noarch" / "repodata.json").read_text())
    return repodata


ACCEPTED = [
    ("arch", None), ("arch", "x86_64"),
    ("build_number", 0), ("build_number", 2**63 - 1),
    ("constrains", ...), ("constrains", []), ("constrains", SPECS),
    ("depends", ...), ("depends", []), ("depends", SPECS),
    ("extra_depends", {"test": SPECS}),
    ("features", ""), ("features", None), ("features", "nomkl"),
    ("flags", ["cuda", "cuda:12"]),
    ("license", "MIT"), ("license", None), ("license_family", None),
    ("noarch", ...), ("noarch", None), ("noarch", True), ("noarch", False), ("noarch", "python"), ("noarch", "generic"),
    ("platform", None), ("platform", "linux"),
    ("purls", None), ("purls", ["pkg:pypi/demo@1.0"]),
    ("python_site_packages_path", "lib/python3.13t/site-packages"), ("python_site_packages_path", None),
    ("timestamp", None), ("timestamp", 0), ("timestamp", 1_505_740_264), ("timestamp", 1_505_740_264_123),
    ("track_features", ""), ("track_features", "a b"), ("track_features", ["a"]), ("track_features", []),
    ("surprise", {"a": [1.5, None]}), ("run_exports", {"weak": ["x"]}), ("md5", None), ("requires", []),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), ACCEPTED)
def test_fields_of_the_right_type(field: str, value: object) -> None:
    """What real packages have in each field, and anything in fields that clients ignore."""
    assert findings(**{field: value}) == []


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, value in ACCEPTED if value is not ...])
def test_what_is_accepted_can_be_indexed(tmp_path: Path, field: str, value: object) -> None:
    """Each accepted value is one that rattler's indexer takes."""
    repodata = index_channel(tmp_path, **{field: value})
    assert repodata["packages.conda"] or repodata["v3"]


REFUSED: list[tuple[str, Any]] = [
    ("arch", 64),
    ("build", 0), ("build", None), ("build", ...),
    ("build_number", -1), ("build_number", 2**63), ("build_number", 2**64), ("build_number", 1.0),
    ("build_number", "1"), ("build_number", True), ("build_number", None), ("build_number", ...),
    ("constrains", None), ("constrains", "python"), ("constrains", [None]), ("constrains", {}),
    ("depends", None), ("depends", "python"), ("depends", [["python"]]), ("depends", {"python": "*"}),
    ("extra_depends", None), ("extra_depends", {"test": "python"}), ("extra_depends", {"Te st": []}),
    ("features", ["nomkl"]), ("features", {}),
    ("flags", None), ("flags", "cuda"), ("flags", ["not a flag"]),
    ("legacy_bz2_md5", "short"), ("legacy_bz2_size", -1),
    ("license", ["MIT"]), ("license_family", 5),
    ("name", 5), ("name", None), ("name", ...),
    ("noarch", "ruby"), ("noarch", "Python"), ("noarch", ""), ("noarch", 1), ("noarch", ["python"]),
    ("platform", ["linux"]),
    ("purls", "pkg:pypi/demo"), ("purls", ["demo"]), ("purls", [None]),
    ("python_site_packages_path", 5),
    ("timestamp", "yesterday"), ("timestamp", "1505740264"), ("timestamp", 1.5), ("timestamp", True),
    ("timestamp", 10**18), ("timestamp", [1]),
    ("track_features", None), ("track_features", 5), ("track_features", [None]),
    ("version", 1.0), ("version", None), ("version", ...),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_fields_of_another_type(field: str, value: object) -> None:
    """A wrong type hides all packages of the subdir from some client: one finding that names the field."""
    (finding,) = findings(**{field: value})
    assert f"'info/index.json' has the {field} " in finding


def test_the_finding_says_what_the_field_should_be() -> None:
    """With the value, so that it can be found in a recipe."""
    assert findings(noarch="ruby") == [
        "'info/index.json' has the noarch 'ruby', which is not 'python', 'generic', true or null"
    ]


FIELDS = sorted({field for field, _ in [*ACCEPTED, *REFUSED]} - {"name", "version", "build"})
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**66), 2**66),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "python", "generic", "pkg:pypi/a", "0" * 32, "linux", "a b"]),
    st.lists(st.one_of(st.none(), st.sampled_from([*SPECS, "a:b", "pkg:x/y"])), max_size=2),
    st.dictionaries(st.sampled_from(["", "test", "A"]), st.lists(st.sampled_from(SPECS), max_size=1), max_size=2),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, min_size=1, max_size=2))
def test_the_indexer_takes_what_is_accepted(tmp_path: Path, fields: dict[str, Any]) -> None:
    """No index without findings makes rattler fail, whatever its fields are."""
    index = read_index(json.dumps(index_of(STEM, **fields)).encode())
    if not index.findings and not index.warnings:
        index_channel(tmp_path, **fields)


@pytest.mark.parametrize("subdir", ["linux-64", "osx-arm64", "zos-z", "emscripten-wasm32"])
def test_known_subdirs(subdir: str) -> None:
    """What a client knows needs no warning."""
    assert subdir in KNOWN_SUBDIRS
    assert read_index(json.dumps(index_of(STEM, subdir=subdir)).encode()).warnings == []


def test_an_unknown_subdir_is_a_warning() -> None:
    """It is allowed by CEP 26, but clients don't look there."""
    index = read_index(json.dumps(index_of(STEM, subdir="linux-amd64")).encode())
    assert index.findings == []
    assert "don't know the subdir 'linux-amd64'" in index.warnings[0]


@pytest.mark.parametrize("field", ["depends", "constrains"])
def test_bad_match_specs_are_a_warning(field: str) -> None:
    """One for each field, with the first few of them."""
    specs = [*SPECS, "python >=3.8,<", "a >=", "b >=", "c >="]
    index = read_index(json.dumps(index_of(STEM, **{field: specs})).encode())
    assert index.findings == []
    (warning,) = index.warnings
    assert f"match specs of {field!r}" in warning
    assert "'python >=3.8,<', 'a >=', 'b >=' and 1 more" in warning


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"depends": SPECS, "constrains": ["foo[version='>=1']"]}, False),
        ({"extra_depends": {}, "flags": []}, False),
        ({"extra_depends": {"test": ['foo[when="__unix"]']}}, False),
        ({"flags": ["cuda"]}, False),
        ({"depends": [*SPECS, 'foo[when="__unix"]']}, True),
        ({"depends": ["foo >=1[extras=[bar]]"]}, True),
        ({"constrains": ["foo[version='>=1', flags=[cuda]]"]}, True),
        ({"repodata_revision": 3}, True),
        ({"repodata_revision": None}, False),
        ({"repodata_revision": 0, "depends": SPECS}, False),
        ({"schema_version": 3}, False),
    ],
)
def test_what_needs_repodata_v3(tmp_path: Path, changes: dict[str, Any], expected: bool) -> None:
    """What rattler's indexer puts there, and nothing else."""
    assert read_index(json.dumps(index_of(STEM, **changes)).encode()).needs_v3 is expected
    repodata = index_channel(tmp_path, **changes)
    assert bool(repodata.get("v3")) is expected
    assert bool(repodata["packages.conda"]) is not expected


@pytest.mark.parametrize("spec", ["foo; if __unix", "foo[when=]", "foo[", "[when=a]", "foo # [when=a]"])
def test_a_spec_that_no_client_reads_as_conditional(spec: str) -> None:
    """Nothing is known about it, or it has no condition."""
    assert not read_index(json.dumps(index_of(STEM, depends=[spec])).encode()).needs_v3
