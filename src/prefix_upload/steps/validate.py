"""Validates every file before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.concurrency import available_cpus, start_thread
from prefix_upload.package import validate as validation
from prefix_upload.package.batch import check_batch
from prefix_upload.package.model import CandidateFile, Package
from prefix_upload.report import Outcome
from prefix_upload.status import Status
from prefix_upload.steps import messages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from prefix_upload.steps.run import LocalRun


def validate(run: LocalRun, found: Sequence[Sequence[Path]]) -> list[Package]:
    """The packages to publish: all of them, or none if a file is invalid or the run was cancelled.

    Args:
        run: the run.
        found: the paths that lead to each file.
    """
    if not found:
        return []
    run.reporter.phase(f"Validate {messages.pluralize(len(found), 'file')}")
    settings, ledger = run.settings, run.ledger
    options = validation.ValidationOptions(
        run.workspace, settings.validation_level, settings.max_size, start_thread, run.folder
    )
    files: list[Package | CandidateFile] = [validation.candidate(paths, options) for paths in found]
    ledger.files = files

    def check(number: int) -> tuple[int, Package | CandidateFile]:
        return number, validation.check(found[number], options)

    # Hashing and decoding release the GIL, so there is one thread per CPU. Light files share one: they need the GIL
    # most of the time, and threads that take turns with it are slower than one thread.
    heavy = sum(not validation.is_light(paths[0]) for paths in found)
    for number, file in run.each(check, range(len(found)), min(available_cpus(), heavy + 1)):
        files[number] = file
        run.reporter.checked(file)
    # In a thread, so that a cancellation need not wait for packages that are compared.
    batch = run.call(lambda: check_batch(files))
    if batch is None:
        return []
    ledger.files = batch
    for file in ledger.files:
        if isinstance(file, CandidateFile) and file.findings:
            run.finish(Outcome(file=file, status=Status.INVALID, error=messages.invalid(file)))
    packages = [file for file in ledger.files if isinstance(file, Package)]
    return packages if len(packages) == len(ledger.files) else []
