"""The errors of uploads, with what to do about them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from prefix_upload.errors import (
    CHECK_CONNECTION,
    RERUN_IS_SAFE,
    ChannelError,
    ChannelWideError,
    ConflictError,
    ServerDownError,
    setting,
)
from prefix_upload.http import Failure, RequestError, Response, describe_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefix_upload.auth import Credentials
    from prefix_upload.package.model import Package

# Hints by status, for responses that concern a single package.
_FILE_HINTS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "The server could not read the request or the package. See its message above.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "The package is larger than the server, a proxy or the channel's plan allows."
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: "The server rejected the contents of the package. See its message above.",
}


# After an earlier attempt whose outcome is not known.
_IN_DOUBT = "It is not on the channel yet, but may still appear."
_EARLIER_IN_DOUBT = f" An earlier attempt may have arrived. {_IN_DOUBT}"


def rejection_error(
    response: Response, credentials: Credentials, channel: str, *, may_be_there: bool = False
) -> ChannelError:
    """The error for a response that is neither success nor worth a retry."""
    doubt = _EARLIER_IN_DOUBT if may_be_there else ""
    message = f"The server rejected the upload ({response.summary}).{doubt}"
    match response.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return ChannelWideError(message, credentials.hint(response.status, channel))
        case HTTPStatus.PAYMENT_REQUIRED:
            return ChannelWideError(message, "Check the plan of the channel's owner, and the server's message above.")
        case HTTPStatus.NOT_FOUND:
            return ChannelWideError(
                message,
                f"Check {setting('channel')}: '{channel}' does not exist on the server, or is not visible to "
                f"{credentials}.",
            )
        case _ if response.is_redirect:
            return ChannelWideError(
                f"The server redirected the upload to {response.redirect_host} ({response.summary}), "
                f"and a token is never sent to another address.{doubt}",
                f"Set {setting('server-url')} to the address of the server itself.",
            )
    return ChannelError(message, _FILE_HINTS.get(response.status, "See the server's message above."))


def retries_exhausted_error(failure: Failure, attempts: int, *, may_be_there: bool) -> ChannelError:
    """The error after the last attempt has failed."""
    message = f"Gave up after {attempts} attempt{'s' * (attempts > 1)}: {describe_failure(failure)}."
    if may_be_there:
        message = f"{message} {_IN_DOUBT}"
    elif isinstance(failure, RequestError) and failure.is_unconnected:
        return connection_error(failure)
    is_down = isinstance(failure, RequestError) or failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return (ServerDownError if is_down else ChannelError)(message, RERUN_IS_SAFE)


def connection_error(error: RequestError, *, may_be_there: bool = False) -> ChannelWideError:
    """The error if no request gets through."""
    return ChannelWideError(
        f"Could not connect to the server: {error}.{_EARLIER_IN_DOUBT if may_be_there else ''}", CHECK_CONNECTION
    )


def conflict_error(package: Package, other_sha256: str) -> ConflictError:
    """The error if the channel has different bytes under the package's file name."""
    return ConflictError(
        f"'{package.subdir}/{package.file_name}' is on the channel with different bytes: its SHA-256 is "
        f"{other_sha256} there, {package.sha256} here.",
        "Increase the build number, so that the file gets a new name, set "
        f"{setting('skip-existing')} to keep the one on the channel, or {setting('force')} to overwrite it.",
    )
