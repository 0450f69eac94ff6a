"""Orders the uploads: a package comes after those of the batch that it depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.model import Package
from prefix_upload.status import Status
from prefix_upload.steps import messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prefix_upload.package.dependencies import Key
    from prefix_upload.steps.compare import Upload
    from prefix_upload.steps.run import UploadRun


def order(run: UploadRun, packages: Sequence[Package], uploads: Sequence[Upload]) -> Mapping[Key, Sequence[Key]]:
    """The keys of all packages, each with those of the packages that it needs.

    Notes the cycles that had to be broken, and warns about dependencies that no version in the batch fits. Packages
    that are not uploaded are only part of what the others are compared with.
    """
    if len(packages) == 1 or not any(package.depends for package in packages):
        return {package.key: () for package in packages}
    from prefix_upload.package.dependencies import find_dependencies  # noqa: PLC0415 - slow to load

    dependencies = find_dependencies(packages)
    uploaded = {upload.package.key for upload in uploads}
    for cycle in dependencies.cycles:
        if uploaded.issuperset(package.key for package in cycle):
            run.reporter.note(messages.cycle_broken(cycle))
    misfits = [misfit for misfit in dependencies.misfits if misfit.package.key in uploaded]
    if misfits:
        run.ledger.warnings.append(messages.misfits(misfits))
    return dependencies.needs


def failed_packages(run: UploadRun) -> dict[Key, Package]:
    """The packages that have failed so far."""
    failed = (outcome.file for outcome in run.ledger.recorded({Status.FAILED}))
    return {file.key: file for file in failed if isinstance(file, Package)}
