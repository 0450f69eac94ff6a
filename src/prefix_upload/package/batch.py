"""Packages that are for the same place on a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package import hints
from prefix_upload.package.model import CandidateFile, Package

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_batch(checked: Sequence[Package | CandidateFile]) -> list[Package | CandidateFile]:
    """Resolves duplicates: packages with the same subdir and file name.

    Of packages with the same bytes, only the first is kept. If their bytes differ, all of them become invalid.
    """
    groups: dict[tuple[str, str], list[Package]] = {}
    for package in checked:
        if isinstance(package, Package):
            groups.setdefault(package.key, []).append(package)
    batch: list[Package | CandidateFile] = []
    for package in checked:
        if isinstance(package, CandidateFile):
            batch.append(package)
            continue
        group = groups[package.key]
        others = [other.relative_path for other in group if other.sha256 != package.sha256]
        if others:
            batch.append(_conflict(package, others[0]))
        elif package is group[0]:
            batch.append(package)
    return batch


def _conflict(package: Package, other: str) -> CandidateFile:
    return CandidateFile(
        relative_path=package.relative_path,
        file_name=package.file_name,
        findings=(f"{other!r} has the same file name and subdir ({package.subdir}), but different bytes",),
        hints=(hints.ONE_OF_THEM,),
    )
