"""`upload`: validates the files that match, and publishes what the channel does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.steps.authenticate import authenticate
from prefix_upload.steps.compare import compare, plan
from prefix_upload.steps.confirm import confirm
from prefix_upload.steps.find import find
from prefix_upload.steps.transfer import transfer
from prefix_upload.steps.validate import validate

if TYPE_CHECKING:
    from prefix_upload.steps.run import Run


def upload(run: Run) -> None:
    """Publishes all matched files, or nothing if one of them is invalid.

    What became of each file is in the ledger of the run, also if this is interrupted.

    Raises:
        NothingToPublishError: no file matches, and that is an error by the settings.
        ConfigurationError: a pattern stands for too many.
    """
    packages = validate(run, find(run))
    if not packages or run.is_cancelled or not authenticate(run, packages):
        return
    uploads = compare(run, packages)
    if run.settings.dry_run:
        plan(run, uploads)
    elif uploads:
        transfer(run, uploads)
        confirm(run)
