"""What conda's own tools write is valid."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest
from conda_package_streaming.create import conda_builder

from prefix_upload.package import archive
from support.building import STEM, index_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("style", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_conda_package_streaming(tmp_path: Path, style: int) -> None:
    """It gives each ZIP member zip64 sizes, and conda-build puts hard and symbolic links into the payload."""
    with conda_builder(STEM, tmp_path) as builder:
        builder.format = style
        for name, content in (("info/index.json", json.dumps(index_of()).encode()), (f"lib/{'n' * 90}", b"hello\n")):
            builder.addfile(_info(name, tarfile.REGTYPE, size=len(content)), io.BytesIO(content))
        builder.addfile(_info("bin/hard", tarfile.LNKTYPE, linkname=f"lib/{'n' * 90}"))
        builder.addfile(_info("bin/soft", tarfile.SYMTYPE, linkname=f"../lib/{'n' * 90}"))
    with (tmp_path / f"{STEM}.conda").open("rb") as file:
        contents = archive.read(file, f"{STEM}.conda", everything=True)
    assert (contents.findings, contents.warnings) == ([], [])
    assert contents.payload is not None
    assert contents.payload.keys() == {f"lib/{'n' * 90}", "bin/hard", "bin/soft"}


def _info(name: str, kind: bytes, *, size: int = 0, linkname: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, linkname
    info.mtime = 1_700_000_000.5
    return info
