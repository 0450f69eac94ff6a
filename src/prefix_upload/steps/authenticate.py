"""Step 3: obtains credentials for the server and a certificate for the signer before they are needed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from prefix_upload.errors import AuthenticationError
from prefix_upload.report import Outcome, Status
from prefix_upload.steps import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    for prepare in (run.channel.authenticate, *([run.signer.prepare] if run.signer else [])):
        if run.is_cancelled:
            return False
        error = run.call(partial(_failure_of, prepare))
        if error is not None:
            run.ledger.errors.append(error.diagnostic)
            for package in packages:
                reason = messages.not_attempted(error)
                run.finish(Outcome(file=package, status=Status.NOT_ATTEMPTED, error=reason))
            return False
    return not run.is_cancelled


def _failure_of(prepare: Callable[[], None]) -> AuthenticationError | None:
    try:
        prepare()
    except AuthenticationError as error:
        return error
    return None
