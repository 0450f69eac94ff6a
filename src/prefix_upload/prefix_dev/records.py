"""Records of a channel, and what GraphQL responses and repodata say about them. Nothing here does I/O.

Packages for which the server's JSON has no valid record are left out.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from prefix_upload.prefix_dev.responses import LookupFailedError, Reason, failed_fields, first_message, json_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prefix_upload.package.model import Artifact

# Packages per GraphQL request. The server's limit on the size of a query is not known.
BATCH_SIZE = 100

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MD5 = re.compile(r"[0-9a-f]{32}")

# The fields of a variant in prefix.dev's schema: what identifies its bytes; its age, and what keeps solvers from it.
_HASHES = "sha256 md5"
AGE_AND_STATE = "createdAt yankedReason hidden isDownloadBlocked activeQuarantines { reason }"


class Record(NamedTuple):
    """What a channel has under one file name.

    Attributes:
        sha256: the file's SHA-256 in lower-case hexadecimal; `None` if the channel has no such file.
        md5: the file's MD5 in lower-case hexadecimal; `None` if the server does not report it.
        withheld: why solvers do not get the file, such as "yanked (broken)"; "" if they do.
        may_be_outdated: whether the record is only known from repodata, which is written later, because GraphQL did
            not respond.
        created: when the file was added to the channel; `None` if the server does not say so.
        yanked: the reason for which it is yanked; `None` if it is not, or the server does not say so.
        is_hidden: whether it is hidden, as far as the server says so.
    """

    sha256: str | None
    md5: str | None = None
    withheld: str = ""
    may_be_outdated: bool = False
    created: datetime | None = None
    yanked: str | None = None
    is_hidden: bool = False


Records = dict[tuple[str, str], Record]
"""Records by subdir and file name. It is not known whether the channel has files that are missing here."""


class GraphQLResult(NamedTuple):
    """What a GraphQL response contains.

    Attributes:
        records: the records of the packages.
        knows_user: whether the server accepted the token that was sent; `None` if it did not say.
        allows_v3: whether the channel takes packages that need revision 3 of repodata; `None` if it did not say.
    """

    records: Records
    knows_user: bool | None
    allows_v3: bool | None = None


def graphql_query(channel: str, packages: Sequence[Artifact], *, hashes_only: bool = False) -> dict[str, Any]:
    """The body of one request for all the packages, with an alias and three variables for each.

    Names are passed as variables, because they could change the query if they were part of it.

    Args:
        channel: the channel's path.
        packages: the packages to look up.
        hashes_only: leaves out the fields that servers other than prefix.dev may not know.
    """
    variables = {"channel": channel}
    fields = ["channel(name: $channel) { channelPath }"]
    # The setting has a field of its own, since an error makes null of the channel that it belongs to.
    fields += [] if hashes_only else ["viewer { login }", "settings: channel(name: $channel) { allowV3Uploads }"]
    selected = _HASHES if hashes_only else f"{_HASHES} {AGE_AND_STATE}"
    declared = ["$channel: String!"]
    for number, package in enumerate(packages):
        declared.append(f"$name{number}: String!, $subdir{number}: String!, $file{number}: String!")
        fields.append(
            f"{_field(number)}: variant(channelName: $channel, packageName: $name{number}, "
            f"platformName: $subdir{number}, fileName: $file{number}) {{ {selected} }}"
        )
        variables[f"name{number}"] = package.name
        variables[f"subdir{number}"] = package.subdir
        variables[f"file{number}"] = package.file_name
    query = f"query({', '.join(declared)}) {{ {' '.join(fields)} }}"
    return {"query": query, "variables": variables}


def from_graphql(body: bytes, packages: Sequence[Artifact]) -> GraphQLResult:
    """The records in the response to `graphql_query`.

    Raises:
        LookupFailedError: the body is not a GraphQL response, has only errors, or the channel is not visible.
    """
    response = json_object(body)
    data, errors = response.get("data"), response.get("errors")
    if not isinstance(data, dict):
        if errors:
            raise LookupFailedError(first_message(errors) or "the response has only errors", Reason.REFUSED)
        raise LookupFailedError("the response has no data", Reason.MALFORMED)
    if not errors and any(field not in data for field in ("channel", *map(_field, range(len(packages))))):
        raise LookupFailedError("the response does not have the requested data", Reason.MALFORMED)
    failed = failed_fields(errors)
    knows_user = None if "viewer" not in data or failed & {"viewer", None} else data["viewer"] is not None
    if not isinstance(data.get("channel"), dict):
        reason = Reason.NO_CHANNEL if knows_user and not failed & {"channel", None} else Reason.NOT_VISIBLE
        raise LookupFailedError("no such channel, or not visible with these credentials", reason)
    records: Records = {}
    for number, package in enumerate(packages):
        field = _field(number)
        is_reported = field in data and field not in failed
        if is_reported and not (data[field] is None and None in failed):
            _add(records, package, data[field])
    return GraphQLResult(records, knows_user, _allows_v3(data.get("settings")))


def indexed_record(entry: Any, *, is_removed: bool) -> Record | None:
    """The record in a package's entry in repodata; `None` if the entry has no hash.

    `is_removed` is whether the repodata also lists the file among those that solvers must not choose.
    """
    match entry:
        case {"sha256": str(sha256)} if _SHA256.fullmatch(sha256.lower()):
            withheld = "removed from the index" if is_removed else ""
            return Record(sha256.lower(), _md5(entry.get("md5")), withheld, may_be_outdated=True)
    return None


def _field(number: int) -> str:
    """The alias of a package in the query."""
    return f"package{number}"


def _allows_v3(settings: object) -> bool | None:
    match settings:
        case {"allowV3Uploads": bool(value)}:
            return value
    return None


def _add(records: Records, package: Artifact, entry: Any) -> None:
    match entry:
        case None:
            records[package.key] = Record(None)
        case {"sha256": str(sha256)} if _SHA256.fullmatch(sha256.lower()):
            records[package.key] = Record(
                sha256.lower(),
                _md5(entry.get("md5")),
                withheld_reason(entry),
                created=time_of(entry.get("createdAt")),
                yanked=yanked_reason(entry),
                is_hidden=entry.get("hidden") is True,
            )


def yanked_reason(variant: Mapping[str, Any]) -> str | None:
    """Why a variant is yanked; `None` if it is not, or if the server does not say."""
    reason = variant.get("yankedReason")
    return reason if isinstance(reason, str) else None


def withheld_reason(variant: Mapping[str, Any]) -> str:
    """Why solvers do not get a variant; "" if they do, or if the server does not say."""
    reasons = []
    if (yanked := yanked_reason(variant)) is not None:
        reasons.append(_with_reason("yanked", yanked))
    match variant:
        case {"activeQuarantines": [first, *_]}:
            reasons.append(_with_reason("quarantined", first.get("reason") if isinstance(first, dict) else ""))
    if variant.get("hidden") is True:
        reasons.append("hidden")
    if variant.get("isDownloadBlocked") is True:
        reasons.append("blocked from being downloaded")
    return ", ".join(reasons)


def _with_reason(word: str, reason: object) -> str:
    text = " ".join(reason.split())[:200] if isinstance(reason, str) else ""
    return f"{word} ({text})" if text else word


def _md5(value: object) -> str | None:
    return value.lower() if isinstance(value, str) and _MD5.fullmatch(value.lower()) else None


def time_of(value: object) -> datetime | None:
    """A time of the schema's type `DateTime`; without an offset, it is UTC."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return time.replace(tzinfo=time.tzinfo or UTC) if time else None
