"""Where clients extract a member of a certain name, on any system."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# In bytes; a character has at most four.
_MAX_PART = 255
_DRIVE = re.compile(r"[A-Za-z]:")


def is_plain(name: str) -> bool:
    """Whether a member of this name is extracted to a path that is spelled like the name. Nearly all are."""
    return not (
        not name
        or name[0] in "./\\"
        or name[-1] == "/"
        or name[1:2] == ":"
        or "/." in name
        or "//" in name
        or "\\" in name
        or "\0" in name
        or len(name) > _MAX_PART // 4
    )


def path_violations(name: str) -> Iterator[str]:
    """Yields reasons why a member with this name could be extracted to another path. Clients also run on Windows."""
    if not name:
        yield "has no name"
    elif name[0] in "/\\" or _DRIVE.match(name):
        yield "has an absolute path"
    if "/../" in f"/{name}/".replace("\\", "/"):
        yield "has '..' in its path"
    if "\0" in name:
        yield "has a NUL character in its path, where some readers stop"
    if len(name) > _MAX_PART // 4 and _has_long_part(name.encode("utf-8", "surrogateescape")):
        yield f"has a part of more than {_MAX_PART} bytes in its path, which no file system can have"


def _has_long_part(name: bytes) -> bool:
    start = 0
    while len(name) - start > _MAX_PART:
        slash = name.rfind(b"/", start, start + _MAX_PART + 1)
        if slash < 0:
            return True
        start = slash + 1
    return False


def normalized(name: str) -> str:
    """The path at which a member of this name is extracted; empty for the folder that the package is extracted to."""
    path = posixpath.normpath(name)
    return "" if path == "." else path


def on_other_systems(path: str) -> str:
    """The name for Windows, which also ignores dots and spaces at the end and takes a colon for a part of a file."""
    parts = path.replace("\\", "/").split("/")
    return normalized("/".join(part.partition(":")[0].rstrip(". ") for part in parts)).casefold()


def leaves_prefix(path: str, target: str) -> bool:
    """Whether a symbolic link at this path points out of the folder that the package is installed to."""
    if target[0] in "/\\" or _DRIVE.match(target):
        return True
    resolved = posixpath.normpath(posixpath.join(posixpath.dirname(path), target.replace("\\", "/")))
    return resolved == ".." or resolved.startswith("../")
