"""`check`: validates the matching files. No channel is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.package.model import Package
from prefix_upload.report import Outcome
from prefix_upload.status import Status
from prefix_upload.steps.find import find
from prefix_upload.steps.validate import validate

if TYPE_CHECKING:
    from prefix_upload.steps.run import LocalRun


def check(run: LocalRun) -> None:
    """Validates all matching files.

    Raises:
        NothingToPublishError: no file matches, and `if-no-files-found` is `error`.
    """
    validate(run, find(run))
    for file in run.ledger.files:
        if isinstance(file, Package):
            run.finish(Outcome(file=file, status=Status.VALID))
