"""The errors of uploads, with what to do about them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from prefix_upload.errors import (
    CHECK_CONNECTION,
    RERUN_IS_SAFE,
    SERVER_MESSAGE,
    USE_SERVER_ITSELF,
    ChannelError,
    ChannelNotFoundError,
    ChannelWideError,
    ConflictError,
    ConnectionFailedError,
    ServerDownError,
    ServerUnavailableError,
    TokenRejectedError,
    UnexpectedResponseError,
    setting,
)
from prefix_upload.http import Failure, RequestError, Response, describe_failure
from prefix_upload.prefix_dev.account import closest_channel
from prefix_upload.prefix_dev.responses import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prefix_upload.auth import Credentials
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev.lookup import Lookup
    from prefix_upload.prefix_dev.records import Record
    from prefix_upload.prefix_dev.responses import LookupFailedError

# Hints by status, for responses that concern a single package.
_FILE_HINTS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "The server could not read the request or the package. See its message above.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "The package is larger than the server, a proxy or the channel's plan allows."
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: "The server rejected the contents of the package. See its message above.",
}


def rejection_error(response: Response, credentials: Credentials, channel: str, lookup: Lookup | None) -> ChannelError:
    """The error for a response that is neither success nor worth a retry.

    `lookup` is the last look-up of the package; `None` if no earlier attempt can have arrived.
    """
    uncertainty = _earlier_uncertainty(lookup)
    message = f"The server rejected the upload ({response.summary}).{uncertainty}"
    if response.is_success:
        return ChannelError(
            f"The server reported success before it had received the package ({response.summary}).{uncertainty}",
            f"Check {setting('server-url')}: it does not respond as a prefix.dev server does.",
        )
    match response.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            hint, page = credentials.hint(response.status, channel), credentials.page(response.status)
            error = TokenRejectedError if response.status == HTTPStatus.UNAUTHORIZED else ChannelWideError
            return error(message, hint, page)
        case HTTPStatus.PAYMENT_REQUIRED:
            return ChannelWideError(message, "Check the plan of the channel's owner, and the server's message above.")
        case HTTPStatus.NOT_FOUND:
            return ChannelWideError(message, _check_channel(credentials, channel))
        case _ if response.is_redirect:
            return ChannelWideError(
                f"The server redirected the upload to {response.redirect_host} ({response.summary}), "
                f"and a token is never sent to another address.{uncertainty}",
                USE_SERVER_ITSELF,
            )
    return ChannelError(message, _FILE_HINTS.get(response.status, SERVER_MESSAGE))


def v3_error(response: Response | None = None) -> ChannelError:
    """The error if the channel does not allow packages that need revision 3 of repodata; `response` says so, if any."""
    reason = f" ({response.summary})" if response else ""
    return ChannelError(
        "The package needs revision 3 of repodata (CEP 48), because of its 'repodata_revision' or of dependencies with "
        f"conditions, extras or flags, and the channel does not allow that{reason}.",
        "Allow v3 uploads in the channel's settings, or leave the package out.",
    )


def is_about_v3(response: Response) -> bool:
    """Whether the server refuses a package because of the revision of repodata, and would take others."""
    return response.status == HTTPStatus.FORBIDDEN and "v3 repodata" in response.summary


def missing_channel_error(credentials: Credentials, channel: str, known: Sequence[str]) -> ChannelWideError:
    """The error if the server reports that there is no such channel; `known` are the user's channels."""
    meant = closest_channel(channel, known)
    question = f"Did you mean '{meant}'? " if meant else ""
    return ChannelNotFoundError(
        f"The channel '{channel}' was not found.", question + _check_channel(credentials, channel)
    )


def refused_token_error(credentials: Credentials, channel: str) -> ChannelWideError:
    """The error if the server answers a query as if no token had been sent, or refuses it because of the token."""
    return TokenRejectedError(
        f"The server does not accept {credentials}.",
        credentials.hint(HTTPStatus.UNAUTHORIZED, channel),
        credentials.page(HTTPStatus.UNAUTHORIZED),
    )


