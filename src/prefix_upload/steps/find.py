"""Step 1: finds the files that match the patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload import discovery
from prefix_upload.errors import NothingToPublishError
from prefix_upload.settings import IfNoFilesFound
from prefix_upload.steps import messages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from prefix_upload.steps.run import Run


def find(run: Run) -> Sequence[Sequence[Path]]:
    """The paths that lead to each matching file, in the order of the patterns.

    Raises:
        NothingToPublishError: no file matches, and `if-no-files-found` is `error`.
        ConfigurationError: a pattern has too many alternatives in braces.
    """
    patterns = run.settings.patterns
    # In a thread, so that a cancellation need not wait for a slow file system.
    found = run.call(lambda: discovery.find(patterns, run.workspace))
    if found is None:
        return ()
    if found.left_out:
        run.ledger.warnings.append(messages.left_out(found.left_out))
    if found.outside:
        run.ledger.warnings.append(messages.outside(found.outside))
    if not found.files:
        _nothing_found(run)
    elif found.unmatched:
        run.ledger.warnings.append(messages.unmatched(found.unmatched))
    return found.files


def _nothing_found(run: Run) -> None:
    error = NothingToPublishError(messages.quoted(run.settings.patterns.include))
    match run.settings.if_no_files_found:
        case IfNoFilesFound.ERROR:
            raise error
        case IfNoFilesFound.WARN:
            run.ledger.warnings.append(error.diagnostic)
        case IfNoFilesFound.IGNORE:
            pass
