"""Match specs, the dependencies of a package (CEP 29, with the keys that CEP 44, CEP 45 and CEP 48 add)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from prefix_upload.package.formats import PACKAGE_EXTENSIONS
from prefix_upload.package.names import split_file_name
from prefix_upload.package.version_specs import MAX_DEPTH, end_of_version, is_version_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Longer ones are not parsed: real ones have at most a few hundred characters.
_MAX_LENGTH = 1024

_NAME = re.compile(r"[a-zA-Z0-9._-]+")
_NAME_END = re.compile(r"[\s<>=!~]|$")
_URL = r"[a-zA-Z][a-zA-Z0-9]{0,10}://[\w.~%-]*(?::[0-9]+)?(?:/.*)?"
_PATH = r"/.*|\\\\.*|[a-zA-Z]:[/\\].*"
_LOCATION = re.compile(rf"{_URL}|{_PATH}")
_CHANNEL = re.compile(rf"[^:\\\[\]]*(?:\[[\w,-]+\])?|{_URL}|{_PATH}")

# The section in square brackets at the end: 'key=value' pairs; a value may be quoted, or a list.
_QUOTED = r"""(?:"(?>(?:[^"\\]|\\.)*)"|'(?>(?:[^'\\]|\\.)*)')"""
_VALUE = rf"""(?:{_QUOTED}|\[[^\]]*+\]|[^,\]'"]++)"""
_PAIR = rf"\s*+[\w-]*+\s*+=\s*+{_VALUE}\s*+"
_SECTION = re.compile(rf"\[(?:{_PAIR}(?>(?:,{_PAIR})*))?\s*+\]", re.DOTALL)
_KEY_VALUE = re.compile(rf"\s*+([\w-]*+)\s*+=\s*+({_VALUE})\s*+,?", re.DOTALL)
_ESCAPE = re.compile(r"""\\(["'\\])""")
_QUOTES = "\"'"

# The keys that CEP 43, CEP 44 and CEP 45 add.
_V3_KEYS = frozenset({"extras", "flags", "when"})

_BUILD_NUMBER = re.compile(r"(?:==|!=|<=|>=|<|>)?[0-9]{1,19}")
_GROUP = re.compile(r"[a-z0-9_.+-]{1,64}")  # CEP 44
_FLAG = re.compile(r"[a-z0-9_*]+(?::[a-z0-9_*]+)?")  # CEP 45
_BAD_GLOB = re.compile(r"\*{3}|[^*/]\*\*|\*\*[^*/]|\*.*\[[^\]]*$|\[[^\]]*\*[^\]]*$")
# What joins the specs of a condition (CEP 48).
_JOINT = re.compile(r"\(|\)|(?<![^\s()])(?:and|or)(?![^\s()])")


class MatchSpec(NamedTuple):
    """What a match spec says about the package that it matches; other keys than these are left out.

    Attributes:
        name: the name, in lower case.
        version: a version specifier; "" for any version.
        build: a build string, a glob or a regular expression; "" for any build.
        needs_v3: whether it has a key that only revision 3 of repodata has (CEP 48).
    """

    name: str
    version: str = ""
    build: str = ""
    needs_v3: bool = False


def is_match_spec(text: str) -> bool:
    """Whether all clients can parse the text as a dependency.

    The strictest of them is rattler, whose indexer refuses the whole subdir otherwise. It takes neither a glob nor a
    regular expression for a name or a version, and no more the '; if' of an early draft of conditions.
    """
    return parse_match_spec(text) is not None


@lru_cache(maxsize=10_000)  # packages have much in common
def parse_match_spec(text: str) -> MatchSpec | None:
    """The match spec; `None` if `is_match_spec` is false."""
    return _parse(text, _KEYS) if len(text) <= _MAX_LENGTH else None


def _parse(text: str, keys: _Keys) -> MatchSpec | None:
    visible = _SECTION.sub(lambda section: re.sub(_QUOTED, _blank, section[0], flags=re.DOTALL), text)
    text = text[: len(visible.partition("#")[0])]  # without a comment
    if re.search(r";\s*if\s|;.*;", visible[: len(text)], re.DOTALL):
        return None
    text = text.strip()
    section = None
    if text.endswith("]"):
        section = next((match for match in _SECTION.finditer(text) if match.end() == len(text)), None)
        if section is None:
            return None
    pairs = _pairs(section[0][1:-1], keys) if section else {}
    if pairs is None:
        return None
    text = text[: section.start()] if section else text
    if "::" not in text and ("://" in text or _LOCATION.fullmatch(text)):
        return _parse_location(text)
    *channel, text = text.rsplit(":", 2)
    if len(channel) > 1 and not _CHANNEL.fullmatch(channel[0]):
        return None
    spec = _parse_name_version_build(text.strip())
    return _with_keys(spec, pairs) if spec else None


def _with_keys(spec: MatchSpec, pairs: Mapping[str, str]) -> MatchSpec:
    version, build = pairs.get("version", spec.version), pairs.get("build", spec.build)
    return MatchSpec(spec.name, version, build, needs_v3=not _V3_KEYS.isdisjoint(pairs))


