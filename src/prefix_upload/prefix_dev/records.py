"""Records of a channel, from GraphQL responses and from the repodata that clients read.

Nothing here does I/O. Packages for which the server's JSON has no valid record are left out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prefix_upload.package.model import Package

# Packages per GraphQL request. The server's limit on the size of a query is not known.
BATCH_SIZE = 100

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Record:
    """What a channel has under one file name.

    Attributes:
        sha256: the file's SHA-256 in lower-case hexadecimal; `None` if the channel has no such file.
        md5: the file's MD5 in lower-case hexadecimal; `None` if the server does not report it.
    """

    sha256: str | None
    md5: str | None = None


Records = dict[tuple[str, str], Record]
"""Records by subdir and file name. It is not known whether the channel has files that are missing here."""


class LookupFailedError(Exception):
    """A query got no usable response. The message gives the reason."""


def graphql_query(channel: str, packages: Sequence[Package]) -> dict[str, Any]:
    """The body of one request for all the packages, with an alias and three variables for each.

    Names are passed as variables, because they could change the query if they were part of it.
    """
    variables = {"channel": channel}
    declared, fields = ["$channel: String!"], ["channel(name: $channel) { channelPath }"]
    for number, package in enumerate(packages):
        declared.append(f"$name{number}: String!, $subdir{number}: String!, $file{number}: String!")
        fields.append(
            f"package{number}: variant(channelName: $channel, packageName: $name{number}, "
            f"platformName: $subdir{number}, fileName: $file{number}) {{ sha256 md5 }}"
        )
        variables[f"name{number}"] = package.name
        variables[f"subdir{number}"] = package.subdir
        variables[f"file{number}"] = package.file_name
    query = f"query({', '.join(declared)}) {{ {' '.join(fields)} }}"
    return {"query": query, "variables": variables}


def from_graphql(body: bytes, packages: Sequence[Package]) -> Records:
    """The records in the response to `graphql_query`.

    Raises:
        LookupFailedError: the body is not a GraphQL response, has only errors, or the channel is not visible.
    """
    response = _json_object(body)
    data = response.get("data")
    errors = response.get("errors")
    if not isinstance(data, dict):
        raise LookupFailedError(_first_message(errors) or "the response has no data")
    if not isinstance(data.get("channel"), dict):
        raise LookupFailedError("no such channel, or not visible with these credentials")
    failed = _failed_fields(errors)
    records: Records = {}
    for number, package in enumerate(packages):
        field = f"package{number}"
        is_reported = field in data and field not in failed
        if is_reported and not (data[field] is None and None in failed):
            _add(records, package, data[field])
    return records


def from_repodata(body: bytes, packages: Iterable[Package]) -> Records:
    """The records of those packages that a subdir's `repodata.json` lists.

    A package that it does not list may have been added since the index was written, so it has no record here.

    Raises:
        LookupFailedError: the body is not a JSON object.
    """
    repodata = _json_object(body)
    records: Records = {}
    for package in packages:
        key = "packages.conda" if package.file_name.endswith(".conda") else "packages"
        entries = repodata.get(key)
        entry = entries.get(package.file_name) if isinstance(entries, dict) else None
        if entry is not None:
            _add(records, package, entry)
    return records


def has_bundle(body: bytes, bundle: Mapping[str, Any]) -> bool:
    """Whether a package's attestations, a JSON array of Sigstore bundles, contain this one.

    Raises:
        LookupFailedError: the body is not a JSON array.
    """
    served = _json(body)
    if not isinstance(served, list):
        raise LookupFailedError("the response is not a JSON array")
    return bundle in served


def _add(records: Records, package: Package, entry: Any) -> None:
    match entry:
        case None:
            records[package.key] = Record(None)
        case {"sha256": str(sha256)} if _SHA256.fullmatch(sha256.lower()):
            records[package.key] = Record(sha256.lower(), _md5(entry.get("md5")))


def _md5(value: object) -> str | None:
    return value.lower() if isinstance(value, str) and _MD5.fullmatch(value.lower()) else None


def _json_object(body: bytes) -> Mapping[str, Any]:
    value = _json(body)
    if not isinstance(value, dict):
        raise LookupFailedError("the response is not a JSON object")
    return value


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise LookupFailedError("the response is not JSON") from None


def _failed_fields(errors: object) -> set[str | None]:
    """The fields that are null because of an error, not because there is no file; `None` stands for any field."""
    fields: set[str | None] = set()
    for error in errors if isinstance(errors, list) else [errors] if errors else []:
        match error:
            case {"path": [str(field), *_]}:
                fields.add(field)
            case _:
                fields.add(None)
    return fields


def _first_message(errors: object) -> str:
    match errors:
        case [{"message": str(message)}, *_]:
            return " ".join(message.split())[:300]
    return ""
