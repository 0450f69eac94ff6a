"""Lists of packages and of their files, a page at a time."""

from collections.abc import Callable, Sequence
from typing import Any

Record = dict[str, Any]

_ORDERS: dict[str, Callable[[Record], Any]] = {
    "NAME": lambda record: record["name"],
    "CREATED_AT": lambda record: (record["createdAt"], record["platform"], record["filename"]),
}


def paged(
    records: Sequence[Record], limit: int | None, page: int | None, order: dict[str, Any] | None, most: int
) -> Record:
    """A page of the records, which are numbered from 0 and have at most `most` entries."""
    if order is not None:
        field = order["byField"]
        records = sorted(records, key=_ORDERS[field["field"]], reverse=field["direction"] == "DESC")
    size = min(limit or most, most)
    number = page or 0
    return {
        "page": records[number * size : (number + 1) * size],
        "current": number,
        "pages": -(-len(records) // size),
        "totalCount": len(records),
    }
