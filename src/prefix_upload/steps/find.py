"""Finds the files that match the patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload import discovery
from prefix_upload.errors import NothingToPublishError
from prefix_upload.settings import IfNoFilesFound
from prefix_upload.steps import find_messages, pattern_hints

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from prefix_upload.steps.run import LocalRun


def find(run: LocalRun) -> Sequence[Sequence[Path]]:
    """The paths that lead to each matching file, in the order of the patterns.

    Raises:
        NothingToPublishError: no file matches, and `if-no-files-found` is `error`.
    """
    patterns = run.settings.patterns
    # In a thread, so that a cancellation need not wait for a slow file system.
    found = run.call(lambda: discovery.find(patterns, run.workspace))
    if found is None:
        return ()
    if found.left_out:
        run.ledger.warnings.append(find_messages.left_out(found.left_out))
    if found.outside:
        run.ledger.warnings.append(find_messages.outside(found.outside))
    if found.unreadable:
        run.ledger.warnings.append(find_messages.unreadable(found.unreadable))
    if not found.files:
        _nothing_found(run)
    elif found.unmatched:
        names = frozenset(path.relative_to(run.workspace).as_posix() for paths in found.files for path in paths)
        advice = _advice(run, found.unmatched, _contents(run)._replace(found=names))
        run.ledger.warnings.append(find_messages.unmatched(found.unmatched, advice))
    return found.files


def _nothing_found(run: LocalRun) -> None:
    if run.settings.if_no_files_found is IfNoFilesFound.IGNORE:
        return
    include, contents = run.settings.patterns.include, _contents(run)
    error = NothingToPublishError(
        find_messages.quoted(include), pattern_hints.available_packages(contents), _advice(run, include, contents)
    )
    if run.settings.if_no_files_found is IfNoFilesFound.ERROR:
        raise error
    run.ledger.warnings.append(error.diagnostic)


def _advice(run: LocalRun, unmatched: Sequence[str], contents: pattern_hints.Contents) -> str:
    """What to change in these patterns; "" if that is not known. In a thread: there may be many to compare."""
    return run.call(lambda: pattern_hints.advice(unmatched, run.settings.patterns, contents)) or ""


def _contents(run: LocalRun) -> pattern_hints.Contents:
    """What the workspace has, for advice; nothing if a cancellation cut the look short."""
    unknown = pattern_hints.Contents(is_complete=False)
    if run.workspace == run.workspace.parent:  # a root: on the command line, patterns may lead to different folders
        return unknown
    return run.call(lambda: pattern_hints.scan(run.workspace)) or unknown
