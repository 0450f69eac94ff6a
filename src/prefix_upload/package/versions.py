"""Version literals (CEP 33)."""

from __future__ import annotations

import re

# Letters and digits, in segments between '.' and '_', with an epoch before '!' and a local version after '+'. Only the
# main part may end in '_', once: conda finds an empty segment in '1+a_'.
_SEGMENTS = r"[0-9a-z]+(?:[._][0-9a-z]+)*"
_VERSION = re.compile(rf"(?:[0-9]+!)?{_SEGMENTS}_?(?:\+{_SEGMENTS})?")
_NUMBER = re.compile("[0-9]+")
# NOTE: CEP 33 ends at 2^31 - 1, but hundreds of versions on conda-forge have dates in seconds, such as
# 3.1.20230425144158. rattler reads 64 bits, and conda any number.
_MAX_NUMBER = 2**64 - 1


def is_version(text: str) -> bool:
    """Whether all clients read this as a version: conda's `VersionOrder` as well as rattler's `Version`.

    Upper-case letters, which CEP 26 rules out, are not part of a version here.
    """
    return _VERSION.fullmatch(text) is not None and all(int(number) <= _MAX_NUMBER for number in _NUMBER.findall(text))
