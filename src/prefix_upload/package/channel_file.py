"""Files that a channel lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.model import Artifact

if TYPE_CHECKING:
    from datetime import datetime


class ChannelFile(Artifact):
    """A file that a channel lists. `size` is 0 and `sha256` is "" if the server does not tell.

    `created` is when the file was added to the channel (`None`: not known), and `withheld` why solvers do not get it,
    such as "yanked (broken)" ("": they do). `yanked` is the reason for which it is yanked (`None`: it is not),
    and `is_hidden` whether it is hidden.
    """

    created: datetime | None = None
    withheld: str = ""
    yanked: str | None = None
    is_hidden: bool = False
