"""`upload`: validates the matching files and publishes those that the channel does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.steps.authenticate import authenticate
from prefix_upload.steps.compare import compare, plan
from prefix_upload.steps.confirm import confirm
from prefix_upload.steps.find import find
from prefix_upload.steps.order import order
from prefix_upload.steps.preflight import ask_for_limits, preflight
from prefix_upload.steps.transfer import transfer
from prefix_upload.steps.validate import validate

if TYPE_CHECKING:
    from prefix_upload.steps.run import UploadRun


def upload(run: UploadRun) -> None:
    """Publishes all matching files, or none of them if one is invalid.

    The run's ledger has the outcome of each file, even if the command is interrupted.

    Raises:
        NothingToPublishError: no file matches, and `if-no-files-found` is `error`.
    """
    packages = validate(run, find(run))
    if not packages or run.is_cancelled:
        return
    limits = ask_for_limits(run)
    uploads = compare(run, packages)
    needs = order(run, packages, uploads)
    if preflight(run, uploads, limits):
        if run.settings.dry_run:
            plan(run, uploads, needs)
        elif authenticate(run, uploads):
            transfer(run, uploads, needs)
            confirm(run)
            if run.roll_back is not None:
                from prefix_upload.steps.roll_back import roll_back  # noqa: PLC0415 - seldom needed

                roll_back(run, uploads, needs)
    if run.settings.wait_for_index and not run.settings.dry_run:
        from prefix_upload.steps.wait_for_index import wait_for_index  # noqa: PLC0415 - start-up time counts

        wait_for_index(run)
    if run.retention is not None:
        from prefix_upload.steps.retain import retain  # noqa: PLC0415 - seldom needed

        retain(run, run.retention)
