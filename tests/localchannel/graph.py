"""`POST /api/graphql`: the part of prefix.dev's schema that a publisher has a use for."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from localchannel.exchange import Exchange, Refusal, Reply
from localchannel.listing import paged
from localchannel.schema import SDL
from localchannel.store import Access, Store, Stored

_SCHEMA = build_schema(SDL)

Info = GraphQLResolveInfo[None]
"""What a resolver gets; there is no context."""

Key = tuple[str, str, str]
"""Channel, subdir, file name."""

Record = Mapping[str, object]
"""Fields of a type of the schema; a callable is asked for its value."""


# What keeps a package from solvers, where nothing does.
_FLAGS: Record = {"hidden": False, "isDownloadBlocked": False, "activeQuarantines": []}
# Entries of a page, at most.
_PAGE = 500


class Graph:
    """Answers GraphQL requests from the store, and returns false records where a test asks for them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.lies: dict[Key, Record | None] = {}
        self.lag = 0
        self.plan: Sequence[Record] | None = None
        self.page = _PAGE
        self._looks: Counter[tuple[Key, str]] = Counter()

    def find(self, key: Key) -> Stored | None:
        """What the records show: for the first `lag` look-ups after an upload or a deletion, what was there before."""
        stored = self._store.find(*key)
        deleted = self._store.deleted.get(key) if stored is None else None
        if deleted is not None:
            self._looks[key, ""] += 1
            return deleted if self._looks[key, ""] <= self.lag else None
        if stored is None or key not in self._store.replaced:
            return stored
        upload = (key, stored.sha256)
        self._looks[upload] += 1
        return self._store.replaced[key] if self._looks[upload] <= self.lag else stored

    def reply(self, exchange: Exchange, base_url: str, access: Access | None) -> Reply:
        """Execute the query in the exchange's body for somebody with `access`."""
        body = _json(exchange)
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            raise Refusal(400, "the body is no GraphQL request")
        result = self._execute(body, base_url, access)
        return Reply(200, json.dumps(result.formatted).encode(), {"Content-Type": "application/json"})

    def _execute(self, body: Mapping[str, Any], base_url: str, access: Access | None) -> ExecutionResult:
        document = _document(body["query"])
        if isinstance(document, ExecutionResult):
            return document
        return execute_sync(
            _SCHEMA,
            document,
            root_value=_Root(self._store, self, base_url, access),
            variable_values=body.get("variables"),
            operation_name=body.get("operationName"),
        )


