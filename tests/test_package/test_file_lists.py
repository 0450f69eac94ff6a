from __future__ import annotations

import json

import pytest

from prefix_upload.package.archive import limits
from prefix_upload.package.file_lists import list_warnings
from support.contents import contents


def warnings(**content: object) -> list[str]:
    """The warnings about such an `info/paths.json`, for a package that is not decoded completely."""
    return list(list_warnings(contents(index=b"{}", paths=json.dumps(content).encode(), payload=None)))


def test_a_list_as_builders_write_it() -> None:
    """All kinds of paths, and version 1."""
    paths = [{"_path": name, "path_type": name} for name in ("hardlink", "softlink", "directory")]
    assert warnings(paths=paths, paths_version=1) == []


@pytest.mark.parametrize("version", [{}, {"paths_version": 2}, {"paths_version": "1"}, {"paths_version": True}])
def test_the_version_of_the_list(version: dict[str, object]) -> None:
    """Clients only know version 1."""
    assert warnings(paths=[], **version) == [
        f"'info/paths.json' has the paths_version {version.get('paths_version')!r}, but clients only know 1"
    ]


@pytest.mark.parametrize("kind", [{}, {"path_type": "fifo"}, {"path_type": None}, {"path_type": ["hardlink"]}])
def test_unknown_kinds_of_paths(kind: dict[str, object]) -> None:
    """Clients don't know what to install, or refuse the package."""
    (warning,) = warnings(paths=[{"_path": "a", **kind}], paths_version=1)
    assert warning == f"clients don't know the path_type in 'info/paths.json' of 'a' ({kind.get('path_type')!r})"


def test_many_unknown_kinds() -> None:
    """The first few, and how many more there are."""
    paths = [{"_path": f"f{number}", "path_type": "x"} for number in range(5)]
    assert warnings(paths=paths, paths_version=1)[0].endswith("'f0' ('x'), 'f1' ('x'), 'f2' ('x') and 2 more")


def test_no_list_at_all() -> None:
    """Clients then don't know which files to install; one of the two lists is enough."""
    assert "neither 'info/paths.json' nor 'info/files'" in "".join(list_warnings(contents(index=b"{}")))
    assert list(list_warnings(contents(index=b"{}", files=b""))) == []


def test_the_size_that_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list up to the limit is compared, and a larger one is a warning."""
    listed = {"paths": [], "paths_version": 1}
    monkeypatch.setattr(limits, "MAX_PATHS_SIZE", len(json.dumps(listed)))
    assert warnings(**listed) == []
    monkeypatch.setattr(limits, "MAX_PATHS_SIZE", len(json.dumps(listed)) - 1)
    assert warnings(**listed) == ["'info/paths.json' is too large to compare with the payload"]
