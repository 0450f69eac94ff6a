"""Writes the checksums to a file in the workspace: an environment variable holds only 128 KiB of them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from prefix_upload.errors import Diagnostic, setting
from prefix_upload.reporting.formats import checksum_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefix_upload.report import Report

# The permissions of a new file: later steps run as another user.
_MODE = 0o644


def write(report: Report, path: Path) -> Iterable[Diagnostic]:
    """Writes the checksums of a report, all at once or not at all. Returns an error if that fails.

    Args:
        report: the report. Without packages on the channel the file becomes empty, so that it is never an older one.
        path: a resolved path. Missing folders above it are created.
    """
    text = "".join(f"{line}\n" for line in checksum_lines(report))
    try:
        if path.resolve() != path:
            return [_error(path, "a link leads elsewhere")]
        if path.exists() and not path.is_file():  # such as /dev/null, which a file must not replace
            return [_error(path, "it is not a regular file")]
        _create_folders(path.parent)
        _replace(path, text.encode())
    except OSError as error:
        return [_error(path, error.strerror or str(error))]
    return []


def _create_folders(folder: Path) -> None:
    """Creates missing folders, which get the owner of the folder that they are in."""
    for missing in reversed([parent for parent in (folder, *folder.parents) if not parent.exists()]):
        missing.mkdir()
        _inherit_owner(missing)


def _replace(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).chmod(_MODE)
        _inherit_owner(Path(temporary))
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _inherit_owner(path: Path) -> None:
    """Gives a new file or folder the owner of its folder.

    The action's container runs as root, but later steps, which may have to delete the file, do not. On Windows, files
    get their owner and permissions from the folder anyway.
    """
    if not hasattr(os, "chown"):
        return
    with contextlib.suppress(OSError):
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _error(path: Path, reason: str) -> Diagnostic:
    return Diagnostic(
        "Could not write the checksums",
        f"Could not write {setting('checksums-file')} to {path} ({reason}).",
        "The output 'checksums' has the same lines. Choose a path that can be written.",
        page="#inputs",
    )
