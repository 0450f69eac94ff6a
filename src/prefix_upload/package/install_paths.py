"""Where the files in `info/` make clients install something: nothing may end up outside the environment.

Clients join the paths of `info/paths.json` or `info/files`, the commands of `info/link.json` and the site-packages path
of a Python package to the path of the environment. Not all of them check the result.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from prefix_upload.package.archive.member_names import path_violations
from prefix_upload.package.listing import listed, truncated_repr
from prefix_upload.package.strict_json import parse_json_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prefix_upload.package import archive

# NOTE: Python 3.11.2, as in Debian 12, mismatches possessive repetitions of groups. Atomic groups mean the same.
# Any `"_path": "…"` that may lead outside, in `paths.json` of any size and with any duplicate keys: an empty one, those
# that start with a slash or a drive, and those with '..' or an escape. Lists have up to a million harmless ones.
_PATH = re.compile(
    rb'"_path"\s*+:\s*+("(?:(?=["/]|[A-Za-z]:)|(?=[^"\\]*+\\)|(?=(?>(?:[^".]|\.(?!\.))*)\.\.))(?>(?:[^"\\]++|\\.)*)")',
    re.DOTALL,
)
# Escapes that JSON allows in the key.
_ESCAPED_KEY = re.compile(rb"\\u00(5f|70|61|74|68)", re.IGNORECASE)
# The lines of `files` that may lead outside: those that start with a slash, a drive or '..', perhaps after what clients
# strip, and those with a part '..' or a NUL character.
_LINE = re.compile(
    rb"^[^\n!-~]*+(?:[/\\]|[A-Za-z]:|\.\.).*|^.*[/\\]\.\.(?:[/\\\0-\x09\x0b-\x20\x7f-\xff].*)?$|^.*\0.*",
    re.MULTILINE,
)
# Further ones are not counted.
_MAX_VIOLATIONS = 10_000

# What a command may not have in its name: `bin/` or `Scripts\` is put before it.
_BAD_COMMAND = re.compile(r"[/\\:\0-\x1f]")
_DOTTED_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def install_findings(contents: archive.Contents, fields: Mapping[str, Any]) -> Iterator[str]:
    """Yields a finding for each file in `info/` that installs something outside the environment, or that may.

    Args:
        contents: the contents of the package.
        fields: those of `info/index.json`.
    """
    if contents.paths is not None:
        yield from _outside("'info/paths.json'", _paths(contents.paths))
    if contents.files is not None:
        yield from _outside("'info/files'", _lines(contents.files))
    for name, raw in contents.links.items():
        yield from _link_findings(name, raw)
    site_packages = fields.get("python_site_packages_path")
    if isinstance(site_packages, str) and site_packages:
        yield from _outside("the python_site_packages_path in 'info/index.json'", [site_packages])


def entry_point_warnings(contents: archive.Contents) -> Iterator[str]:
    """Yields a warning if clients can't create all commands of the package, because they can't parse them."""
    for name, raw in contents.links.items():
        try:
            unclear = [text for text in _entry_points(raw) if not _is_entry_point(text)]
        except ValueError:
            continue  # a finding
        if unclear:
            yield (
                f"clients can't parse these entry points in {name!r}, which should be 'command = module:function': "
                f"{listed(unclear)}"
            )


def _outside(where: str, paths: Iterable[str]) -> Iterator[str]:
    found = ((path, violation) for path in paths for violation in path_violations(path))
    if violations := dict(islice(found, _MAX_VIOLATIONS)):
        shown = listed(list(violations), lambda path: f"{truncated_repr(path)} {violations[path]}")
        yield f"{where} would install files outside the environment: {shown}"


def _paths(raw: bytes) -> Iterator[str]:
    for match in _PATH.finditer(_ESCAPED_KEY.sub(lambda escape: bytes.fromhex(escape[1].decode()), raw)):
        try:
            path = json.loads(match[1].decode("utf-8", "surrogateescape"))
        except ValueError:
            continue  # no client can read the file
        yield path


def _lines(raw: bytes) -> Iterator[str]:
    # A carriage return ends a line for conda.
    for match in _LINE.finditer(raw.replace(b"\r", b"\n")):
        if line := match[0].decode("utf-8", "surrogateescape").strip():
            yield line


def _link_findings(name: str, raw: bytes) -> Iterator[str]:
    try:
        commands = [command for text in _entry_points(raw) for command in _commands(text)]
    except ValueError as error:
        yield f"{name!r} is {error}"
        return
    if outside := list(dict.fromkeys(filter(_leads_outside, commands))):
        yield f"{name!r} has entry points that are not the name of a command: {listed(outside)}"


def _entry_points(raw: bytes) -> list[str]:
    """The entry points in `info/link.json`.

    Raises:
        ValueError: it is not an object with a list of strings for them. The message completes "<file> is …".
    """
    noarch = parse_json_object(raw).get("noarch")
    entry_points = noarch.get("entry_points") if isinstance(noarch, dict) else None
    if entry_points is None:
        return []
    if not isinstance(entry_points, list) or not all(isinstance(text, str) for text in entry_points):
        raise ValueError("not a list of entry points")
    return entry_points


def _commands(text: str) -> Iterator[str]:
    """Yields the command of an entry point, as rattler reads it and as conda does; nothing if they can't."""
    if "=" in text and ":" in text.partition("=")[2]:
        yield text.partition("=")[0].strip()
        yield text.rpartition(":")[0].rpartition("=")[0].strip()


def _leads_outside(command: str) -> bool:
    return command in ("", ".", "..") or _BAD_COMMAND.search(command) is not None


def _is_entry_point(text: str) -> bool:
    """Whether rattler takes it: a command that is not hidden, and dotted names of Python."""
    command, _, target = text.partition("=")
    module, _, function = target.partition(":")
    return not command.strip().startswith(".") and all(
        _DOTTED_NAME.fullmatch(name.strip()) is not None for name in (module, function)
    )
