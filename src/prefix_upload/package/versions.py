"""Version literals and their order (CEP 33)."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Letters and digits, in segments between '.' and '_', with an epoch before '!' and a local version after '+'. Only the
# main part may end in '_', once: conda finds an empty segment in '1+a_'.
_SEGMENTS = r"[0-9a-z]+(?:[._][0-9a-z]+)*"
_VERSION = re.compile(rf"(?:[0-9]+!)?{_SEGMENTS}_?(?:\+{_SEGMENTS})?")
_NUMBER = re.compile("[0-9]+")
# NOTE: CEP 33 ends at 2^31 - 1, but hundreds of versions on conda-forge have dates in seconds, such as
# 3.1.20230425144158. rattler reads 64 bits, and conda any number.
_MAX_NUMBER = 2**64 - 1

# Characters of the longest version (CEP 26).
_MAX_LENGTH = 64
_PRERELEASE = re.compile("[0-9]*(?:(?:alpha|beta|rc|preview|pre|dev)[0-9]*|[abc][0-9]+)+")

_Component = tuple[int, int, str]
"""A part of a segment that can be compared: its rank, its value if it is a number, and its text if it is not."""
_Segment = tuple[_Component, ...]
_Version = tuple[tuple[_Segment, ...], tuple[_Segment, ...]]
"""The segments of a version, with the epoch first, and those of the local version."""

_COMPONENT = re.compile("[0-9]+|[a-z]+|_")
_ZERO: _Component = (3, 0, "")
# Ranks of texts: 'dev' comes before all others, numbers after them, and 'post' after numbers.
_DEV: _Component = (0, 0, "")
_POST: _Component = (4, 0, "")
_TEXT_RANK = 2
_UNDERSCORE: _Component = (1, 0, "_")


def is_version(text: str) -> bool:
    """Whether all clients read this as a version: conda's `VersionOrder` as well as rattler's `Version`.

    Upper-case letters, which CEP 26 rules out, are not part of a version here.
    """
    return _VERSION.fullmatch(text) is not None and all(int(number) <= _MAX_NUMBER for number in _NUMBER.findall(text))


def has_order(text: str) -> bool:
    """Whether a text of unknown origin is a version that can be compared; upper case is fine."""
    return len(text) <= _MAX_LENGTH and is_version(text.lower())


def is_prerelease(text: str) -> bool:
    """Whether a version, which `has_order`, is one before a release: '1.0rc1', '2.0.dev3', '1.1.0a2'.

    That is a version with a segment of numbers and the words 'alpha', 'beta', 'rc', 'pre', 'preview' and 'dev', or the
    letters 'a', 'b' and 'c' before a number. Other letters sort before numbers, too, but stand in releases as well:
    '2024a', '9e', '1.1.1w'. The local version does not count.
    """
    main = text.lower().rpartition("!")[2].partition("+")[0]
    return any(_PRERELEASE.fullmatch(segment) for segment in re.split("[._-]", main))


def compare_versions(one: str, other: str) -> int:
    """-1 if `one` is the older version, 0 if they are equal, else 1."""
    for segments, others in zip(_parse(one), _parse(other), strict=True):
        for segment, other_segment in zip_longest(segments, others, fillvalue=()):
            if order := _compare(segment, other_segment):
                return order
    return 0


def starts_with(version: str, prefix: str) -> bool:
    """Whether a version begins with the segments of another one: '1.2.1' with '1.2', but not '1.20'.

    A text at the end of the prefix may go on: '1.0rc1' begins with '1.0r'.
    """
    (segments, local), (wanted, wanted_local) = _parse(version), _parse(prefix)
    if not wanted_local:
        return _begin_with(segments, wanted)
    same = all(not _compare(*pair) for pair in zip_longest(segments, wanted, fillvalue=()))
    return same and _begin_with(local, wanted_local)


def is_compatible(version: str, release: str) -> bool:
    """Whether a version is not older than a release, and differs in nothing before the release's last segment."""
    return compare_versions(version, release) >= 0 and _begin_with(_parse(version)[0], _parse(release)[0][:-1])


def _begin_with(segments: Sequence[_Segment], wanted: Sequence[_Segment]) -> bool:
    last = len(wanted) - 1
    if any(_compare(*pair) for pair in zip_longest(segments[:last], wanted[:last], fillvalue=())):
        return False
    segment, wanted_segment = segments[last] if len(segments) > last else (), wanted[last]
    end = len(wanted_segment) - 1
    if _compare(segment[:end], wanted_segment[:end]):
        return False
    component = segment[end] if len(segment) > end else _ZERO
    if wanted_segment[end][0] == _TEXT_RANK:
        return component[0] == _TEXT_RANK and component[2].startswith(wanted_segment[end][2])
    return component == wanted_segment[end]


def _compare(segment: _Segment, other: _Segment) -> int:
    for component, other_component in zip_longest(segment, other, fillvalue=_ZERO):
        if component != other_component:
            return -1 if component < other_component else 1
    return 0


@lru_cache(maxsize=10_000)
def _parse(text: str) -> _Version:
    epoch, _, rest = text.lower().rpartition("!")
    main, _, local = rest.partition("+")
    return ((_segment(epoch or "0"), *_segments(main)), _segments(local) if local else ())


def _segments(text: str) -> tuple[_Segment, ...]:
    # An underscore at the end is a part of the last segment: '1_' comes before '1'.
    body, end = (text[:-1], "_") if text[-1:] in {"_", "-"} else (text, "")
    *first, last = re.split("[._-]", body)
    return tuple(map(_segment, [*first, f"{last}{end}"]))


def _segment(text: str) -> _Segment:
    components = tuple(map(_component, _COMPONENT.findall(text)))
    # Texts are compared with texts, and numbers with numbers.
    return components if text[:1].isdecimal() else (_ZERO, *components)


def _component(text: str) -> _Component:
    if text.isdecimal():
        return (_ZERO[0], int(text), "")
    return {"dev": _DEV, "post": _POST, "_": _UNDERSCORE}.get(text, (_TEXT_RANK, 0, text))
