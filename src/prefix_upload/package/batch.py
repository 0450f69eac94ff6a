"""Packages that are for the same place on a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package import hints
from prefix_upload.package.listing import listed
from prefix_upload.package.model import CandidateFile, Package

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def check_batch(checked: Sequence[Package | CandidateFile]) -> list[Package | CandidateFile]:
    """Resolves duplicates: packages with the same subdir and file name.

    Of packages with the same bytes or contents, only the first is kept. If contents differ, all of them become invalid.
    Packages with different bytes are read for that, unless another file is invalid: then nothing is uploaded anyway.
    """
    is_valid = all(isinstance(file, Package) for file in checked)
    groups: dict[tuple[str, str], list[Package]] = {}
    for package in checked:
        if isinstance(package, Package):
            groups.setdefault(package.key, []).append(package)
    resolved = {path: file for group in groups.values() for path, file in _resolve(group, is_valid=is_valid).items()}
    batch = (file if isinstance(file, CandidateFile) else resolved.get(file.relative_path) for file in checked)
    return [file for file in batch if file is not None]


def _resolve(group: Sequence[Package], *, is_valid: bool) -> Mapping[str, Package | CandidateFile]:
    """What becomes of packages for the same place, by path. Those that are left out are missing."""
    first = group[0]
    if all(package.sha256 == first.sha256 for package in group):
        return {first.relative_path: first}
    if not is_valid:
        why = "different bytes"
        return {package.relative_path: _conflict(package, _other(package, group), why) for package in group}
    found = list(_different(group))
    if not found:
        others = listed([package.relative_path for package in group if package.sha256 != first.sha256])
        warning = f"another build of it with the same contents is left out: {others}"
        return {first.relative_path: first.replace(warnings=(*first.warnings, warning))}
    conflicts = {package.relative_path: _conflict(package, first, why) for package, _, why in found}
    other, why, _ = found[0]
    return {package.relative_path: _conflict(package, other, why) for package in group} | conflicts


def _other(package: Package, group: Sequence[Package]) -> Package:
    """A package of the group with different bytes."""
    return next(other for other in group if other.sha256 != package.sha256)


def _different(group: Sequence[Package]) -> Iterator[tuple[Package, str, str]]:
    """Yields packages that are not the first one of the group, and why: as the first one shows it, and as they do."""
    from prefix_upload.package.contents_digest import (  # noqa: PLC0415 - seldom needed
        UnreadableContentsError,
        difference,
        read_local,
    )

    first = group[0]
    contents: Mapping[str, bytes] | None = None
    checked = {first.sha256}
    for package in group:
        if package.sha256 in checked:
            continue
        checked.add(package.sha256)
        try:
            contents = read_local(first) if contents is None else contents
            found = difference(contents, read_local(package))
        except UnreadableContentsError as error:
            why = f"different bytes, and the contents could not be compared: {error}"
            yield package, why, why
            continue
        if found:
            this, that = "in this file", "in the other file"
            yield (
                package,
                f"different contents: {found.describe(this, that)}",
                f"different contents: {found.describe(that, this)}",
            )


def _conflict(package: Package, other: Package, why: str) -> CandidateFile:
    return CandidateFile(
        relative_path=package.relative_path,
        file_name=package.file_name,
        findings=(f"{other.relative_path!r} has the same file name and subdir ({package.subdir}), but {why}",),
        hints=(hints.ONE_OF_THEM,),
    )
