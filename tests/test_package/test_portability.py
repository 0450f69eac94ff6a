from __future__ import annotations

import pytest

from prefix_upload.package.portability import portability_warnings


def warnings(*names: str, subdir: str = "noarch", symlinks: tuple[str, ...] = (), **fields: object) -> list[str]:
    """The warnings about a package with these files."""
    return list(portability_warnings(fields, subdir, names, symlinks))


@pytest.mark.parametrize(
    "name",
    [
        "con.txt", "aux", "lib/NUL", "share/com1.tar.gz", "lpt9/x", "prn .txt", "CONIN$", "com\u00b9",
        "a<b", "a>b", "a:b", 'a"b', "a|b", "a?b", "a*b", "a\tb", "dot.", "dots../x", "blank ", "folder /x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("subdir", ["noarch", "win-64", "win-arm64"])
def test_names_that_windows_cannot_have(subdir: str, name: str) -> None:
    """Reserved names with any extension, forbidden characters, and a dot or blank at the end of a part."""
    assert warnings(name, subdir=subdir) == [f"Windows can't have files with these names: {name!r}"]


@pytest.mark.parametrize(
    "name",
    ["console.txt", "share/auxiliary", "com10", "com", "a.b", ".hidden", "a b", "lib/x.con", "caf\u00e9", "a'b&c"],
)
def test_names_that_windows_can_have(name: str) -> None:
    """What only contains a reserved name is not one."""
    assert warnings(name) == []


def test_names_that_differ_in_case_only() -> None:
    """All of them are named, whatever the case of their folders."""
    names = ("a/File", "a/file", "A/FILE", "a/other", "b/file")
    assert warnings(*names, "c", "C") == [
        "Windows and macOS keep only one of files whose names differ in case: 'A/FILE', 'C', 'a/File' and 2 more"
    ]


def test_symbolic_links() -> None:
    """The first few, and how many more there are."""
    links = tuple(f"link{number}" for number in range(5))
    assert warnings(*links, symlinks=links) == [
        "symbolic links can't be installed on Windows without Developer Mode or administrator rights: "  # noqa: ISC004
        "'link0', 'link1', 'link2' and 2 more"
    ]


@pytest.mark.parametrize(
    ("subdir", "depends"),
    [
        ("linux-64", []),
        ("osx-arm64", []),
        ("noarch", ["__unix"]),
        ("noarch", ["python", "__linux >=5"]),
        ("noarch", ["__osx >=11"]),
    ],
)
def test_packages_that_are_not_installed_on_windows(subdir: str, depends: list[str]) -> None:
    """They may have any names and links."""
    assert warnings("aux", "a", "A", "l", subdir=subdir, symlinks=("l",), depends=depends) == []


@pytest.mark.parametrize("depends", [["__win"], ["__unix-like"], ["python"], None])
def test_packages_that_may_be_installed_on_windows(depends: object) -> None:
    """Unless they depend on the virtual package of another system."""
    assert len(warnings("aux", depends=depends)) == 1
