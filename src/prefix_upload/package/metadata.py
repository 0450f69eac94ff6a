"""`info/index.json`: what a package says about itself, and where on a channel it belongs."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from prefix_upload.package import index_fields
from prefix_upload.package.archive import limits
from prefix_upload.package.listing import listed, truncated_repr
from prefix_upload.package.names import is_subdir
from prefix_upload.package.strict_json import parse_json_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The subdirs that conda clients know: those of rattler's `Platform`, which include all of conda's `KNOWN_SUBDIRS`.
KNOWN_SUBDIRS = frozenset(
    {
        "noarch", "linux-32", "linux-64", "linux-aarch64", "linux-armv6l", "linux-armv7l", "linux-loongarch64",
        "linux-ppc", "linux-ppc64", "linux-ppc64le", "linux-riscv32", "linux-riscv64", "linux-s390x", "osx-64",
        "osx-arm64", "win-32", "win-64", "win-arm64", "emscripten-wasm32", "emscripten-wasm64", "wasi-wasm32",
        "freebsd-32", "freebsd-64", "freebsd-arm64", "freebsd-ppc64", "freebsd-ppc64le", "ios-arm64",
        "iossimulator-64", "iossimulator-arm64", "android-32", "android-64", "android-aarch64", "android-armv7a",
        "zos-z",
    }
)  # fmt: skip
# Revisions of `repodata.json`: the one before they had numbers, and that of CEP 48.
_V3 = 3
_KNOWN_REVISIONS = (None, 0, _V3)
# Values of `arch` that a subdir spells differently, for packages without a `subdir` (before conda-build 1.21).
_ARCHES = {"x86_64": "64", "x86": "32"}


class Index:
    """`info/index.json`: its fields, the subdir ("" if missing or invalid), findings and warnings.

    `specs` are its match specs, as many as are checked, each after the name of the field that contains it.
    """

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.specs: list[tuple[str, str]] = []
        self.subdir = ""
        self.findings: list[str] = []
        self.warnings: list[str] = []

    @property
    def depends(self) -> tuple[str, ...]:
        """The match specs of what the package needs at run time, as many as are checked."""
        return tuple(spec for name, spec in self.specs if name == "depends")

    @property
    def needs_v3(self) -> bool:
        """Whether the package certainly can't be in repodata before revision 3 (CEP 48).

        It says so, or other packages are needed under conditions, or with extras or flags. `flags` and `extra_depends`
        of its own (CEP 44 and CEP 45) do not decide: rattler 0.28 has such packages in either revision.
        """
        revision = self.fields.get("repodata_revision")
        if isinstance(revision, int):
            return revision >= _V3
        # Only specs with a section can have a key.
        specs = [spec for name, spec in self.specs if "[" in spec and name != "extra_depends"]
        if not specs:
            return False
        from prefix_upload.package.match_specs import parse_match_spec  # noqa: PLC0415 - slow to load

        return any(parsed.needs_v3 for parsed in map(parse_match_spec, specs) if parsed is not None)


def read_index(raw: bytes) -> Index:
    """Reads and checks `info/index.json`, given its bytes."""
    index = Index()
    try:
        index.fields = parse_json_object(raw)
    except ValueError as error:
        index.findings.append(f"'info/index.json' is {error}")
        return index
    index.specs.extend(islice(index_fields.specs(index.fields), limits.MAX_CHECKED_SPECS))
    index.findings.extend(index_fields.type_findings(index.fields))
    index.subdir = _subdir(index)
    if index.subdir and index.subdir not in KNOWN_SUBDIRS:
        index.warnings.append(
            f"clients don't know the subdir {index.subdir!r} in 'info/index.json', so they don't look for the package"
        )
    index.warnings.extend(_spec_warnings(index.specs))
    if (revision := index.fields.get("repodata_revision")) not in _KNOWN_REVISIONS:
        index.warnings.append(f"clients don't know the repodata_revision {truncated_repr(revision)}")
    return index


def folder_warnings(subdir: str, folder: str) -> Iterator[str]:
    """Yields a warning if the file is in a folder that is named after another subdir than the package's."""
    if folder in KNOWN_SUBDIRS and subdir and folder != subdir:
        yield (
            f"the file is in a folder named {folder!r}, but its info/index.json says {subdir!r}. "
            f"It belongs to {subdir!r}"
        )


def _spec_warnings(specs: Sequence[tuple[str, str]]) -> Iterator[str]:
    if not specs:
        return
    from prefix_upload.package.match_specs import is_match_spec  # noqa: PLC0415 - slow to load

    for name in dict.fromkeys(name for name, _ in specs):
        unclear = [spec for field, spec in specs if field == name and not is_match_spec(spec)]
        if unclear:
            yield (
                f"clients can't parse some match specs of {name!r} in 'info/index.json', and indexers may fail on "
                f"them: {listed(unclear)}"
            )


def _subdir(index: Index) -> str:
    subdir = index.fields.get("subdir")
    if subdir is None:
        system, arch = index.fields.get("platform"), index.fields.get("arch")
        if not isinstance(system, str) or not isinstance(arch, str):
            index.findings.append("'info/index.json' has no subdir, and no platform and arch to derive it from")
            return ""
        subdir = f"{system}-{_ARCHES.get(arch, arch)}"
        index.warnings.append(f"'info/index.json' has no subdir; {subdir!r} is derived from its platform and arch")
    if not isinstance(subdir, str) or not is_subdir(subdir):
        index.findings.append(f"'info/index.json' has the subdir {truncated_repr(subdir)}, which CEP 26 does not allow")
        return ""
    return subdir
