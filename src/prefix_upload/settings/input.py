"""What an input is: its name, how it is parsed, and what users read about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefix_upload.settings.parsers import Context

UPLOAD = frozenset({"upload"})
DELETE = frozenset({"delete"})
YANK = frozenset({"yank"})
UNYANK = frozenset({"unyank"})
REINDEX = frozenset({"reindex"})
CHECK = frozenset({"check"})
WHOAMI = frozenset({"whoami"})
# Commands that work on local files.
LOCAL_FILES = UPLOAD | CHECK
# Commands that work on files that are on the channel.
CHANNEL_FILES = DELETE | YANK | UNYANK
# Commands that change what is on the channel.
CHANGES = CHANNEL_FILES | REINDEX
# Commands that have an action.
ACTIONS = UPLOAD | CHANGES
# Commands that send requests to a server.
SERVER = ACTIONS | WHOAMI


class Input(NamedTuple):
    """One input of an action. Commands whose inputs differ in more than the name have one each.

    Attributes:
        name: its name in `action.yml`.
        parse: turns the text into a value, or raises `InputError` or a group of them.
        help: its description in `action.yml` and in the README, in Markdown.
        default: the text that an empty input counts as.
        required: whether the input must be set.
        see: the anchor of the README section about it, if there is one.
        commands: the commands that have this input.
    """

    name: str
    parse: Callable[[str, Context], Any]
    help: str
    default: str = ""
    required: bool = False
    see: str = ""
    commands: frozenset[str] = UPLOAD

    @property
    def field(self) -> str:
        """The attribute of the command's settings that contains its value."""
        return _FIELDS.get(self.name, self.name.replace("-", "_"))


# Inputs whose attribute has another name.
_FIELDS = {"glob": "patterns", "validate": "validation_level", "packages": "selectors"}
