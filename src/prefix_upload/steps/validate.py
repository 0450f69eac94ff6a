"""Step 2: validates every file before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.concurrency import available_cpus, start_thread
from prefix_upload.package import validate as validation
from prefix_upload.package.model import CandidateFile, Package
from prefix_upload.report import Outcome, Status
from prefix_upload.steps import messages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from prefix_upload.steps.run import Run


def validate(run: Run, paths: Sequence[Path]) -> list[Package]:
    """The packages to publish: all of them, or none if a file is invalid or the run was cancelled."""
    if not paths:
        return []
    run.reporter.phase(f"Validate {messages.pluralize(len(paths), 'file')}")
    settings, ledger = run.settings, run.ledger
    options = validation.ValidationOptions(run.workspace, settings.validation_level, settings.max_size, start_thread)
    ledger.files = [validation.candidate(path, options) for path in paths]
    checked = {}
    # Hashing and decoding release the GIL, so there is one thread per CPU.
    for file in run.each(lambda path: validation.check(path, options), paths, available_cpus()):
        checked[file.label] = file
        run.reporter.checked(file)
    ledger.files = validation.check_batch([checked.get(file.label, file) for file in ledger.files])
    for file in ledger.files:
        if isinstance(file, CandidateFile) and file.findings:
            run.finish(Outcome(file=file, status=Status.INVALID, error=messages.invalid(file.findings)))
    packages = [file for file in ledger.files if isinstance(file, Package)]
    return packages if len(packages) == len(ledger.files) else []
