"""Checks whether the server would accept the uploads, as far as it tells what the channel and its plan allow."""

from __future__ import annotations

from concurrent.futures import wait
from typing import TYPE_CHECKING

from prefix_upload.concurrency import run_inline, start_thread
from prefix_upload.prefix_dev import Limits
from prefix_upload.report import Outcome
from prefix_upload.status import Status
from prefix_upload.steps import messages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from prefix_upload.errors import Diagnostic
    from prefix_upload.package.model import Package
    from prefix_upload.steps.compare import Upload
    from prefix_upload.steps.run import UploadRun

# Seconds that the answer may take. The run goes on without it then.
_LIMITS_TIMEOUT = 1.0


def ask_for_limits(run: UploadRun) -> Future[Limits]:
    """Asks for the limits of the plan, beside what follows. The server only tells them to the owner of an API key."""
    return start_thread(run.channel.account.limits) if run.settings.token else run_inline(Limits)


def preflight(run: UploadRun, uploads: Sequence[Upload], limits_asked_for: Future[Limits]) -> bool:
    """Whether the server accepts packages like these, as far as is known. If not, records the outcome of each.

    Warns if there is not enough storage left. That stops nothing, since it may be exceeded, or be freed meanwhile.

    Args:
        run: the run.
        uploads: what is to be uploaded.
        limits_asked_for: the limits of the plan, from `ask_for_limits`.
    """
    if not uploads:
        return True
    limits = limits_asked_for.result() if wait([limits_asked_for], _LIMITS_TIMEOUT).done else None
    storage = limits.storage if limits else None
    # What overwriting frees is not known, so such packages do not count.
    needed = sum(upload.package.size for upload in uploads if not upload.overwrites)
    if storage is not None and needed > storage.limit - storage.used:
        run.ledger.warnings.append(messages.out_of_storage(needed, storage))
    errors = [_error(run, upload.package, limits.package_size if limits else None) for upload in uploads]
    if not any(errors):
        return True
    for upload, error in zip(uploads, errors, strict=True):
        status = Status.FAILED if error else Status.NOT_ATTEMPTED
        run.finish(Outcome(file=upload.package, status=status, error=error or messages.OTHERS_REFUSED))
    return False


def _error(run: UploadRun, package: Package, max_size: int | None) -> Diagnostic | None:
    """Why the server would not accept a package; `None` if nothing is known."""
    if max_size is not None and package.size > max_size:
        return messages.too_large(package, max_size)
    error = run.channel.access.settings_error(package)
    return error.diagnostic if error else None
