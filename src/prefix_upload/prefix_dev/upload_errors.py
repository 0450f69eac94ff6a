"""The errors of uploads, with what to do about them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from prefix_upload.errors import CHECK_CONNECTION, RERUN_IS_SAFE, ChannelError, ChannelWideError, ConflictError, setting
from prefix_upload.http import Failure, RequestError, Response, reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefix_upload.auth import Credentials
    from prefix_upload.package.model import Package

# Hints by status, for responses that concern a single package.
_FILE_HINTS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "The server could not read the request or the package: its words say why.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "The package is larger than the server's plan for this channel takes: make it smaller, or ask for more."
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: "The server read the package and found it wrong: its words say why.",
}


def refused(response: Response, credentials: Credentials, channel: str) -> ChannelError:
    """The error for a response that is neither success nor worth a retry."""
    message = f"The server refused it ({response.summary})."
    match response.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return ChannelWideError(message, credentials.hint(response.status, channel))
        case HTTPStatus.NOT_FOUND:
            return ChannelWideError(
                message,
                f"Check {setting('channel')}: there is no '{channel}' on the server, or none that "
                f"{credentials} can see.",
            )
        case _ if response.is_redirect:
            return ChannelWideError(
                f"The server sent the upload on to {response.redirect_host} ({response.summary}), "
                "which is not followed with a token.",
                f"Set {setting('server-url')} to the address of the server itself.",
            )
    return ChannelError(message, _FILE_HINTS.get(response.status, "The server's words say why."))


def gave_up(failure: Failure, attempts: int, *, may_be_there: bool) -> ChannelError:
    """The error after the last attempt has failed."""
    message = f"Gave up after {attempts} attempt{'s' * (attempts > 1)}: {reason(failure)}."
    if may_be_there:
        return ChannelError(f"{message} The channel does not list it, but may still do.", RERUN_IS_SAFE)
    if isinstance(failure, RequestError):
        return unreachable(failure)
    return ChannelError(message, RERUN_IS_SAFE)


def unreachable(error: RequestError) -> ChannelWideError:
    """The error if no request gets through."""
    return ChannelWideError(
        f"The server cannot be reached: {error}.",
        CHECK_CONNECTION,
    )


def conflict(package: Package, other_sha256: str) -> ConflictError:
    """The error if the channel has different bytes under the package's file name."""
    return ConflictError(
        f"The channel has '{package.subdir}/{package.file_name}' with other bytes: SHA-256 {other_sha256} there, "
        f"{package.sha256} here.",
        "Raise the build number, so that the package gets a name of its own; or set "
        f"{setting('skip-existing')} to leave the one on the channel alone, or {setting('force')} to overwrite it.",
    )
