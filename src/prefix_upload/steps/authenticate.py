"""Step 3: obtains credentials for the server and a certificate for the signer before they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.errors import AuthenticationError
from prefix_upload.report import Outcome, Status
from prefix_upload.steps import messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.package.model import Package
    from prefix_upload.steps.run import Run


def authenticate(run: Run, packages: Sequence[Package]) -> bool:
    """Obtains what publishing needs. Returns whether the run can continue.

    If that fails, records every package as not attempted. A dry run needs no credentials.
    """
    if run.settings.dry_run:
        return True
    if run.settings.token is None or run.signer is not None:
        run.reporter.phase("Authenticate")
    try:
        if not run.is_cancelled:
            run.call(run.channel.authenticate)
        if run.signer is not None and not run.is_cancelled:
            run.call(run.signer.prepare)
    except AuthenticationError as error:
        run.ledger.errors.append(error.diagnostic)
        for package in packages:
            run.finish(Outcome(file=package, status=Status.NOT_ATTEMPTED, error=messages.not_attempted(error)))
        return False
    return not run.is_cancelled
