"""Obtains credentials for the server and a certificate for the signer, if there is something to upload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.errors import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.steps.compare import Upload
    from prefix_upload.steps.run import UploadRun


def authenticate(run: UploadRun, uploads: Sequence[Upload]) -> bool:
    """Obtains what the uploads need. Returns whether there are any, and they can start.

    If that fails, records every upload as not attempted.
    """
    if not uploads:
        return False
    if run.settings.token is None or run.signer is not None:
        run.reporter.phase("Authenticate")
    try:
        if not run.is_cancelled:
            run.call(run.channel.authenticate)
        if run.signer is not None and not run.is_cancelled:
            run.call(run.signer.prepare)
    except AuthenticationError as error:
        run.stop(error, (upload.package for upload in uploads))
        return False
    return not run.is_cancelled
