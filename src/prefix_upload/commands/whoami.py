"""`whoami`: shows whose API key is used, and which channels its owner has a role in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.errors import Diagnostic, setting
from prefix_upload.prefix_dev.responses import LookupFailedError

if TYPE_CHECKING:
    from prefix_upload.steps.run import Run

_MAX_LISTED = 20


def whoami(run: Run) -> None:
    """Shows the owner of the API key, or records why that is not known."""
    if (found := run.call(lambda: _look_up(run))) is None:
        return
    if isinstance(found, Diagnostic):
        run.ledger.errors.append(found)
        return
    login, channels = found
    run.reporter.phase(f"{login} on {run.settings.server_url}")
    for channel in channels[:_MAX_LISTED]:
        run.reporter.note(channel)
    if len(channels) > _MAX_LISTED:
        run.reporter.note(f"and {len(channels) - _MAX_LISTED} more channels")


def _look_up(run: Run) -> tuple[str, list[str]] | Diagnostic:
    server_url = run.settings.server_url
    if run.settings.token is None:
        return Diagnostic("Not logged in", f"There is no API key for {server_url}.", f"Set {setting('token')}.")
    access = run.channel.access
    try:
        login, channels = run.channel.account.whoami()
    except LookupFailedError as error:
        return access.query_error(error).diagnostic
    if not login and (rejection := access.key_error(knows_user=False)):
        return rejection.diagnostic
    return login, channels
