"""Validates files: opens, hashes and decodes each of them, and checks it against the rules."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from prefix_upload.concurrency import Submit, run_inline, submit_if_large
from prefix_upload.errors import setting
from prefix_upload.package import archive
from prefix_upload.package.fs import FileState, NotRegularFileError, open_regular, read_at
from prefix_upload.package.metadata import Index, read_index
from prefix_upload.package.model import PACKAGE_EXTENSIONS, CandidateFile, Package, ValidationLevel
from prefix_upload.package.rules import duplicate_warnings, file_name_findings, metadata_findings, paths_warnings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_CHUNK = 2**18


@dataclass(frozen=True)
class ValidationOptions:
    """What a run requires of a file. `workspace` is a resolved path; `max_size` is in bytes, `None` for no limit.

    `submit` starts the decoding of a large file, which is hashed meanwhile.
    """

    workspace: Path
    level: ValidationLevel
    max_size: int | None
    submit: Submit = run_inline


def check(path: Path, options: ValidationOptions) -> Package | CandidateFile:
    """Validates one file. Returns a `CandidateFile` with its findings if it is invalid.

    The file is hashed and decoded, both at the same time if it is large. It is invalid if it changes meanwhile.
    """
    state = ValidationState(path, _relative(path, options))
    state.target = _resolve(state, options.workspace)
    try:
        if state.target is not None:
            with os.fdopen(open_regular(state.target), "rb") as file:
                _check_file(state, file, options)
    except NotRegularFileError:
        state.findings.append("this is not a regular file")
    except OSError as error:
        state.findings.append(f"the file cannot be read ({error.strerror})")
    return state.finish()


def candidate(path: Path, options: ValidationOptions) -> CandidateFile:
    """A candidate for a file that has not been validated yet."""
    return CandidateFile(relative_path=_relative(path, options), file_name=path.name, findings=())


def check_batch(checked: Sequence[Package | CandidateFile]) -> list[Package | CandidateFile]:
    """Resolves duplicates: packages with the same subdir and file name.

    Of packages with the same bytes, only the first is kept. If their bytes differ, all of them become invalid.
    """
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
            batch.append(_conflict(package, others[0]))
        elif package is group[0]:
            batch.append(package)
    return batch


def _relative(path: Path, options: ValidationOptions) -> str:
    return path.relative_to(options.workspace).as_posix()


@dataclass(slots=True)
class ValidationState:
    """What is known about a file so far. `target` is `path` with all symlinks resolved; `None` if it cannot be used."""

    path: Path
    relative_path: str
    target: Path | None = None
    index: Index = field(default_factory=Index)
    size: int = 0
    sha256: str = ""
    findings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def finish(self) -> Package | CandidateFile:
        """The package, or a candidate with the findings."""
        if self.findings:
            return CandidateFile(
                relative_path=self.relative_path, file_name=self.path.name, findings=tuple(self.findings)
            )
        return Package(
            path=self.target or self.path,
            relative_path=self.relative_path,
            file_name=self.path.name,
            name=self.index.fields["name"],
            version=self.index.fields["version"],
            build=self.index.fields["build"],
            build_number=self.index.fields["build_number"],
            subdir=self.index.subdir,
            size=self.size,
            sha256=self.sha256,
            warnings=tuple(self.warnings),
        )


def _conflict(package: Package, other: str) -> CandidateFile:
    finding = (
        f"{other!r} has the same file name and subdir ({package.subdir}), but different bytes; publish only one of them"
    )
    return CandidateFile(relative_path=package.relative_path, file_name=package.file_name, findings=(finding,))


def _resolve(state: ValidationState, workspace: Path) -> Path | None:
    """The path with all symlinks resolved. `None`, with a finding, if it is missing or outside the workspace."""
    try:
        target = state.path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a symlink loop, before Python 3.13
        state.findings.append("the file is missing, or is a link to something that is missing or not visible here")
        return None
    if not target.is_relative_to(workspace):
        state.findings.append("the file is a link to something outside the workspace")
        return None
    return target


def _check_size(state: ValidationState, size: int, max_size: int | None) -> None:
    state.size = size
    if not size:
        state.findings.append("the file is empty")
    if max_size is not None and size > max_size:
        state.findings.append(f"the file has {size} bytes, more than {setting('max-size')} allows ({max_size})")


def _check_file(state: ValidationState, file: BinaryIO, options: ValidationOptions) -> None:
    before = FileState.of(file.fileno())
    _check_size(state, before.size, options.max_size)
    if not state.findings:
        _check_content(state, file, options)
        if FileState.of(file.fileno()) != before:
            state.findings.append("the file changed while it was validated; let the build finish first")


def _check_content(state: ValidationState, file: BinaryIO, options: ValidationOptions) -> None:
    name = state.path.name
    if not name.endswith(PACKAGE_EXTENSIONS):
        state.findings.append("this is not a conda package: the file name ends in neither '.conda' nor '.tar.bz2'")
        return
    state.findings.extend(file_name_findings(name))
    submit = submit_if_large(state.size, options.submit)
    hashing = _Hashing()

    def read() -> archive.Contents:
        contents = archive.read(file, name, everything=options.level is ValidationLevel.FULL)
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
        state.index = read_index(contents.index, name, state.path.parent.name)
        state.findings.extend(state.index.findings)
        state.warnings.extend(state.index.warnings)
    state.warnings.extend(duplicate_warnings(contents.duplicates))
    if contents.paths is not None and contents.payload is not None:
        state.warnings.extend(paths_warnings(contents.paths, contents.payload))


class _Hashing:
    """Hashes a file until it turns out to be invalid: an invalid file may be sparse and of any size."""

    def __init__(self) -> None:
        self._is_wanted = True

    def stop(self) -> None:
        """Makes `sha256` return early, with a meaningless hash."""
        self._is_wanted = False

    def sha256(self, descriptor: int) -> str:
        """The SHA-256 of the whole file in lower-case hexadecimal, unless `stop` is called."""
        digest = hashlib.sha256()
        buffer = memoryview(bytearray(_CHUNK))
        offset = 0
        # NOTE: read at an offset, since the decoder moves the position of the same open file.
        while self._is_wanted and (size := read_at(descriptor, buffer, offset)):
            digest.update(buffer[:size])
            offset += size
        return digest.hexdigest()
