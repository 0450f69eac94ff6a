"""Version specifiers: the constraints on versions in a match spec (CEP 29, "Version matching").

Written after rattler's lenient parser, which indexes a channel on prefix.dev and is the stricter one: it has no regular
expressions, and '*' only at the end.
"""

from __future__ import annotations

import re

# A version as part of a specifier: upper case, '-' and what conda and rattler make of a '_' at the end are fine here.
_SEGMENTS = r"[0-9a-zA-Z]+(?:[._-][0-9a-zA-Z]+)*(?:[._-]?[_-])?"
_VERSION = re.compile(rf"(?:[0-9]+!)?{_SEGMENTS}(?:\+{_SEGMENTS})?")
_VERSION_CHARACTERS = re.compile(r"[0-9a-zA-Z!._*+-]*")
_NUMBER = re.compile("[0-9]+")
_MAX_NUMBER = 2**64 - 1

_OPERATOR = re.compile("[=!<>~]*")
_OPERATORS = frozenset({"", "==", "!=", "<=", ">=", "<", ">", "=", "~="})
_ANY_VERSION = re.compile(r"\*(?:\.\*)?")
# Operators whose versions may end in any number of '.*', as in '2023.*.*' and '>=*'.
_OPERATORS_WITH_ANY = frozenset({"==", "<=", ">=", "=", "~="})
_GLOB_END = re.compile(r"\*|(?:\.\*)*")
_GLOB_END_WITHOUT_OPERATOR = re.compile(r"\*|(?:(?:\.\*)+\.?)?")

# What belongs to the version of 'name version build', before it is known whether it is one.
_COMPONENTS = r"[0-9a-zA-Z*](?>(?:[._-]*[0-9a-zA-Z*])*)[_-]*+"
_LOOKS_LIKE_VERSION = rf"(?>(?:[0-9]++!)?){_COMPONENTS}(?:\+{_COMPONENTS}|(?!\+))"
_CLAUSE = re.compile(
    rf"={_LOOKS_LIKE_VERSION}(?:\.?\*)?"
    rf"|\*(?:\.\*)?"
    rf"|(?:\s*+(?:==|!=|>=|<=|~=|=|>|<)\s*+)?{_LOOKS_LIKE_VERSION}[.*]*+"
)
_JOINT = re.compile(r"\s*[,|]\s*")
_SPACE = re.compile(r"\s*")
# Groups within groups. Parsers recurse into them, and deeper ones may exhaust their stack.
MAX_DEPTH = 30


def end_of_version(text: str) -> int | None:
    """Where the version ends in the text after the name, 'version build'; `None` if it does not start with one."""
    return _end_of_group(text, 0, 0)


def is_version_spec(text: str) -> bool:
    """Whether the text is a version specifier, such as '>=1.0,<2|3.*'."""
    return _parse_group(text, 0, 0) == len(text)


def _end_of_group(text: str, start: int, depth: int) -> int | None:
    end = _end_of_clause(text, start, depth)
    while end is not None and (joint := _JOINT.match(text, end)):
        end = _end_of_clause(text, joint.end(), depth)
    return end


def _end_of_clause(text: str, start: int, depth: int) -> int | None:
    if text.startswith("(", start):
        end = _end_of_group(text, start + 1, depth + 1) if depth < MAX_DEPTH else None
        return end + 1 if end is not None and text.startswith(")", end) else None
    clause = _CLAUSE.match(text, start)
    return clause.end() if clause else None


def _parse_group(text: str, start: int, depth: int) -> int | None:
    end = _parse_clause(text, start, depth)
    while end is not None and (joint := _JOINT.match(text, end)):
        end = _parse_clause(text, joint.end(), depth)
    return end


def _parse_clause(text: str, start: int, depth: int) -> int | None:
    if text.startswith("(", start):
        end = _parse_group(text, _skip(text, start + 1), depth + 1) if depth < MAX_DEPTH else None
        if end is None:
            return None
        end = _skip(text, end)
        return end + 1 if text.startswith(")", end) else None
    if any_version := _ANY_VERSION.match(text, start):
        return any_version.end()
    operator = _match(_OPERATOR, text, start)
    version = _match(_VERSION_CHARACTERS, text, start + len(operator))
    return start + len(operator) + len(version) if _is_clause(operator, version) else None


def _is_clause(operator: str, version: str) -> bool:
    if operator not in _OPERATORS:
        return False
    if version == "*":
        return operator in _OPERATORS_WITH_ANY
    literal = _match(_VERSION, version, 0)
    ends = _GLOB_END if operator else _GLOB_END_WITHOUT_OPERATOR
    return (
        literal != ""
        and ends.fullmatch(version, len(literal)) is not None
        and not ("_" in literal and "-" in literal)
        and all(int(number) <= _MAX_NUMBER for number in _NUMBER.findall(literal))
    )


def _match(pattern: re.Pattern[str], text: str, start: int) -> str:
    match = pattern.match(text, start)
    return match[0] if match else ""


def _skip(text: str, start: int) -> int:
    return start + len(_match(_SPACE, text, start))
