"""Validates files: opens, hashes and decodes each of them, and checks it against the rules."""

from __future__ import annotations

import hashlib
import os
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from prefix_upload.concurrency import Submit, run_inline, submit_if_large
from prefix_upload.errors import setting
from prefix_upload.package import archive, hints, names
from prefix_upload.package.file_lists import duplicate_warnings, list_warnings
from prefix_upload.package.formats import ValidationLevel
from prefix_upload.package.fs import READS_ANYWHERE, FileState, NotRegularFileError, file_size, open_regular, read_at
from prefix_upload.package.hashing import Hashing
from prefix_upload.package.install_paths import entry_point_warnings, install_findings
from prefix_upload.package.metadata import folder_warnings, read_index
from prefix_upload.package.model import CandidateFile, Package
from prefix_upload.package.portability import portability_warnings
from prefix_upload.package.validation_state import ValidationState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Files of at most this many bytes are read at once: the decoder reads in dozens of places, and each time gives up the
# GIL.
_SMALL = 2**18


class ValidationOptions(NamedTuple):
    """What a run requires of a file. `workspace` is a resolved path; `max_size` is in bytes, `None` for no limit.

    `submit` starts the decoding of a large file, which is hashed meanwhile. `folder` is the one that paths are shown
    relative to; by default, the workspace.
    """

    workspace: Path
    level: ValidationLevel
    max_size: int | None
    submit: Submit = run_inline
    folder: Path | None = None

    def shown(self, path: Path) -> str:
        """A path as it is shown to users: absolute if it is elsewhere."""
        try:
            return path.relative_to(self.folder or self.workspace).as_posix()
        except ValueError:
            return path.as_posix()


def check(paths: Sequence[Path], options: ValidationOptions) -> Package | CandidateFile:
    """Validates one file. Returns a `CandidateFile` with its findings if it is invalid.

    The file is hashed and decoded, both at the same time if it is large and the system can. It is invalid if it changes
    meanwhile.

    Args:
        paths: every path that leads to the file. The package gets the first one whose name belongs to its metadata.
        options: what is required of the file.
    """
    state = ValidationState(options.shown, tuple(paths))
    state.target = _resolve(state, options.workspace)
    try:
        if state.target is not None:
            with os.fdopen(open_regular(state.target), "rb") as file:
                _check_file(state, file, options)
    except NotRegularFileError:
        state.add("this is not a regular file", hints.NOT_A_PACKAGE)
    except OSError as error:
        state.add(f"the file cannot be read ({error.strerror})", hints.unreadable(error))
    return state.finish()


def is_light(path: Path) -> bool:
    """Whether Python code takes most of the time to check a file, so that threads don't help.

    Hashing and decoding release the GIL, but only large files take long for them, or any that bzip2 has to decode.
    """
    return file_size(path) <= _SMALL and not path.name.endswith(".tar.bz2")


def candidate(paths: Sequence[Path], options: ValidationOptions) -> CandidateFile:
    """A candidate for a file that has not been validated yet."""
    path = paths[0]
    return CandidateFile(relative_path=options.shown(path), file_name=path.name, findings=())


def _resolve(state: ValidationState, workspace: Path) -> Path | None:
    """The path with all symlinks resolved. `None`, with a finding, if it is missing or outside the workspace."""
    try:
        target = state.path.resolve(strict=True)
    except PermissionError as error:
        state.add(f"the file cannot be read ({error.strerror})", hints.unreadable(error))
        return None
    except (OSError, RuntimeError):  # RuntimeError: a symlink loop, before Python 3.13
        state.add("the file is missing, or is a link to something that is missing or not visible here", hints.NO_FILE)
        return None
    if not target.is_relative_to(workspace):
        state.add("the file is a link to something outside the workspace", hints.NO_FILE)
        return None
    return target


def _check_file(state: ValidationState, file: BinaryIO, options: ValidationOptions) -> None:
    if not any(names.extension_of(path.name) for path in state.paths):
        state.add(
            "this is not a conda package: the file name ends in neither '.conda' nor '.tar.bz2'",
            hints.not_a_package(state.path.name),
        )
        return
    before = FileState.of(file.fileno())
    state.size = before.size
    if not before.size:
        state.add("the file is empty")
    if options.max_size is not None and before.size > options.max_size:
        state.add(
            f"the file has {before.size} bytes, more than {setting('max-size')} allows ({options.max_size})",
            hints.TOO_LARGE,
        )
    if not state.findings:
        _check_content(state, file, options)
        if FileState.of(file.fileno()) != before:
            state.add("the file changed while it was validated; let the build finish first", hints.CHANGED)


