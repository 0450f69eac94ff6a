"""What a server tells the owner of an API key about their account: the limits of the plan, and their channels.

Nothing here does I/O. The fields are those of prefix.dev's GraphQL schema.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# The most that is asked for in one page.
_MAX_CHANNELS = 500
# A limit on bytes below this is not one: the server may count in another unit.
_MIN_LIMIT = 2**20
# How similar a channel's path has to be, from 0 to 1, to be taken for the one that was meant.
_SIMILARITY = 0.8


class Storage(NamedTuple):
    """The storage of a plan, in bytes."""

    used: int
    limit: int


class Limits(NamedTuple):
    """The limits of a plan on what is uploaded to a channel. `None` where there is none, or it is not known.

    Attributes:
        package_size: the largest package, in bytes.
        storage: the storage of all channels that share the limit.
    """

    package_size: int | None = None
    storage: Storage | None = None


def limits_query(channel: str) -> dict[str, Any]:
    """The body of a request for the limits of a channel.

    It is a request of its own, because `planAndUsage` can't be null: a refusal leaves nothing of the response.
    """
    query = (
        "query($channel: String!) { viewer { name } channel(name: $channel) { isPublic size owner { name } } "
        "planAndUsage { usage { stats { entityType scope used limit } } } }"
    )
    return {"query": query, "variables": {"channel": channel}}


def limits_in(body: bytes) -> Limits:
    """The limits in the response to `limits_query`.

    The server tells the plan of the key's owner, but what counts is the plan of the account that the channel is billed
    to. If they are not known to be the same, or the numbers are not bytes, no limit is known.
    """
    match _data(body):
        case {
            "viewer": {"name": str(user)},
            "channel": {"isPublic": bool(is_public), "size": int(size), "owner": {"name": str(owner)}},
            "planAndUsage": {"usage": {"stats": list(stats)}},
        } if user == owner:
            scopes = (None, "PUBLIC" if is_public else "PRIVATE")
            sizes = [limit for _, limit in _stats(stats, "PACKAGE_SIZE", scopes)]
            # What is used includes the channel itself.
            stores = [Storage(used, limit) for used, limit in _stats(stats, "STORAGE", scopes) if used >= size]
            return Limits(min(sizes, default=None), min(stores, key=lambda each: each.limit - each.used, default=None))
    return Limits()


def channels_query() -> dict[str, Any]:
    """The body of a request for the name of the key's owner, and for the channels in which they have a role."""
    query = "query($limit: Int) { viewer { login channels(limit: $limit) { page { channelPath } } } }"
    return {"query": query, "variables": {"limit": _MAX_CHANNELS}}


def channels_in(body: bytes) -> list[str]:
    """The paths of the channels in the response to `channels_query`."""
    match _data(body):
        case {"viewer": {"channels": {"page": list(page)}}}:
            paths = (channel.get("channelPath") for channel in page if isinstance(channel, dict))
            return [path for path in paths if isinstance(path, str)]
    return []


def login_in(body: bytes) -> str:
    """The name of the key's owner in the response to `channels_query`; "" if there is none."""
    match _data(body):
        case {"viewer": {"login": str(login)}}:
            return login
    return ""


def closest_channel(path: str, known: Sequence[str]) -> str:
    """The channel that is probably meant by a path that does not exist; "" if there is none, or more than one.

    Tries another case, then a namespace too much or too little, then another spelling.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - seldom needed, and start-up time counts

    by_path = {each.lower(): each for each in known}
    path = path.lower()
    name = path.rpartition("/")[2]
    same_name = [each for each in by_path if each.rpartition("/")[2] == name and ("/" in each) != ("/" in path)]
    for found in ([path] if path in by_path else [], same_name, get_close_matches(path, by_path, 1, _SIMILARITY)):
        if len(found) == 1:
            return by_path[found[0]]
    return ""


def _stats(stats: Iterable[Any], entity: str, scopes: tuple[str | None, ...]) -> list[tuple[int, int]]:
    """What is used, and the limit, of a kind of resource that is limited."""
    found = []
    for each in stats:
        match each:
            case {"entityType": str(kind), "used": int(used), "limit": int(limit)} if (
                kind == entity and each.get("scope") in scopes and limit >= _MIN_LIMIT
            ):
                found.append((used, limit))
    return found


def _data(body: bytes) -> Any:
    try:
        response = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return response.get("data") if isinstance(response, dict) else None