def _parse_location(text: str) -> MatchSpec | None:
    file_name = text.replace("\\", "/").rpartition("/")[2]
    parts = split_file_name(file_name) if file_name.endswith(PACKAGE_EXTENSIONS) else None
    if parts is None or not _NAME.fullmatch(parts[0]) or not _is_location(text):
        return None
    return MatchSpec(parts[0].lower())


def _blank(match: re.Match[str]) -> str:
    return "_" * len(match[0])


def _parse_name_version_build(text: str) -> MatchSpec | None:
    end = _NAME_END.search(text)
    if end is None or not _NAME.fullmatch(text, 0, end.start()):
        return None
    name, rest = text[: end.start()].lower(), text[end.start() :].strip()
    if not rest:
        return MatchSpec(name)
    version_end = end_of_version(rest)
    if version_end is None or "[" in rest:
        return None
    version, build = re.sub(r"\s", "", rest[:version_end]), rest[version_end:]
    build = (build[1:] if build.startswith((" ", "=")) else build).strip()
    version = _without_equals(version, build)
    return MatchSpec(name, version, build) if is_version_spec(version) and _is_matcher(build) else None


def _without_equals(version: str, build: str) -> str:
    """The version as conda reads it: '=1.0' is '1.0*', and '==1.0' is '1.0'."""
    if not version.startswith("="):
        return version
    if version.startswith("==") and not build:
        return version[2:]
    if any(character in version[1:] for character in "=,|"):
        return version
    return version[1:] if build or version.endswith("*") else f"{version[1:]}*"


def _is_matcher(text: str) -> bool:
    """Whether the text can be compared with a string: as it is, as a glob, or as a regular expression."""
    if not text.startswith("^") or not text.endswith("$"):
        return not _BAD_GLOB.search(text)
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _pairs(section: str, keys: _Keys) -> dict[str, str] | None:
    """The keys and values of a section; `None` if one is not known, or its value is not valid."""
    pairs = {}
    for match in _KEY_VALUE.finditer(section):
        is_valid, value = keys.get(match[1]), match[2]
        pairs[match[1]] = value[1:-1] if value[0] in "\"'[" else value
        if is_valid is None or not is_valid(pairs[match[1]]):
            return None
    return pairs


def _items(text: str) -> Iterator[str]:
    for item in text.split(","):
        stripped = item.strip()
        is_quoted = len(stripped) > 1 and stripped[0] in _QUOTES and stripped[0] == stripped[-1]
        yield stripped[1:-1] if is_quoted else stripped


def _are_groups(text: str) -> bool:
    return all(map(_GROUP.fullmatch, _items(text)))


def _are_flags(text: str) -> bool:
    return all(map(_FLAG.fullmatch, _items(text)))


def _is_channel(text: str) -> bool:
    return _CHANNEL.fullmatch(text) is not None


def _is_build_number(text: str) -> bool:
    return _BUILD_NUMBER.fullmatch(text) is not None


def _is_location(text: str) -> bool:
    return _LOCATION.fullmatch(text) is not None


def _is_digest_of(size: int) -> Callable[[str], bool]:
    pattern = re.compile(rf"[0-9a-fA-F]{{{size}}}")
    return lambda text: pattern.fullmatch(text) is not None


def _is_anything(_: str) -> bool:
    return True


def _is_condition(text: str) -> bool:
    """Whether the text is a condition: specs joined by 'and', 'or' and parentheses (CEP 48)."""
    text = _ESCAPE.sub(r"\1", text)
    depth, position, expects_spec = 0, 0, True
    for joint in [*_JOINT.finditer(_SECTION.sub(_blank, text)), None]:
        leaf = text[position : joint.start() if joint else len(text)].strip()
        if leaf:
            if not expects_spec or not _parse(leaf, _KEYS_IN_CONDITION):
                return False
            expects_spec = False
        if joint is None:
            return depth == 0 and not expects_spec
        position = joint.end()
        # A '(' stands in the place of a spec; after one come 'and', 'or' and ')'.
        if expects_spec != (joint[0] == "("):
            return False
        depth += {"(": 1, ")": -1}.get(joint[0], 0)
        if not 0 <= depth <= MAX_DEPTH:
            return False
        expects_spec = joint[0] != ")"
    raise AssertionError("the loop ends with the text")


_Keys = dict[str, "Callable[[str], bool]"]
_KEYS_IN_CONDITION: _Keys = {
    "build": _is_matcher,
    "build_number": _is_build_number,
    "channel": _is_channel,
    "extras": _are_groups,
    "flags": _are_flags,
    "fn": _is_anything,
    "license": _is_anything,
    "license_family": _is_anything,
    "md5": _is_digest_of(32),
    "namespace": _is_anything,
    "sha256": _is_digest_of(64),
    "subdir": _is_anything,
    "track_features": _is_anything,
    "url": _is_location,
    "version": is_version_spec,
}
_KEYS: _Keys = {**_KEYS_IN_CONDITION, "when": _is_condition}
