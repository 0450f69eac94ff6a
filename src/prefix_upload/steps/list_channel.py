"""Lists the files of a channel among which a command chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.prefix_dev.responses import LookupFailedError
from prefix_upload.steps.messages import pluralize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.package.channel_file import ChannelFile
    from prefix_upload.prefix_dev.listing import ChannelListing
    from prefix_upload.steps.run import Run


def list_channel(run: Run, listing: ChannelListing, names: Sequence[str] | None) -> Sequence[ChannelFile] | None:
    """All files of the packages with these names, or (`None`) of all packages.

    `None`, with an error in the ledger, if they could not be listed, since a part of them is not enough to plan with,
    or if the server does not accept the API key. `None` also if the run was cancelled.
    """
    what = "the channel" if names is None else pluralize(len(names), "package")
    run.reporter.phase(f"List {what}")
    try:
        files = run.call(lambda: list(listing.files(names)))
    except LookupFailedError as error:
        record_failed_listing(run, error)
        return None
    if files is None or run.is_cancelled:
        return None
    if rejection := run.channel.access.key_error(knows_user=listing.knows_user):
        run.ledger.errors.append(rejection.diagnostic)
        return None
    run.reporter.note(f"{pluralize(len(files), 'file')} on the channel")
    return files


def record_failed_listing(run: Run, error: LookupFailedError) -> None:
    """Adds to the ledger why the channel could not be listed, which may take a request to find out."""
    if found := run.call(lambda: run.channel.access.query_error(error)):
        run.ledger.errors.append(found.diagnostic)
