"""Parses inputs that are paths or patterns in the workspace."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from prefix_upload.package.formats import PACKAGE_EXTENSIONS
from prefix_upload.package.listing import truncated_repr
from prefix_upload.patterns import MAX_ALTERNATIVES, Patterns, has_too_many_alternatives
from prefix_upload.settings.parsers import InputError

if TYPE_CHECKING:
    from prefix_upload.settings.parsers import Context, Workspace

# The public instances of Sigstore.
PRODUCTION, STAGING = "production", "staging"


def patterns(text: str, context: Context) -> Patterns:
    """Parses glob patterns, one per line. `!` excludes; `#` starts a comment line.

    Raises:
        ExceptionGroup: the `InputError`s of all lines.
    """
    include: list[str] = []
    exclude: list[str] = []
    errors: list[InputError] = []
    for line in map(str.strip, text.splitlines()):
        if line and not line.startswith("#"):
            kind, pattern = (exclude, line[1:].strip()) if line.startswith("!") else (include, line)
            try:
                kind.append(_bounded(relative_to_workspace(pattern, context.workspace)))
            except InputError as error:
                errors.append(error)
                kind.append(pattern)
    if not any(include):
        errors.append(InputError("has no pattern", "Write one pattern per line, such as 'output/**/*.conda'."))
    if errors:
        raise ExceptionGroup("patterns", errors)
    return Patterns(tuple(dict.fromkeys(include)), tuple(dict.fromkeys(exclude)))


def _bounded(pattern: str) -> str:
    if has_too_many_alternatives(pattern):
        raise InputError(
            f"has the pattern {truncated_repr(pattern)}, which expands to more than {MAX_ALTERNATIVES} patterns",
            "Use fewer alternatives in braces, or '*'.",
        )
    return pattern


def relative_to_workspace(pattern: str, workspace: Workspace) -> str:
    r"""Makes a pattern relative to the workspace, with `/` between its parts.

    On Windows, `\` also separates them, as in the patterns of GitHub's own actions (actions/toolkit, `glob`), so that
    it escapes nothing there.

    Raises:
        InputError: it is outside the workspace, or has a `..` part.
    """
    # A pattern is not a path, but its leading literal parts are those of a path.
    path = _pure_path(pattern, workspace)
    if ".." in path.parts:
        raise InputError(
            f"has the pattern {pattern!r}, which contains '..'", "Write patterns without '..', inside the workspace."
        )
    if not path.anchor:
        if pattern.startswith("~"):
            raise InputError(f"has the pattern {pattern!r}, but '~' isn't expanded", workspace.outside_hint)
        return path.as_posix()
    for root in (workspace.path, *workspace.aliases):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    raise InputError(f"has the pattern {pattern!r}, which is outside the workspace", workspace.outside_hint)


def _pure_path(pattern: str, workspace: Workspace) -> PurePath:
    """The pattern as a path of the system that the workspace is on."""
    if not isinstance(workspace.path, PureWindowsPath):
        return PurePosixPath(pattern)
    # A runner's `shell: bash` is Git Bash there, which writes 'D:\\a' as '/d/a'.
    return PureWindowsPath(re.sub(r"^/([A-Za-z])(?=/)", r"\1:", pattern))


def sigstore_instance(text: str, context: Context) -> str | Path:
    """Parses a Sigstore instance: `production`, `staging`, or a file in the workspace that describes a private one."""
    if text in {PRODUCTION, STAGING}:
        return text
    with contextlib.suppress(OSError, ValueError):
        path = (context.workspace.path / relative_to_workspace(text, context.workspace)).resolve()
        if path.is_relative_to(context.workspace.path) and path.is_file():
            return path
    raise InputError(
        f"is {truncated_repr(text)}, but there is no such file in the workspace",
        f"Write '{PRODUCTION}', '{STAGING}', or the path of a trust configuration (JSON) in the workspace.",
    )


def checksums_file(text: str, context: Context) -> Path | None:
    """Parses the path of a file to write in the workspace; `None` for an empty text.

    The value is resolved. The file and the folders above it need not exist.
    """
    if not text:
        return None
    workspace = context.workspace.path
    described = f"is {truncated_repr(text)}"
    try:
        relative = relative_to_workspace(text, context.workspace)
        path = (workspace / relative).resolve()
        is_inside, is_folder = path.is_relative_to(workspace), path.is_dir() or text.endswith("/")
    except InputError:
        is_inside, is_folder, relative, path = False, False, "", workspace
    except (OSError, RuntimeError, ValueError):  # such as a loop of links, or a null character
        raise InputError(f"{described}, which is not a path", "Write a path such as 'SHA256SUMS'.") from None
    if not is_inside:
        raise InputError(
            f"{described}, which is outside the workspace",
            "Write a path inside the workspace, without '..' or links that lead outside it.",
        )
    if is_folder:
        raise InputError(
            f"{described}, which is a folder", f"Add a file name: '{PurePosixPath(relative, 'SHA256SUMS')}'."
        )
    if text.endswith(PACKAGE_EXTENSIONS) or not text.isprintable():
        raise InputError(f"{described}", "Write the path of a text file, such as 'SHA256SUMS'.")
    return path
