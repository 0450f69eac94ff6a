"""The checked inputs of the commands that change what is on a channel. Loaded for these commands only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.selectors import FileSelector
from prefix_upload.settings.settings import Settings

if TYPE_CHECKING:
    from datetime import timedelta

    from prefix_upload.package.selectors import Glob, Selector


class FilesSettings(Settings):
    """What the commands have that work on files of a channel. `dry_run` is `None` if the user leaves it open."""

    selectors: tuple[Selector, ...]
    ignore: tuple[Glob, ...]
    dry_run: bool | None

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing is to be changed: by default, unless each file is named."""
        if self.dry_run is not None:
            return self.dry_run
        return not all(isinstance(selector, FileSelector) for selector in self.selectors or ())


class DeleteSettings(FilesSettings):
    """The settings of `delete`. `keep_last` and `older_than` are `None` if there is no such rule."""

    command = "delete"

    keep_last: int | None
    older_than: timedelta | None
    only_prerelease: bool
    max_deletes: int


class YankSettings(FilesSettings):
    """The settings of `yank`."""

    command = "yank"

    reason: str
    hide: bool


class UnyankSettings(FilesSettings):
    """The settings of `unyank`."""

    command = "unyank"

    unhide: bool


class ReindexSettings(Settings):
    """The settings of `reindex`. Without `subdirs`, all subdirs of the channel are meant."""

    command = "reindex"

    subdirs: tuple[str, ...]