def _check_content(state: ValidationState, file: BinaryIO, options: ValidationOptions) -> None:
    state.paths = _of_format(state.paths, file)
    contents = _read(state, file, options)
    if contents.index is not None:
        state.index = read_index(contents.index)
    hint = hints.REBUILD
    if contents.index is None and not contents.tarballs:
        is_conda = state.path.name.endswith(".tar.bz2") and _is_zip(file)
        hint = hints.ZIP_NAMED_TARBALL if is_conda else hints.REBUILD_UNLESS_OTHER
    _check_name(state, contents, hint)
    state.add_all(contents.findings, hint)
    _check_contents(state, contents)


def _of_format(paths: tuple[Path, ...], file: BinaryIO) -> tuple[Path, ...]:
    """The paths, those first whose extension belongs to how the file starts, then those with any extension of ours."""
    if len(paths) == 1:
        return paths
    extension = ".conda" if _is_zip(file) else ".tar.bz2"
    return tuple(sorted(paths, key=lambda path: (not path.name.endswith(extension), not names.extension_of(path.name))))


def _is_zip(file: BinaryIO) -> bool:
    """Whether a file starts as a `.conda` package does."""
    start = bytearray(2)
    read_at(file.fileno(), memoryview(start), 0)
    return start == b"PK"


def _read(state: ValidationState, file: BinaryIO, options: ValidationOptions) -> archive.Contents:
    """Decodes and hashes the file."""
    if state.size <= _SMALL:
        content = file.read(state.size)
        state.sha256 = hashlib.sha256(content).hexdigest()
        return _decode(state, BytesIO(content), options)
    hashing = Hashing()
    # Where the file can't be hashed meanwhile, it is decoded first.
    submit = submit_if_large(state.size, options.submit if READS_ANYWHERE else run_inline)

    def read() -> archive.Contents:
        contents = _decode(state, file, options)
        if contents.findings:
            hashing.stop()
        return contents

    reading = submit(read)
    state.sha256 = hashing.sha256(file.fileno())
    return reading.result()


def _decode(state: ValidationState, file: BinaryIO, options: ValidationOptions) -> archive.Contents:
    return archive.read(file, state.path.name, everything=options.level is ValidationLevel.FULL)


def _check_name(state: ValidationState, contents: archive.Contents, hint: str) -> None:
    """Picks the path whose name belongs to the metadata, and checks the name."""
    expected = names.name_of_contents(state.index.fields, names.extension_of(state.path.name))
    fitting = [path for path in state.paths if path.name == expected]
    if fitting:
        chosen = next((path for path in fitting if path.parent.name == state.index.subdir), fitting[0])
        state.warnings.extend(
            f"the same file is also matched as {state.shown(path)!r}; it is only published under the name that "
            "belongs to its metadata"
            for path in state.paths
            if path.name != chosen.name
        )
        if len(state.paths) > 1:
            state.target = chosen.resolve()
        state.paths = (chosen,)
    name = state.path.name
    if name == expected:
        state.add_all(names.tarball_findings(name, contents.tarballs))
        return
    if expected is None or not _is_named(contents, expected):
        state.add_all(names.file_name_findings(name), hint)
        state.add_all(names.tarball_findings(name, contents.tarballs))
        state.add_all(names.identity_findings(name, state.index.fields))
        return
    holds = " ".join(state.index.fields[part] for part in ("name", "version", "build"))
    state.add(
        f"the file was renamed: it holds {holds}, and its name should be {expected!r}",
        hints.REBUILD if contents.findings or state.index.findings else _rename_hint(state, expected),
    )


def _is_named(contents: archive.Contents, name: str) -> bool:
    """Whether the archive itself belongs to a file of this name."""
    return not list(names.tarball_findings(name, contents.tarballs))


def _rename_hint(state: ValidationState, name: str) -> str:
    if state.target is not None and state.target.name == name:
        return f"This is a link: let {setting('glob')} match {state.shown(state.target)!r} instead."
    # NOTE: `Path.exists` raises an OSError for a name that is too long.
    is_there = os.path.exists(state.path.with_name(name))  # noqa: PTH110
    return hints.DELETE_COPY if is_there else hints.RENAME


def _check_contents(state: ValidationState, contents: archive.Contents) -> None:
    state.warnings.extend(contents.warnings)
    if contents.metadata is not None:
        state.add_all(names.format_findings(contents.metadata))
    state.add_all(state.index.findings)
    state.warnings.extend(state.index.warnings)
    state.warnings.extend(folder_warnings(state.index.subdir, state.path.parent.name))
    state.add_all(install_findings(contents, state.index.fields))
    state.warnings.extend(list_warnings(contents))
    state.warnings.extend(entry_point_warnings(contents))
    state.warnings.extend(duplicate_warnings(contents.duplicates))
    if contents.payload is not None:
        state.warnings.extend(
            portability_warnings(state.index.fields, state.index.subdir, contents.payload, contents.symlinks)
        )