def no_api_error(failures: Sequence[LookupFailedError]) -> ChannelWideError:
    """The error if the server does not answer queries at all, not now, or not as prefix.dev does."""
    kinds = {failure.reason for failure in failures}
    if kinds == {Reason.UNREACHABLE}:
        reasons = "; ".join(dict.fromkeys(failure.message for failure in failures))
        return ConnectionFailedError(f"Could not connect to the server: {reasons}.", CHECK_CONNECTION)
    reasons = "; ".join(dict.fromkeys(map(str, failures)))
    if Reason.UNAVAILABLE in kinds and kinds <= {Reason.UNAVAILABLE, Reason.UNREACHABLE, Reason.NOT_FOUND}:
        return ServerUnavailableError(f"The server is not available now ({reasons}).", "Run it again later.")
    return UnexpectedResponseError(
        f"The server did not answer as a prefix.dev server does ({reasons}).", CHECK_CONNECTION
    )


def _check_channel(credentials: Credentials, channel: str) -> str:
    return f"Check {setting('channel')}: '{channel}' does not exist on the server, or is not visible to {credentials}."


def retries_exhausted_error(failure: Failure, attempts: int, lookup: Lookup | None) -> ChannelError:
    """The error after the last attempt has failed.

    `lookup` is the last look-up of the package; `None` if it cannot have arrived.
    """
    message = f"Gave up after {attempts} attempt{'s' * (attempts > 1)}: {describe_failure(failure)}."
    if lookup is not None:
        message += _uncertainty(lookup)
    elif isinstance(failure, RequestError) and failure.is_unconnected:
        return connection_error(failure)
    is_down = isinstance(failure, RequestError) or failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return (ServerDownError if is_down else ChannelError)(message, RERUN_IS_SAFE)


def connection_error(error: RequestError, lookup: Lookup | None = None) -> ChannelWideError:
    """The error if no request gets through; `lookup` as in `rejection_error`."""
    return ConnectionFailedError(
        f"Could not connect to the server: {error}.{_earlier_uncertainty(lookup)}", CHECK_CONNECTION
    )


def _earlier_uncertainty(lookup: Lookup | None) -> str:
    return "" if lookup is None else f" An earlier attempt may have arrived.{_uncertainty(lookup)}"


def _uncertainty(lookup: Lookup) -> str:
    """What is known about a package that may have arrived, but was not found."""
    if lookup.records:
        return " It is not on the channel yet, but may still appear."
    return " It may be on the channel: that could not be looked up."


def overwriting_refused_error(response: Response) -> ChannelError:
    """The error if the server reports a conflict although it was asked to overwrite."""
    return ChannelError(
        f"The channel has a file with this name, and the server refused to overwrite it ({response.summary}).",
        "Check whether the channel's settings allow overwriting, or increase the build number.",
    )


def conflict_error(package: Package, record: Record, details: str) -> ConflictError:
    """The error if the channel has different bytes under the package's file name.

    `record` is the channel's, `details` a sentence about the contents.
    """
    return ConflictError(
        f"'{package.subdir}/{package.file_name}' is on the channel with different bytes: its SHA-256 is "
        f"{record.sha256} there, {package.sha256} here. {details}",
        "Increase the build number, so that the file gets a new name, set "
        f"{setting('skip-existing')} to keep the one on the channel, or {setting('force')} to overwrite it.",
    )


def unknown_conflict_error(package: Package, response: Response) -> ConflictError:
    """The error if the server reports a conflict, but not what it has under the package's file name."""
    return ConflictError(
        f"The channel has a file with this name ({response.summary}), but its hash could not be looked up. The "
        f"SHA-256 here is {package.sha256}.",
        RERUN_IS_SAFE,
    )
