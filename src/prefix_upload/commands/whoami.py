"""`whoami`: shows whose API key is used, and which channels its owner has a role in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.auth.pages import api_keys_page
from prefix_upload.errors import CHECK_CONNECTION, Diagnostic, setting
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
    try:
        login, channels = run.channel.account.whoami()
    except LookupFailedError as error:
        return Diagnostic("No answer", f"{server_url} did not say whose key it is: {error}.", CHECK_CONNECTION)
    if login:
        return login, channels
    return Diagnostic(
        "Not logged in",
        f"{server_url} does not accept the API key in {setting('token')}, or does not know a user for it.",
        "Create a new key on the server.",
        page=api_keys_page(server_url),
    )
