"""What ordinary tools write is valid, with a warning if a client cannot read it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from prefix_upload.package import archive

RECORDED = sorted(Path(__file__).with_name("recorded").glob("*/*"))
WARNINGS = {
    "gnu-tar-dots": "starts with './'",
    "info-zip-descriptors": "a data descriptor",
    "libarchive-zip": "a data descriptor",
    "libarchive-zip64": "a data descriptor",
}
FILES = {
    "share/a": b"hello\n",
    "share/b": b"hello\n",
    "share/caf\u00e9": b"more\n",
    "share/deep": b"deep\n",
    f"share/{'folder/' * 30}{'n' * 120}": b"deep\n",
}
LINKS = {"share/link", "share/long-link"}


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parent.name)
def test_verdict(path: Path) -> None:
    """There are no findings, and no warnings but the expected one."""
    with path.open("rb") as file:
        contents = archive.read(file, path.name, everything=True)
    assert not contents.findings
    expected = WARNINGS.get(path.parent.name)
    assert len(contents.warnings) == (1 if expected else 0), contents.warnings
    assert expected is None or expected in contents.warnings[0]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parent.name)
def test_contents(path: Path) -> None:
    """The index and the payload are read as they were; which of several hard links has the data depends on the tool."""
    with path.open("rb") as file:
        contents = archive.read(file, path.name, everything=True)
    assert json.loads(contents.index or b"")["name"] == "demo"
    assert contents.payload
    for name, found in contents.payload.items():
        if name in LINKS or found is None:
            assert name in LINKS | FILES.keys()
            assert found is None
        else:
            assert found == archive.PayloadFile(len(FILES[name]), hashlib.sha256(FILES[name]).digest())


def test_the_recording_is_complete() -> None:
    """Each tool wrote each of its formats."""
    assert len(RECORDED) == 25
