"""The messages about what the patterns match, and what they don't. All functions are pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.errors import Diagnostic
from prefix_upload.globbing import build_folder_of
from prefix_upload.package.listing import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def unmatched(patterns: Iterable[str], advice: str) -> Diagnostic:
    """The warning about patterns that match nothing while others match; `advice` is "" if the mistake is not known."""
    hint = advice or "Check the spelling, or remove the line."
    return Diagnostic("Pattern matched nothing", f"No file matches {quoted(patterns)}.", hint, page="#patterns")


def left_out(paths: Sequence[str]) -> Diagnostic:
    """The warning about packages in folders that `**` does not enter."""
    folders = dict.fromkeys(f"!{build_folder_of(path)}" for path in paths)
    return Diagnostic(
        "Packages left out",
        "'**' does not enter folders named 'broken' or 'bld', where builds keep unfinished packages and those whose "
        f"tests failed. Not published: {listed(paths)}.",
        f"To publish them, name the folder in a pattern. To silence this warning, add {listed(list(folders))}.",
        page="#patterns",
    )


def outside(paths: Sequence[str]) -> Diagnostic:
    """The warning about linked folders that `**` does not enter."""
    return Diagnostic(
        "Links not followed",
        f"'**' does not follow links to folders outside the workspace: {listed(paths)}.",
        "Copy the folder into the workspace, or exclude the link with a '!' line.",
        page="#patterns",
    )


def unreadable(paths: Sequence[str]) -> Diagnostic:
    """The warning about folders that could not be searched."""
    return Diagnostic(
        "Folders not searched",
        f"Packages may be missing, because these folders could not be read: {listed(paths)}.",
        "Check who owns them and their permissions: a step in a container may have written them as root.",
        page="#patterns",
    )


def quoted(patterns: Iterable[str]) -> str:
    """The quoted patterns, separated by commas."""
    return ", ".join(f"'{pattern}'" for pattern in patterns)
