"""Files in, packages out: each file is opened, hashed, read and held against the rules."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from prefix_upload.concurrency import Submit, run_inline, submit_if_large
from prefix_upload.package import archive
from prefix_upload.package.fs import NotRegularFileError, open_regular
from prefix_upload.package.model import PACKAGE_EXTENSIONS, CandidateFile, Package, ValidationLevel
from prefix_upload.package.rules import (
    duplicate_warnings,
    file_name_findings,
    identity_findings,
    metadata_findings,
    paths_warnings,
    split,
)
from prefix_upload.package.strict_json import parse_json_object

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# CEP 26, "Subdir names".
_SUBDIR = re.compile(r"noarch|[a-z0-9]+-[a-z0-9]+")
_MAX_SUBDIR = 32

# The subdirs that conda clients know (rattler's `Platform`), for telling a folder's name from any other.
KNOWN_SUBDIRS = frozenset(
    {
        "noarch", "linux-32", "linux-64", "linux-aarch64", "linux-armv6l", "linux-armv7l", "linux-loongarch64",
        "linux-ppc64", "linux-ppc64le", "linux-riscv32", "linux-riscv64", "linux-s390x", "osx-64", "osx-arm64",
        "win-32", "win-64", "win-arm64", "emscripten-wasm32", "wasi-wasm32", "freebsd-64", "zos-z",
    }
)  # fmt: skip
# `arch` of packages that have no `subdir` yet (before conda-build 1.21), where it is not the subdir's own word.
_ARCHES = {"x86_64": "64", "x86": "32"}

_CHUNK = 2**18


@dataclass(frozen=True)
class Rules:
    """What this run asks of a file. `workspace` is resolved; `max_size` is in bytes.

    `submit` starts what is worth a thread for large files.
    """

    workspace: Path
    depth: ValidationLevel
    max_size: int | None
    submit: Submit = run_inline


def check(path: Path, rules: Rules) -> Package | CandidateFile:
    """Validates one file.

    A file is hashed and decoded; both at the same time where it is large. It must not change meanwhile.
    """
    state = ValidationState(path, path.relative_to(rules.workspace).as_posix())
    state.target = _target(state, rules.workspace)
    try:
        if state.target is not None:
            with os.fdopen(open_regular(state.target), "rb") as file:
                _check_file(state, file, rules)
    except NotRegularFileError:
        state.findings.append("this is no regular file")
    except OSError as error:
        state.findings.append(f"the file cannot be read ({error.strerror})")
    return state.finish()


def check_batch(checked: Sequence[Package | CandidateFile]) -> list[Package | CandidateFile]:
    """What the files are together: two files for one place on the channel are one package or a conflict."""
    groups: dict[tuple[str, str], list[Package]] = {}
    for package in checked:
        if isinstance(package, Package):
            groups.setdefault(package.key, []).append(package)
    batch: list[Package | CandidateFile] = []
    for package in checked:
        if isinstance(package, CandidateFile):
            batch.append(package)
            continue
        group = groups[package.key]
        others = [other.relative_path for other in group if other.sha256 != package.sha256]
        if others:
            batch.append(_clashing(package, others[0]))
        elif package is group[0]:
            batch.append(package)
    return batch


@dataclass(slots=True)
class ValidationState:
    """What is known of a file so far. `target` is where its bytes are, which `path` may only link to."""

    path: Path
    relative_path: str
    target: Path | None = None
    index: dict[str, Any] = field(default_factory=dict)
    subdir: str = ""
    size: int = 0
    sha256: str = ""
    findings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def finish(self) -> Package | CandidateFile:
        """The package, or the file with all that is wrong with it."""
        if self.findings:
            return CandidateFile(
                relative_path=self.relative_path, file_name=self.path.name, findings=tuple(self.findings)
            )
        return Package(
            path=self.target or self.path,
            relative_path=self.relative_path,
            file_name=self.path.name,
            name=self.index["name"],
            version=self.index["version"],
            build=self.index["build"],
            build_number=self.index["build_number"],
            subdir=self.subdir,
            size=self.size,
            sha256=self.sha256,
            warnings=tuple(self.warnings),
        )


def _clashing(package: Package, other: str) -> CandidateFile:
    finding = f"{other!r} has the same file name and subdir ({package.subdir}), but other bytes: publish one of them"
    return CandidateFile(relative_path=package.relative_path, file_name=package.file_name, findings=(finding,))


def _target(state: ValidationState, workspace: Path) -> Path | None:
    """The file itself. A link is followed only inside the workspace."""
    try:
        target = state.path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        state.findings.append("the file is gone, or is a link that leads nowhere (a container sees only the workspace)")
        return None
    if not target.is_relative_to(workspace):
        state.findings.append("the file is a link that leads out of the workspace")
        return None
    return target


def _check_size(state: ValidationState, size: int, max_size: int | None) -> None:
    state.size = size
    if not size:
        state.findings.append("the file is empty")
    if max_size is not None and size > max_size:
        state.findings.append(f"the file has {size} bytes, more than the {max_size} of 'max-size'")


def _check_file(state: ValidationState, file: BinaryIO, rules: Rules) -> None:
    before = os.fstat(file.fileno())
    _check_size(state, before.st_size, rules.max_size)
    if not state.findings:
        _check_content(state, file, rules)
        if not _is_unchanged(before, os.fstat(file.fileno())):
            state.findings.append("the file was changed while it was validated: let no build run at the same time")


def _check_content(state: ValidationState, file: BinaryIO, rules: Rules) -> None:
    name = state.path.name
    if not name.endswith(PACKAGE_EXTENSIONS):
        state.findings.append("this is no conda package: its name ends in neither '.conda' nor '.tar.bz2'")
        return
    state.findings.extend(file_name_findings(name))
    submit = submit_if_large(state.size, rules.submit)
    hashing = _Hashing()

    def read() -> archive.Contents:
        contents = archive.read(file, name, everything=rules.depth is ValidationLevel.FULL)
        if contents.findings:
            hashing.stop()
        return contents

    reading = submit(read)
    state.sha256 = hashing.sha256(file.fileno())
    contents = reading.result()
    state.findings.extend(contents.findings)
    state.warnings.extend(contents.warnings)
    if contents.metadata is not None:
        state.findings.extend(metadata_findings(contents.metadata))
    if contents.index is not None:
        _check_index(state, contents.index)
    state.warnings.extend(duplicate_warnings(contents.duplicates))
    if contents.paths is not None and contents.payload is not None:
        state.warnings.extend(paths_warnings(contents.paths, contents.payload))


def _is_unchanged(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_size, before.st_mtime_ns, before.st_ctime_ns) == (
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )


class _Hashing:
    """Hashes a file, unless it turns out not to be worth it: an invalid file can be as large as a disk claims."""

    def __init__(self) -> None:
        self._is_wanted = True

    def stop(self) -> None:
        """The hash is of no use: it may end early, and wrong."""
        self._is_wanted = False

    def sha256(self, descriptor: int) -> str:
        """The SHA-256 of the whole file, in lower-case hexadecimal."""
        digest = hashlib.sha256()
        buffer = memoryview(bytearray(_CHUNK))
        done = 0
        # NOTE: each read says where: what decodes it reads the same open file.
        while self._is_wanted and (size := os.preadv(descriptor, [buffer], done)):
            digest.update(buffer[:size])
            done += size
        return digest.hexdigest()


def _check_index(state: ValidationState, raw: bytes) -> None:
    try:
        state.index = parse_json_object(raw)
    except ValueError as error:
        state.findings.append(f"'info/index.json' is {error}")
        return
    state.findings.extend(identity_findings(state.index, split(state.path.name)))
    number = state.index.get("build_number")
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        state.findings.append(
            f"'info/index.json' has the build_number {archive.truncated_repr(number)}, which is no number from 0 up"
        )
    state.subdir = _subdir(state)
    folder = state.path.parent.name
    if folder in KNOWN_SUBDIRS and state.subdir and folder != state.subdir:
        state.warnings.append(
            f"the file lies in a folder called {folder!r}, but is published to {state.subdir!r}, as its index says"
        )


def _subdir(state: ValidationState) -> str:
    told = state.index.get("subdir")
    if told is None:
        system, arch = state.index.get("platform"), state.index.get("arch")
        if not isinstance(system, str) or not isinstance(arch, str):
            state.findings.append("'info/index.json' has no subdir, nor the platform and arch of older packages")
            return ""
        told = f"{system}-{_ARCHES.get(arch, arch)}"
        state.warnings.append(f"'info/index.json' has no subdir: {told!r} is taken from its platform and arch")
    if not isinstance(told, str) or len(told) > _MAX_SUBDIR or not _SUBDIR.fullmatch(told):
        state.findings.append(f"'info/index.json' has the subdir {archive.truncated_repr(told)}, which CEP 26 excludes")
        return ""
    return told
