"""The final status of a file."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The final status of a file. The values are part of the `packages` output."""

    UPLOADED = "uploaded"
    OVERWRITTEN = "overwritten"
    ALREADY_PRESENT = "already-present"
    SAME_CONTENT = "same-content"
    SKIPPED = "skipped"
    WOULD_UPLOAD = "would-upload"
    VALID = "valid"
    INVALID = "invalid"
    FAILED = "failed"
    NOT_ATTEMPTED = "not-attempted"
    ROLLED_BACK = "rolled-back"
    DELETED = "deleted"
    WOULD_DELETE = "would-delete"
    ALREADY_GONE = "already-gone"
    YANKED = "yanked"
    WOULD_YANK = "would-yank"
    UNYANKED = "unyanked"
    WOULD_UNYANK = "would-unyank"
    UNCHANGED = "unchanged"

    @property
    def is_on_channel(self) -> bool:
        """Whether the channel now has the file with exactly these bytes."""
        return self in {Status.UPLOADED, Status.OVERWRITTEN, Status.ALREADY_PRESENT}

    @property
    def is_available(self) -> bool:
        """Whether the channel now has the file with these contents, in these bytes or in others."""
        return self.is_on_channel or self is Status.SAME_CONTENT

    @property
    def is_change(self) -> bool:
        """Whether the run has changed a file of the channel."""
        return self in {Status.DELETED, Status.YANKED, Status.UNYANKED}

    @property
    def is_planned(self) -> bool:
        """Whether a dry run would do it."""
        return self.startswith("would-")

    @property
    def is_failure(self) -> bool:
        """Whether the run failed to do what was requested for the file."""
        return self.is_consequence or self in {Status.INVALID, Status.FAILED}

    @property
    def is_consequence(self) -> bool:
        """Whether that is because of another failure, with which the reason is reported."""
        return self in {Status.NOT_ATTEMPTED, Status.ROLLED_BACK}
