"""What the commands do to files of a channel: how it is called, done, and recognized as done."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prefix_upload.status import Status
from prefix_upload.steps.change_messages import STILL_HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefix_upload.errors import Diagnostic
    from prefix_upload.package.channel_file import ChannelFile
    from prefix_upload.prefix_dev import Record
    from prefix_upload.prefix_dev.changes import Changes


class Operation(NamedTuple):
    """Something that is done to files of a channel, one by one.

    Attributes:
        verb: what is done, as in "delete 3 files".
        participle: what was done, as in "not deleted".
        done: the status of a file to which it was done.
        planned: that of a file to which a dry run would do it.
        record: the channel's record of a file; `None` if it could not be read.
        apply: does it, and makes sure of it. Raises `ChannelError`.
        is_done: whether it needs not be done, as a record or a listing shows.
        warning: what users should know about a file to which it was done, or need not be done.
    """

    verb: str
    participle: str
    done: Status
    planned: Status
    record: Callable[[ChannelFile], Record | None]
    apply: Callable[[ChannelFile], None]
    is_done: Callable[[ChannelFile | Record], bool]
    warning: Callable[[ChannelFile | Record], Diagnostic | None] = lambda _: None


def deletion(changes: Changes) -> Operation:
    """Deletes files."""
    return Operation(
        "delete", "deleted", Status.DELETED, Status.WOULD_DELETE, changes.record, changes.delete, lambda _: False
    )


def yanking(changes: Changes, reason: str, *, hide: bool) -> Operation:
    """Yanks files, so that solvers do not choose them, and hides them if `hide` is true."""
    return Operation(
        "yank",
        "yanked",
        Status.YANKED,
        Status.WOULD_YANK,
        changes.record,
        lambda file: changes.yank(file, reason, hide=hide),
        lambda file: file.yanked is not None and (file.is_hidden or not hide),
    )


def unyanking(changes: Changes, *, unhide: bool) -> Operation:
    """Takes that back; also that files are hidden, if `unhide` is true."""
    return Operation(
        "unyank",
        "unyanked",
        Status.UNYANKED,
        Status.WOULD_UNYANK,
        changes.record,
        lambda file: changes.unyank(file, unhide=unhide),
        lambda file: file.yanked is None and not (unhide and file.is_hidden),
        lambda file: STILL_HIDDEN if file.is_hidden and not unhide else None,
    )
