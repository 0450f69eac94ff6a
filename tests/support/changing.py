"""What tests of changes to a channel ask for by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from localchannel import At, Call, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from localchannel import LocalChannel
    from support.running import Finished

GRAPHQL = "/api/graphql"


class Put(Protocol):
    """Puts files on the channel, without bytes."""

    def __call__(self, *files: str, subdir: str = ..., days: float = ..., size: int = ...) -> None:
        """Added so many days ago."""


def rows(finished: Finished) -> list[dict[str, Any]]:
    """The `packages` output."""
    return list(json.loads(finished.outputs["packages"]))


def statuses(finished: Finished) -> dict[str, str]:
    """The status of each file, by its name."""
    return {row["file"]: row["status"] for row in rows(finished)}


def changes(server: LocalChannel) -> list[str]:
    """The requests that may have changed something, in order, by what they do and the name of the file."""
    return [
        f"{parts[3]} {parts[-1]}"
        for parts in (request.path.split("/") for request in server.requests if request.path != GRAPHQL)
    ]


def after_listing(server: LocalChannel, act: Callable[[], object], requests: int = 1) -> None:
    """Lets something happen right after the last request of the listing, which has so many."""
    if requests > 1:
        server.fail(Fault(Call(lambda: None), path=GRAPHQL, times=requests - 1))
    server.fail(Fault(Call(act), at=At.DONE, path=GRAPHQL))
