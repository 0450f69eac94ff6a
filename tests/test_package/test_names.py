from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from prefix_upload.package import hints
from prefix_upload.package.formats import ValidationLevel
from prefix_upload.package.model import CandidateFile, Package
from prefix_upload.package.validate import ValidationOptions, check
from support.building import STEM, conda_bytes, index_of, package_bytes, tar_member, written

if TYPE_CHECKING:
    from pathlib import Path

BOTH = pytest.mark.parametrize("extension", [".conda", ".tar.bz2"])


def checked(workspace: Path, *paths: Path) -> Any:
    """The result for one file that these paths lead to."""
    return check(paths, ValidationOptions(workspace, ValidationLevel.FULL, None))


def renamed(extension: str, stem: str = STEM) -> str:
    """The finding about a package that has another name than its metadata."""
    held = " ".join(stem.rsplit("-", 2))
    return f"the file was renamed: it holds {held}, and its name should be '{stem}{extension}'"


@BOTH
@pytest.mark.parametrize("name", ["demo-2.0-h0_0", "demo", "Demo (1)", "demo-1.0-h0_0_copy", "other-1.0-h0_0"])
def test_a_renamed_file_has_one_finding(workspace: Path, extension: str, name: str) -> None:
    """It says what the file holds and should be called, and nothing of what follows from the wrong name."""
    result = checked(workspace, written(workspace / f"{name}{extension}", package_bytes(extension)))
    assert result.findings == (renamed(extension),)
    assert result.hints == (hints.RENAME,)


def test_a_renamed_file_beside_a_link_that_leads_nowhere(workspace: Path) -> None:
    """The link is no file that has the name already, even if it leads to a name that is too long for the system."""
    (workspace / f"{STEM}.conda").symlink_to("x" * 300)
    result = checked(workspace, written(workspace / "other-1.0-h0_0.conda", package_bytes(".conda")))
    assert result.findings == (renamed(".conda"),)
    assert result.hints == (hints.RENAME,)


def test_a_renamed_file_with_other_findings(workspace: Path) -> None:
    """The name comes first, and renaming is not enough."""
    data = conda_bytes(index=index_of(STEM, depends=None), metadata=b"{}")
    result = checked(workspace, written(workspace / "other-1.0-h0_0.conda", data))
    assert result.findings[0] == renamed(".conda")
    assert len(result.findings) == 3
    assert hints.REBUILD in result.hints


def test_a_name_that_fits_neither_the_index_nor_the_zip_members(workspace: Path) -> None:
    """The file would not be a package under any name, so all of them are shown."""
    data = conda_bytes("third-1.0-h0_0", index=index_of(STEM))
    result = checked(workspace, written(workspace / "other-1.0-h0_0.conda", data))
    assert [finding.partition(",")[0] for finding in result.findings] == [
        "the ZIP file should have exactly one 'info' member",
        "the ZIP file should have exactly one 'pkg' member",
        "the name is 'other' in the file name",
    ]
    assert result.hints == (hints.REBUILD,)


@BOTH
@pytest.mark.parametrize("version", [".post", "1..0", "1!2!3", "1.0+", "x!1.0", "1__2"])
def test_a_version_that_is_not_one(workspace: Path, extension: str, version: str) -> None:
    """The name and the metadata agree, but clients could not read the index of the whole subdir."""
    stem = f"demo-{version}-h0_0"
    result = checked(workspace, written(workspace / f"{stem}{extension}", package_bytes(extension, stem)))
    assert result.findings == (f"the version in the file name, {version!r}, is not a version (CEP 33)",)


@pytest.mark.parametrize(
    "link", ["aaa-latest.conda", "zzz-latest.conda", "demo-0.9-h0_0.conda", "latest.log", "l.tar.bz2"]
)
@pytest.mark.parametrize("is_symbolic", [True, False])
def test_the_name_that_fits_the_metadata(workspace: Path, link: str, *, is_symbolic: bool) -> None:
    """Of two names for a file it is published under the one that fits, wherever the other is in the alphabet."""
    path = written(workspace / f"{STEM}.conda", conda_bytes())
    other = workspace / link
    if is_symbolic:
        other.symlink_to(path.name)
    else:
        os.link(path, other)
    result = checked(workspace, *sorted([path, other]))
    assert isinstance(result, Package)
    assert result.file_name == path.name
    assert result.path == path
    (warning,) = result.warnings
    assert f"also matched as {link!r}" in warning


def test_two_links_with_the_fitting_name(workspace: Path) -> None:
    """The one in the folder of its subdir is chosen, and neither needs a warning."""
    path = written(workspace / "a" / f"{STEM}.conda", conda_bytes())
    other = workspace / "noarch" / path.name
    other.parent.mkdir()
    os.link(path, other)
    result = checked(workspace, path, other)
    assert result.relative_path == f"noarch/{path.name}"
    assert result.warnings == ()


def test_a_link_that_fits_to_a_file_that_does_not(workspace: Path) -> None:
    """A link is as good a name as any."""
    target = written(workspace / "cache" / "0123.conda", conda_bytes())
    link = workspace / f"{STEM}.conda"
    link.symlink_to(target)
    result = checked(workspace, target, link)
    assert (result.file_name, result.path) == (link.name, target)


def test_only_a_link_of_another_name_is_matched(workspace: Path) -> None:
    """The hint names the file that it leads to."""
    path = written(workspace / "out" / f"{STEM}.conda", conda_bytes())
    link = workspace / "latest.conda"
    link.symlink_to(path)
    result = checked(workspace, link)
    assert result.findings == (renamed(".conda"),)
    assert result.hints == (f"This is a link: let ⟨glob⟩ match 'out/{STEM}.conda' instead.",)


@pytest.mark.parametrize("name", ["build.log", "repodata.json", "demo-1.0-h0_0.zip"])
@pytest.mark.parametrize("content", [b"", b"text"])
def test_files_that_are_not_packages(workspace: Path, name: str, content: bytes) -> None:
    """To rebuild them would not help: they don't belong in the pattern."""
    result = checked(workspace, written(workspace / name, content))
    assert len(result.findings) == 1
    assert result.hints == (hints.NOT_A_PACKAGE,)
    assert "exclude it with a '!' line" in hints.NOT_A_PACKAGE


@pytest.mark.parametrize("name", ["backup.tar.bz2", "demo-1.0-h0_0.tar.bz2", "data.conda"])
def test_files_that_only_look_like_packages(workspace: Path, name: str) -> None:
    """An archive without metadata may not be a package at all."""
    result = checked(workspace, written(workspace / name, b"text"))
    assert result.hints == (hints.REBUILD_UNLESS_OTHER,)


def test_each_hint_once(workspace: Path) -> None:
    """Several findings of one kind have one remedy."""
    data = conda_bytes(index=index_of(STEM, depends=None, noarch="ruby"), info_members=[tar_member("../x")])
    result = checked(workspace, written(workspace / f"{STEM}.conda", data))
    assert isinstance(result, CandidateFile)
    assert len(result.findings) == 3
    assert result.hints == (hints.REBUILD,)
