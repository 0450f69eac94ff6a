"""Checks the uploads against the plan of the channel's owner, as far as the server tells its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.report import Outcome, Status
from prefix_upload.steps import messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.steps.compare import Upload
    from prefix_upload.steps.run import UploadRun

# Seconds that the answer may take. The run goes on without it then.
_PATIENCE = 1.0


def preflight(run: UploadRun, uploads: Sequence[Upload]) -> bool:
    """Whether the server takes packages of these sizes, as far as is known. If not, records the outcome of each.

    Warns if there is not enough storage left. That stops nothing, since it may be exceeded, or be freed meanwhile.
    """
    limits = run.pool.call_briefly(run.channel.queries.limits, _PATIENCE) if uploads else None
    if limits is None:
        return True
    storage = limits.storage
    # What overwriting frees is not known, so such packages do not count.
    needed = sum(upload.package.size for upload in uploads if not upload.overwrites)
    if storage is not None and needed > storage.limit - storage.used:
        run.ledger.warnings.append(messages.out_of_storage(needed, storage))
    if limits.package_size is None or all(upload.package.size <= limits.package_size for upload in uploads):
        return True
    for upload in uploads:
        if upload.package.size > limits.package_size:
            error = messages.too_large(upload.package, limits.package_size)
            run.finish(Outcome(file=upload.package, status=Status.FAILED, error=error))
        else:
            run.finish(Outcome(file=upload.package, status=Status.NOT_ATTEMPTED, error=messages.OTHERS_TOO_LARGE))
    return False
