"""The messages of the commands that change what is on a channel. All functions are pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.errors import CHANGES_RERUN_IS_SAFE, ChannelError, ChannelWideError, Diagnostic, setting
from prefix_upload.package.listing import listed
from prefix_upload.steps.messages import pluralize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.package.selectors import Selector
    from prefix_upload.steps.operations import Operation

# The number of files that an error about what is left names.
_NAMED = 20

STILL_HIDDEN = Diagnostic(
    "Still hidden",
    "The file is hidden, which unyanking alone doesn't change.",
    f"Set {setting('unhide', 'true')} to show it again.",
    page="#delete-yank-and-reindex",
)
"""The warning about a file that is unyanked, but was also hidden."""


def failed(operation: Operation, error: ChannelError) -> Diagnostic:
    """The error of a file that was not changed, or may not have been."""
    return Diagnostic(f"Not {operation.participle}", error.message, error.hint, page=error.page)


def unknown_record(operation: Operation) -> Diagnostic:
    """The error of a file whose record could not be read, so that it may be another one than planned."""
    return Diagnostic(
        f"Not {operation.participle}", "Its record could not be read, so it was left alone.", CHANGES_RERUN_IS_SAFE
    )


def unknown_hash(operation: Operation) -> Diagnostic:
    """The error of a file that is listed without a hash, so that it is not known whether it is still the same."""
    return Diagnostic(
        f"Not {operation.participle}",
        "The server lists it without its SHA-256, so it was left alone.",
        f"To {operation.verb} it all the same, use its page on the channel.",
    )


def other_bytes(operation: Operation) -> Diagnostic:
    """The error of a file that was overwritten since the channel was listed."""
    return Diagnostic(
        f"Not {operation.participle}",
        "It was overwritten after the channel was listed, so it was left alone.",
        CHANGES_RERUN_IS_SAFE,
    )


def gone(operation: Operation) -> Diagnostic:
    """The error of a file that was deleted since the channel was listed, and that should not be."""
    return Diagnostic(f"Not {operation.participle}", "It is not on the channel any more.", CHANGES_RERUN_IS_SAFE)


def ended_before(operation: Operation) -> Diagnostic:
    """The error of a file that a run has not come to."""
    return Diagnostic("Not attempted", f"Not {operation.participle}, because the run ended first.")


def ended_during(operation: Operation) -> Diagnostic:
    """The error of a file whose change was under way when the run ended."""
    return Diagnostic(
        "Cancelled", f"The run ended while the server was asked to {operation.verb} it.", CHANGES_RERUN_IS_SAFE
    )


def not_attempted(operation: Operation, error: ChannelError) -> Diagnostic:
    """The error of a file that was left alone because of an earlier failure."""
    message = f"Not {operation.participle}, because of an earlier failure: {error.message}"
    return Diagnostic("Not attempted", message, error.hint, page=error.page)


def server_down(files: int) -> ChannelWideError:
    """The error of a server with which too many files in a row failed."""
    return ChannelWideError(f"{pluralize(files, 'file')} in a row failed.", CHANGES_RERUN_IS_SAFE)


def incomplete(operation: Operation, left: Sequence[str], total: int) -> Diagnostic:
    """The error about the files that were to be changed, and were not or may not have been."""
    names = listed(left, "'{}'".format, _NAMED)
    count = f"{len(left)} of {pluralize(total, 'file')} {'was' if len(left) == 1 else 'were'}"
    return Diagnostic(
        f"Not everything was {operation.participle}",
        f"{count} not {operation.participle}, or may not have been: {names}.",
        CHANGES_RERUN_IS_SAFE,
    )


def unmatched(selectors: Sequence[Selector]) -> Diagnostic:
    """The message about selectors that match nothing."""
    texts = [selector.text for selector in selectors]
    return Diagnostic(
        "Selector matched nothing",
        f"The channel has no file that matches {listed(texts)}.",
        f"Check {setting('packages')}. The name of a package selects all its files; that of a file ends in '.conda' or "
        "'.tar.bz2'.",
        page="#selectors",
    )


def selector_unmatched(operation: Operation) -> Diagnostic:
    """The error of a file that was left alone because another selector matches nothing."""
    return Diagnostic("Not attempted", f"Not {operation.participle}, because another selector matches nothing.")


def too_many(count: int, limit: int, setting_name: str) -> Diagnostic:
    """The error about a plan that goes too far."""
    return Diagnostic(
        "Too many files",
        f"{count} files would be deleted, more than {setting(setting_name)} allows ({limit}). Nothing was deleted.",
        f"Check the plan. If it is what you want, set {setting(setting_name)} to {count} or more.",
        page="#retention",
    )


def stopped_by_limit(setting_name: str) -> Diagnostic:
    """The error of a file that stays because the plan goes too far."""
    return Diagnostic("Not attempted", f"Not deleted, because the plan exceeds {setting(setting_name)}.")
