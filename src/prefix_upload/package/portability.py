"""File names that Windows can't have, in packages that can be installed there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from prefix_upload.package.index_fields import specs
from prefix_upload.package.listing import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

# "Naming Files, Paths, and Namespaces" in the documentation of Windows. Reserved names are so with any extension.
_RESERVED = r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9\u00b9\u00b2\u00b3]) *(?:\.[^/]*)?"
_IMPOSSIBLE = rf'(?i)[<>:"|?*\\\x00-\x1f]|[. ](?:/|\Z)|(?:\A|/){_RESERVED}(?:/|\Z)'
# Packages that depend on one of these virtual packages are not installed on Windows (CEP 30).
_NOT_WINDOWS = r"__(?:unix|linux|osx)(?![a-zA-Z0-9._-])"


def portability_warnings(
    fields: Mapping[str, Any], subdir: str, names: Collection[str], symlinks: Collection[str]
) -> Iterator[str]:
    """Yields warnings about files that can't be installed on Windows, or not beside each other.

    Args:
        fields: those of `info/index.json`.
        subdir: the subdir of the package. Only `noarch` and those of Windows matter.
        names: the names of the payload files, with '/' as separator.
        symlinks: the names of those that are symbolic links.
    """
    if not (subdir.startswith("win-") or (subdir == "noarch" and not _is_for_others(fields))):
        return
    if impossible := sorted(name for name in names if re.search(_IMPOSSIBLE, name)):
        yield f"Windows can't have files with these names: {listed(impossible)}"
    if colliding := sorted(_differing_in_case(names)):
        yield f"Windows and macOS keep only one of files whose names differ in case: {listed(colliding)}"
    if symlinks:
        yield (
            "symbolic links can't be installed on Windows without Developer Mode or administrator rights: "
            f"{listed(sorted(symlinks))}"
        )


def _differing_in_case(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.lower(), name)
        if other != name:
            yield from (one for one in (other, name) if one not in seen)
            seen.update((other, name))


def _is_for_others(fields: Mapping[str, Any]) -> bool:
    """Whether the package depends on another operating system."""
    return any(field == "depends" and re.match(_NOT_WINDOWS, spec.strip()) for field, spec in specs(fields))
