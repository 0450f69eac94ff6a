"""`reindex`: asks the server to index subdirs of a channel again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from prefix_upload.errors import ChannelError, ChannelWideError, Diagnostic
from prefix_upload.prefix_dev.responses import LookupFailedError
from prefix_upload.steps.list_channel import record_failed_listing
from prefix_upload.steps.messages import pluralize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.steps.change_run import ReindexRun


def reindex(run: ReindexRun) -> None:
    """Asks for a new index of each subdir. What fails is an error in the ledger; the server makes the rest later."""
    subdirs = run.settings.subdirs or _all_subdirs(run)
    if not subdirs:
        return
    run.reporter.phase(f"Reindex {pluralize(len(subdirs), 'subdir')}")
    for subdir in subdirs:
        if run.is_cancelled:
            return
        try:
            is_accepted = run.call(partial(run.changes.reindex, subdir))
        except ChannelError as error:
            message = f"{subdir}: {error.message}"
            run.ledger.errors.append(Diagnostic("Not indexed", message, error.hint, page=error.page))
            if isinstance(error, ChannelWideError):
                return
        else:
            if is_accepted:  # `None`: the run was cancelled meanwhile
                run.reporter.note(f"{subdir}: requested")


def _all_subdirs(run: ReindexRun) -> Sequence[str]:
    """The subdirs in which the channel has packages; none, with an error in the ledger, if they can't be listed."""
    run.reporter.phase("List the subdirs of the channel")
    try:
        return run.call(run.listing.subdirs) or ()
    except LookupFailedError as error:
        record_failed_listing(run, error)
        return ()
