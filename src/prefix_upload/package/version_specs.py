"""Version specifiers: the constraints on versions in a match spec (CEP 29, "Version matching").

Written after rattler's lenient parser, which indexes a channel on prefix.dev and is the stricter one: it has no regular
expressions, and '*' only at the end.
"""

from __future__ import annotations

import re

from prefix_upload.package.versions import compare_versions, is_compatible, starts_with

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
# The results of a comparison with which an operator is content.
_ORDERS = {"<": {-1}, "<=": {-1, 0}, ">": {1}, ">=": {0, 1}}
# What a specifier consists of, once it is known to be one.
_PART = re.compile(r"[(),|]|[^(),|\s]+")
# Groups within groups. Parsers recurse into them, and deeper ones may exhaust their stack.
MAX_DEPTH = 30


def end_of_version(text: str) -> int | None:
    """Where the version ends in the text after the name, 'version build'; `None` if it does not start with one."""
    return _end_of_group(text, 0, 0)


def is_version_spec(text: str) -> bool:
    """Whether the text is a version specifier, such as '>=1.0,<2|3.*'."""
    return _parse_group(text, 0, 0) == len(text)


def admits(spec: str, version: str) -> bool:
    """Whether a version specifier, which has to be valid, admits the version."""
    return _admits_group(_PART.findall(spec)[::-1], version)


def _admits_group(parts: list[str], version: str) -> bool:
    """Whether a group admits the version. Takes its parts, and the ')' after them, from the end of the list."""
    is_admitted, are_all = False, True
    while True:
        part = parts.pop()
        are_all &= _admits_group(parts, version) if part == "(" else _admits_clause(part, version)
        joint = parts.pop() if parts else ")"
        if joint != ",":  # which binds before '|'
            is_admitted, are_all = is_admitted or are_all, True
        if joint == ")":
            return is_admitted


def _admits_clause(clause: str, version: str) -> bool:
    operator = _match(_OPERATOR, clause, 0)
    literal = _match(_VERSION, clause, len(operator))
    if not literal:
        return True  # '*'
    if operator == "~=":
        return is_compatible(version, literal)
    has_glob = clause.endswith(("*", "."))
    order = compare_versions(version, literal)
    if operator in _ORDERS:
        # For rattler, '>1.2.*' is '>=1.2'.
        return order in _ORDERS[">=" if operator == ">" and has_glob else operator]
    # For conda and rattler, '==1.2.*' is '==1.2'.
    is_prefix = operator == "=" or (operator != "==" and has_glob)
    is_equal = starts_with(version, literal) if is_prefix else order == 0
    return is_equal != (operator == "!=")


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
