"""`info/index.json`: the fields that place a package on a channel, checked against the file name and CEP 34."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from prefix_upload.package import archive
from prefix_upload.package.rules import identity_findings, split_file_name
from prefix_upload.package.strict_json import parse_json_object

# CEP 26, "Subdir names".
_SUBDIR = re.compile(r"noarch|[a-z0-9]+-[a-z0-9]+")
_MAX_SUBDIR = 32

# The subdirs that conda clients know (rattler's `Platform`), to recognize a folder that is named after one.
KNOWN_SUBDIRS = frozenset(
    {
        "noarch", "linux-32", "linux-64", "linux-aarch64", "linux-armv6l", "linux-armv7l", "linux-loongarch64",
        "linux-ppc64", "linux-ppc64le", "linux-riscv32", "linux-riscv64", "linux-s390x", "osx-64", "osx-arm64",
        "win-32", "win-64", "win-arm64", "emscripten-wasm32", "wasi-wasm32", "freebsd-64", "zos-z",
    }
)  # fmt: skip
# Values of `arch` that a subdir spells differently, for packages without a `subdir` (before conda-build 1.21).
_ARCHES = {"x86_64": "64", "x86": "32"}


@dataclass(slots=True)
class Index:
    """`info/index.json`: its fields, the subdir ("" if missing or invalid), findings and warnings."""

    fields: dict[str, Any] = field(default_factory=dict)
    subdir: str = ""
    findings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_index(raw: bytes, file_name: str, folder: str) -> Index:
    """Reads and checks `info/index.json`.

    Args:
        raw: its bytes.
        file_name: the file name of the package, which has to match.
        folder: the name of the folder that contains the file. If it is another subdir, a warning is added.
    """
    index = Index()
    try:
        index.fields = parse_json_object(raw)
    except ValueError as error:
        index.findings.append(f"'info/index.json' is {error}")
        return index
    index.findings.extend(identity_findings(index.fields, split_file_name(file_name)))
    number = index.fields.get("build_number")
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        index.findings.append(
            f"'info/index.json' has the build_number {archive.truncated_repr(number)}, "
            "which is not a non-negative integer"
        )
    index.subdir = _subdir(index)
    if folder in KNOWN_SUBDIRS and index.subdir and folder != index.subdir:
        index.warnings.append(
            f"the file is in a folder named {folder!r}, but its index says {index.subdir!r}, so it is published there"
        )
    return index


def _subdir(index: Index) -> str:
    subdir = index.fields.get("subdir")
    if subdir is None:
        system, arch = index.fields.get("platform"), index.fields.get("arch")
        if not isinstance(system, str) or not isinstance(arch, str):
            index.findings.append("'info/index.json' has no subdir, and no platform and arch to derive it from")
            return ""
        subdir = f"{system}-{_ARCHES.get(arch, arch)}"
        index.warnings.append(f"'info/index.json' has no subdir; {subdir!r} is derived from its platform and arch")
    if not isinstance(subdir, str) or len(subdir) > _MAX_SUBDIR or not _SUBDIR.fullmatch(subdir):
        index.findings.append(
            f"'info/index.json' has the subdir {archive.truncated_repr(subdir)}, which CEP 26 does not allow"
        )
        return ""
    return subdir
