"""A `repodata.json` of any size."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# An entry of ordinary size.
_ENTRY = {
    "build": "py312h7900ff3_0",
    "build_number": 0,
    "depends": ["libgcc >=14", "numpy >=1.19,<3", "python >=3.12,<3.13.0a0", "python_abi 3.12.* *_cp312"],
    "license": "BSD-3-Clause",
    "md5": "0" * 32,
    "sha256": "1" * 64,
    "size": 153_963,
    "subdir": "noarch",
    "timestamp": 1_709_150_578_093,
    "version": "13.7.1",
}


def large_repodata(folder: Path, size: int) -> bytes:
    """Repodata of at least this many bytes. The packages of the folder are listed after all others."""
    content = bytearray(b'{"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": {')
    number = 0
    while len(content) < size:
        content += json.dumps(f"other-{number}-13.7.1-py312h7900ff3_0.conda").encode()
        content += b": " + json.dumps({**_ENTRY, "name": f"other-{number}"}).encode() + b", "
        number += 1
    published = {path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()} for path in folder.iterdir()}
    content += json.dumps(published)[1:-1].encode() + b'}, "removed": [], "repodata_version": 1}'
    return bytes(content)
