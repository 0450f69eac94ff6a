"""Responses to queries: why one is of no use, and the parts of a GraphQL response. Nothing here does I/O."""

from __future__ import annotations

import json
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reason(Enum):
    """Why a look-up failed."""

    UNREACHABLE = auto()
    """There was no response."""
    UNAUTHORIZED = auto()
    """The server does not accept the token, and does not answer without one."""
    REFUSED = auto()
    """The server does not answer the query, because of who asks or what is asked."""
    NOT_FOUND = auto()
    """There is no such file; a new subdir's repodata is missing until it is written."""
    UNAVAILABLE = auto()
    """The server may answer later."""
    MALFORMED = auto()
    """The server reported success, but its response is not one of prefix.dev's API, such as an HTML page."""
    NO_CHANNEL = auto()
    """The channel does not exist, or is not visible to the user whose token was sent."""
    NOT_VISIBLE = auto()
    """Like `NO_CHANNEL`, but the server may have ignored the token."""

    @property
    def is_lasting(self) -> bool:
        """Whether another look-up within seconds is pointless."""
        return self not in {Reason.NOT_FOUND, Reason.UNAVAILABLE, Reason.MALFORMED}


class LookupFailedError(Exception):
    """A query got no usable response.

    Args:
        message: what happened.
        reason: what kind of failure that is.
        source: which query failed, such as "GraphQL".
    """

    def __init__(self, message: str, reason: Reason, source: str = "") -> None:
        super().__init__(f"{source}: {message}" if source else message)
        self.message = message
        self.reason = reason


def json_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object in a response.

    Raises:
        LookupFailedError: there is none.
    """
    value = json_value(body)
    if not isinstance(value, dict):
        raise LookupFailedError("the response is not a JSON object", Reason.MALFORMED)
    return value


def json_value(body: bytes) -> object:
    """The JSON value in a response.

    Raises:
        LookupFailedError: there is none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise LookupFailedError("the response is not JSON", Reason.MALFORMED) from None


def complete_data(body: bytes) -> Mapping[str, Any]:
    """The data in a GraphQL response without errors.

    Raises:
        LookupFailedError: it has errors or no data.
    """
    response = json_object(body)
    data, errors = response.get("data"), response.get("errors")
    if errors:
        raise LookupFailedError(first_message(errors) or "the response has errors", Reason.REFUSED)
    if not isinstance(data, dict):
        raise LookupFailedError("the response has no data", Reason.MALFORMED)
    return data


def failed_fields(errors: object) -> set[str | None]:
    """The fields that are null because of an error, not because there is no file; `None` stands for any field."""
    fields: set[str | None] = set()
    for error in errors if isinstance(errors, list) else [errors] if errors else []:
        match error:
            case {"path": [str(field), *_]}:
                fields.add(field)
            case _:
                fields.add(None)
    return fields


def first_message(errors: object) -> str:
    """What the first error of a GraphQL response says; "" if there is none."""
    match errors:
        case [{"message": str(message)}, *_]:
            return " ".join(message.split())[:300]
    return ""