@lru_cache(maxsize=100)
def _document(query: str) -> DocumentNode | ExecutionResult:
    """The query, parsed and validated, which servers do once for a query that comes again; or what is wrong with it."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return ExecutionResult(None, [error])
    errors = validate(_SCHEMA, document)
    return ExecutionResult(None, errors) if errors else document


class _Root:
    """The resolvers of `Query`, named after its fields as graphql-core looks them up."""

    def __init__(self, store: Store, graph: Graph, base_url: str, access: Access | None) -> None:
        self._store = store
        self._graph = graph
        self._base_url = base_url
        self._access = access

    def channel(self, _: Info, *, name: str) -> Record | None:
        """The channel, unless it is unknown or not for these eyes."""
        if not self._may_see(name):
            return None
        return self._channel(name)

    def _channel(self, name: str) -> Record:
        return {
            "name": name.rpartition("/")[2],
            "channelPath": name,
            "isPublic": self._store.channels[name].public,
            "createdAt": datetime.now(UTC).isoformat(),
            "baseUrl": f"{self._base_url}/{name}",
            "allowV3Uploads": self._store.channels[name].allows_v3,
            "size": sum(stored.size for stored in self._store.all(name).values()),
            "packages": lambda _, **how: self._packages(name, **how),
            "owner": {"__typename": "User", "name": self._store.channels[name].owner},
        }

    def _packages(self, channel: str, **how: Any) -> Record:
        names = sorted({stored.metadata.name for stored in self._store.all(channel).values()})
        return self._paged([self._package(channel, name) for name in names], **how)

    def package(self, _: Info, *, channelName: str, name: str) -> Record | None:  # noqa: N803 - the schema's name
        """A package, unless the channel has no file of it."""
        if not self._may_see(channelName) or not self._files(channelName, name):
            return None
        return self._package(channelName, name)

    def _package(self, channel: str, name: str) -> dict[str, object]:
        def variants(_: Info, *, includeHidden: bool = False, **how: Any) -> Record:  # noqa: N803 - see `package`
            files = self._files(channel, name)
            return self._paged([file for file in files if includeHidden or not file["hidden"]], **how)

        def platforms(_: Info) -> list[str]:
            return sorted({str(file["platform"]) for file in self._files(channel, name)})

        return {"name": name, "variants": variants, "platforms": platforms}

    def _files(self, channel: str, name: str) -> list[dict[str, object]]:
        found = self._store.all(channel).items()
        return [
            dict(_record(stored, f"{self._base_url}/{channel}/{key}"))
            for key, stored in found
            if stored.metadata.name == name
        ]

    def _paged(
        self,
        records: Sequence[dict[str, object]],
        *,
        limit: int | None = None,
        page: int | None = None,
        orderBy: dict[str, Any] | None = None,  # noqa: N803 - the schema's name
    ) -> Record:
        return paged(records, limit, page, orderBy, self._graph.page)

    def batchYankPackageVariants(self, _: Info, **of: Any) -> bool:  # noqa: N802 - the schema's name
        """Yank files, and hide them if asked to."""
        changes = {"yanked": of["reason"], **({"hidden": True} if of.get("alsoHide") else {})}
        return self._change(of["channelName"], of["entries"], changes)

    def batchUnyankPackageVariants(self, _: Info, **of: Any) -> bool:  # noqa: N802 - the schema's name
        """Take that back."""
        changes = {"yanked": None, **({"hidden": False} if of.get("alsoUnhide") else {})}
        return self._change(of["channelName"], of["entries"], changes)

    def _change(self, channel: str, entries: Sequence[Record], changes: dict[str, Any]) -> bool:
        if self._access in {None, Access.READ} or channel not in self._store.channels:
            raise GraphQLError("Unauthorized")
        found = [
            self._store.change(channel, str(entry["subdir"]), str(entry["filename"]), **changes) for entry in entries
        ]
        return all(found)

    def variant(self, _: Info, **of: str) -> Record | None:
        """The record of one file."""
        key = (of["channelName"], of["platformName"], of["fileName"])
        if not self._may_see(key[0]):
            return None
        stored = self._graph.find(key)
        truth = None
        if stored is not None and stored.metadata.name == of["packageName"]:
            truth = _record(stored, f"{self._base_url}/{'/'.join(key)}")
        if key not in self._graph.lies:
            return truth
        lie = self._graph.lies[key]
        return None if lie is None else {**(truth or _FLAGS), **lie}

    def viewer(self, _: Info) -> Record | None:
        """The owner of the key."""
        if self._access is None:
            return None
        page = [self._channel(name) for name in self._store.channels]
        channels = {"page": page, "current": 0, "pages": 1, "totalCount": len(page)}
        return {"name": "local", "login": "local", "channels": channels}

    def planAndUsage(self, _: Info) -> Record:  # noqa: N802 - the schema's name
        """The plan of the key's owner."""
        if self._access is None or self._graph.plan is None:
            raise GraphQLError("Unauthorized")
        return {"usage": {"stats": self._graph.plan}}

    def _may_see(self, name: str) -> bool:
        channel = self._store.channels.get(name)
        return channel is not None and (channel.public or self._access is not None)


def _record(stored: Stored, url: str) -> Record:
    metadata = stored.metadata
    return {
        "filename": stored.path.name,
        "buildString": metadata.build,
        "buildNumber": metadata.build_number,
        "license": metadata.license,
        "createdAt": stored.created.isoformat(),
        "updatedAt": stored.updated.isoformat(),
        "version": metadata.version,
        "platform": metadata.subdir,
        "size": stored.size,
        "md5": lambda _: stored.md5,
        "sha256": stored.sha256,
        **_FLAGS,
        "yankedReason": stored.yanked,
        "hidden": stored.hidden,
        "attestationsUrl": f"{url}.v0.sigs",
    }


def _json(exchange: Exchange) -> Any:
    """The exchange's JSON body, noted in the journal."""
    if exchange.body is None:
        raise Refusal(411, "a query needs a Content-Length")
    try:
        exchange.request.json = json.loads(b"".join(exchange.body.chunks()))
    except ValueError as error:
        raise Refusal(400, f"the body is no JSON: {error}") from error
    return exchange.request.json
