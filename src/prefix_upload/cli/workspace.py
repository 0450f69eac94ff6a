"""Files named on the command line: patterns may lead to any folder, whereas the library's are below one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from prefix_upload.errors import ConfigurationError, Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MAGIC = re.compile(r"[*?\[{]")
# What starts a line of the input `glob` that is not just a pattern, or that is stripped from it.
_SPECIAL_START = re.compile(r"[#!~\s]")


class _Operand(NamedTuple):
    """An operand: a sign, the real folder that it is in, and a pattern relative to that folder.

    `is_name` says that it is the name of a file or folder, whatever its characters mean in a pattern.
    """

    sign: str
    text: str
    folder: str
    pattern: str
    is_name: bool = False


def absolute(current: Path, text: str) -> str:
    """A path relative to a folder as an absolute one, without '..'. A slash at its end, which says "folder", stays."""
    path = os.path.join(current, text)  # noqa: PTH118 - text, not a path
    head, name = os.path.split(path.rstrip("/") or "/")
    real = _real_folder(path) if name == os.pardir else os.path.normpath(os.path.join(_real_folder(head), name))  # noqa: PTH118
    return f"{real}/" if path.endswith("/") and not real.endswith("/") else real


def patterns_below(current: Path, patterns: Sequence[str], others: Sequence[str] = ()) -> tuple[Path, list[str]]:
    """The deepest folder that contains the current one and all files that the patterns can match.

    Args:
        current: the current folder.
        patterns: patterns relative to it, or absolute ones. One that names an existing file is that file, whatever its
            characters mean in a pattern.
        others: absolute paths of other files that have to be in the folder.

    Returns:
        The folder, and the patterns relative to it.

    Raises:
        ConfigurationError: a pattern is empty, or names a file that does not exist, or a folder outside the current one
            that does not.
    """
    current = current.resolve()
    operands = [_operand(current, pattern) for pattern in patterns]
    errors = [error for operand in operands for error in _errors(current, operand)]
    if errors:
        raise ConfigurationError(*errors)
    folders = [operand.folder for operand in operands]
    folder = os.path.commonpath([str(current), *folders, *map(os.path.dirname, others)])
    return Path(folder), [operand.sign + _line(operand, folder) for operand in operands]


def _operand(current: Path, operand: str) -> _Operand:
    sign = "!" if operand.startswith("!") else ""
    text = operand.removeprefix(sign)
    # NOTE: `Path.exists` fails if a name is too long.
    if text and os.path.exists(os.path.join(current, text)):  # noqa: PTH110, PTH118 - text, not a path
        folder, name = os.path.split(absolute(current, text).rstrip("/") or "/")
        return _Operand(sign, operand, folder, _escaped(name) or ".", is_name=True)
    text = text.rstrip().rstrip("/") or text
    head = _literal_folder(text)
    # White space around a pattern is no part of it, unless there is a folder whose name begins with it.
    if text[0:1].isspace() and not (head and os.path.isdir(os.path.join(current, head))):  # noqa: PTH112, PTH118
        text = text.lstrip()
        head = _literal_folder(text)
    pattern = text[len(head) :].lstrip(f"{os.sep}{os.altsep or ''}")
    return _Operand(sign, operand, _real_folder(os.path.join(current, head)), pattern)  # noqa: PTH118


def _literal_folder(pattern: str) -> str:
    """The folders that a pattern names before its first special character."""
    magic = _MAGIC.search(pattern)
    return os.path.dirname(pattern[: magic.start()] if magic else pattern)  # noqa: PTH120


def _real_folder(path: str) -> str:
    # After a link, '..' is the folder above where it leads to.
    return os.path.realpath(path) if os.pardir in Path(path).parts else os.path.normpath(path)


def _errors(current: Path, operand: _Operand) -> Iterator[Diagnostic]:
    """Yields why an operand can't match anything, or can't be passed on."""
    text, path = operand.text, os.path.join(operand.folder, operand.pattern)  # noqa: PTH118
    if not operand.pattern:
        yield Diagnostic("No such file", "An operand is empty.", "Check the variables in the command.")
    elif path.splitlines() != [path]:
        is_own = not operand.is_name and text.strip().splitlines() != [text.strip()]
        hint = "Pass each of them as an argument of its own." if is_own else "Rename the file or folder."
        yield Diagnostic("Unusable path", f"{text!r} has a line break in its path.", hint)
    elif operand.sign:
        return
    elif not operand.is_name and _MAGIC.search(operand.pattern) is None and not _may_exist(path):
        # A backslash may be a mistake for a slash, which the patterns' own messages explain.
        if "\\" not in text:
            yield Diagnostic("No such file", f"There is no file '{text}'.", "Check the spelling.")
    # Below the current folder, it matches nothing, as in the action: a build may not have made the folder.
    # NOTE: `Path.is_dir` fails if a name is too long.
    elif not os.path.isdir(operand.folder) and not Path(operand.folder).is_relative_to(current):  # noqa: PTH112
        yield Diagnostic("No such folder", f"'{text}' is in a folder that does not exist.", "Check the spelling.")


def _may_exist(path: str) -> bool:
    try:
        os.lstat(path)
    except PermissionError:  # the library says which folder can't be read
        return True
    except (OSError, ValueError):
        return False
    return True


def _line(operand: _Operand, folder: str) -> str:
    """A line of the input `glob` for an operand: the names of real folders in it are no patterns."""
    below = Path(os.path.relpath(operand.folder, folder)).parts
    line = "/".join([*map(_escaped, below), operand.pattern])
    # A '~' that is no real folder is a mistake, which the patterns' own messages explain.
    is_home = operand.text.startswith("~") and not os.path.isdir(operand.folder)  # noqa: PTH112
    start = "./" if _SPECIAL_START.match(line) and not is_home else ""
    return f"{start}{line[:-1]}[{line[-1]}]" if line[-1:].isspace() else f"{start}{line}"


def _escaped(name: str) -> str:
    """A pattern that matches this name only."""
    if os.sep == "\\":  # which separates folders and escapes nothing there, and names have neither '*' nor '?'
        return name.replace("[", "[[]")
    return re.sub(r"([*?\[\]{}\\])", r"\\\1", name)
