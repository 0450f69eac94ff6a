"""What the channel says it has: GraphQL questions and answers, and the repodata that clients read.

Everything here is pure: JSON from the server becomes a `Record`, or nothing where it does not tell.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prefix_upload.package.model import Package

# How many packages are asked for in one request; the server's limit on a query's size is not known.
BATCH_SIZE = 100

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Record:
    """What a channel has under one file name: the SHA-256 of the bytes, or `None` if it has no such file.

    `md5` is their MD5, or `None` if the server does not tell it. Both are lower-case hexadecimal.
    """

    sha256: str | None
    md5: str | None = None


Records = dict[tuple[str, str], Record]
"""Records by subdir and file name. What is missing is not known."""


class LookupFailedError(Exception):
    """The server's answer does not tell what was asked. The text says why."""


def graphql_query(channel: str, packages: Sequence[Package]) -> dict[str, Any]:
    """The body of one request for all the packages: an alias and three variables each.

    The names go in as variables: spliced into the query they could change it.
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
    """The records in the answer to `graphql_query`.

    Raises:
        LookupFailedError: the answer is no GraphQL answer, is only an error, or the channel is not visible.
    """
    response = _json_object(body)
    data = response.get("data")
    errors = response.get("errors")
    if not isinstance(data, dict):
        raise LookupFailedError(_first_message(errors) or "the answer has no data")
    if not isinstance(data.get("channel"), dict):
        raise LookupFailedError("no such channel, or none that this token can see")
    failed = _failed_fields(errors)
    records: Records = {}
    for number, package in enumerate(packages):
        field = f"package{number}"
        is_told = field in data and field not in failed
        if is_told and not (data[field] is None and None in failed):
            _add(records, package, data[field])
    return records


def from_repodata(body: bytes, packages: Iterable[Package]) -> Records:
    """The records in a subdir's `repodata.json`, of those packages that stand in it.

    A package that does not stand there may have come since the index was written: it is not known.

    Raises:
        LookupFailedError: it is no repodata.
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
    """Whether a package's attestations, a JSON array of Sigstore bundles, have this one.

    Raises:
        LookupFailedError: they are no such array.
    """
    served = _json(body)
    if not isinstance(served, list):
        raise LookupFailedError("the answer is no JSON array")
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
        raise LookupFailedError("the answer is no JSON object")
    return value


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise LookupFailedError("the answer is no JSON") from None


def _failed_fields(errors: object) -> set[str | None]:
    """The fields that are null for an error, not for there being nothing; `None` stands for any of them."""
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
