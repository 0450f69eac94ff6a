"""The types of the fields in `info/index.json` (CEP 34, CEP 44, CEP 45 and CEP 48).

Indexers copy most fields into `repodata.json`, which clients read as a whole: one field of another type hides every
package of the subdir. Fields that no client reads may have any type.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from prefix_upload.package.listing import truncated_repr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MAX_BUILD_NUMBER = 2**63 - 1
_MAX_COUNT = 2**64 - 1
# The times that rattler's `TimestampMs` can represent. It takes numbers up to the end of the year 9999 for seconds, as
# conda does, and larger ones for milliseconds.
_MIN_SECONDS, _MAX_SECONDS = -377_705_023_201, 253_402_207_200
_END_OF_SECONDS = 253_402_300_799

_FLAG = r"[a-z0-9_]+(:[a-z0-9_]+)?"  # CEP 45
_EXTRA = r"[a-z0-9_.+-]{1,64}"  # CEP 44
_MD5 = r"[0-9a-fA-F]{32}"
_PURL = r"(?s)pkg:/*[a-zA-Z][a-zA-Z0-9.+-]*/[^@?#]*[^@?#/].*"


class _Type(NamedTuple):
    """What a field may be, and how a message describes that."""

    accepts: Callable[[Any], bool]
    name: str


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list_of_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_optional_text(value: object) -> bool:
    return value is None or _is_text(value)


def _is_optional_count(value: object) -> bool:
    return value is None or (_is_integer(value) and 0 <= value <= _MAX_COUNT)


def _is_build_number(value: object) -> bool:
    return _is_integer(value) and 0 <= value <= MAX_BUILD_NUMBER


def _is_noarch(value: object) -> bool:
    # `true` is an old spelling of "generic".
    return value is None or isinstance(value, bool) or value in ("python", "generic")


def _is_time(number: int) -> bool:
    return _MIN_SECONDS <= number <= _MAX_SECONDS or _END_OF_SECONDS < number <= _MAX_SECONDS * 1000


def _is_timestamp(value: object) -> bool:
    return value is None or (_is_integer(value) and _is_time(value))


def _is_text_or_list(value: object) -> bool:
    return _is_text(value) or _is_list_of_texts(value)


def _are_flags(value: object) -> bool:
    return _is_list_of_texts(value) and all(re.fullmatch(_FLAG, text) for text in value)


def _are_purls(value: object) -> bool:
    return value is None or (_is_list_of_texts(value) and all(re.fullmatch(_PURL, text) for text in value))


def _are_extras(value: object) -> bool:
    return isinstance(value, dict) and all(
        re.fullmatch(_EXTRA, group) and _is_list_of_texts(specs) for group, specs in value.items()
    )


def _is_optional_md5(value: object) -> bool:
    return value is None or (_is_text(value) and re.fullmatch(_MD5, value) is not None)


_TEXT = _Type(_is_text, "a string")
_OPTIONAL_TEXT = _Type(_is_optional_text, "a string")
_SPECS = _Type(_is_list_of_texts, "a list of strings")
_OPTIONAL_COUNT = _Type(_is_optional_count, "a non-negative integer")

_REQUIRED = {
    "name": _TEXT,
    "version": _TEXT,
    "build": _TEXT,
    "build_number": _Type(_is_build_number, f"an integer from 0 to {MAX_BUILD_NUMBER}"),
}
# Fields that may be missing. The subdir is checked with the fields that it can be derived from.
_OPTIONAL = {
    "arch": _OPTIONAL_TEXT,
    "constrains": _SPECS,
    "depends": _SPECS,
    "extra_depends": _Type(_are_extras, "an object of lists of strings, by the group names of CEP 44"),
    "features": _OPTIONAL_TEXT,
    "flags": _Type(_are_flags, "a list of the flags of CEP 45"),
    "legacy_bz2_md5": _Type(_is_optional_md5, "an MD5 in hexadecimal"),
    "legacy_bz2_size": _OPTIONAL_COUNT,
    "license": _OPTIONAL_TEXT,
    "license_family": _OPTIONAL_TEXT,
    "noarch": _Type(_is_noarch, "'python', 'generic', true or null"),
    "platform": _OPTIONAL_TEXT,
    "purls": _Type(_are_purls, "a list of package URLs"),
    "python_site_packages_path": _OPTIONAL_TEXT,
    "repodata_revision": _OPTIONAL_COUNT,
    "schema_version": _OPTIONAL_COUNT,
    "timestamp": _Type(_is_timestamp, "a time as a whole number of milliseconds since 1970"),
    "track_features": _Type(_is_text_or_list, "a string or a list of strings"),
}


def type_findings(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yields the fields that are missing, or whose type is not the one that clients expect."""
    for name, expected in _REQUIRED.items():
        yield from _findings(name, fields.get(name), expected)
    for name, expected in _OPTIONAL.items():
        if name in fields:
            yield from _findings(name, fields[name], expected)


def _findings(name: str, value: object, expected: _Type) -> Iterator[str]:
    if not expected.accepts(value):
        yield f"'info/index.json' has the {name} {truncated_repr(value)}, which is not {expected.name}"


def specs(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields each match spec, after the name of the field that contains it; nothing of fields with another type."""
    for name in ("depends", "constrains"):
        if _is_list_of_texts(value := fields.get(name)):
            yield from ((name, spec) for spec in value)
    if _are_extras(extras := fields.get("extra_depends")):
        yield from (("extra_depends", spec) for group in (extras or {}).values() for spec in group)
