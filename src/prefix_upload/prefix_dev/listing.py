"""Lists the files of a channel, through GraphQL.

Nothing lists all files at once: packages come in pages, and so do the files of each package. Files that are added or
deleted meanwhile shift the pages, so that a file may be listed twice, or not at all.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from prefix_upload.package.channel_file import ChannelFile
from prefix_upload.package.names import extension_of, is_subdir, split_file_name
from prefix_upload.prefix_dev.records import AGE_AND_STATE, time_of, withheld_reason, yanked_reason
from prefix_upload.prefix_dev.responses import LookupFailedError, Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from prefix_upload.prefix_dev.queries import ChannelQueries

# Entries of a page, and packages whose files are asked for in one request.
_PAGE_SIZE = 500
_NAMES = 10
# In bytes. A file's entry has some 500.
_MAX_BODY = 2**24
# Bytes that no file has, but numbers in JSON can be.
_MAX_SIZE = 2**63

_HEAD = "viewer { login } channel(name: $channel) { channelPath }"
_FIELDS = f"filename platform version buildString buildNumber size sha256 {AGE_AND_STATE}"
# In an order in which what is added meanwhile comes last, so that it shifts nothing.
_BY_AGE = "orderBy: {byField: {field: CREATED_AT}}"
_BY_NAME = "orderBy: {byField: {field: NAME}}"


class ChannelListing:
    """Lists one channel. A listing is complete but for what changes meanwhile, or it fails.

    Args:
        queries: sends the queries.
        channel: the path of the channel.

    Attributes:
        knows_user: whether the server accepted the token, as far as it said so.
    """

    def __init__(self, queries: ChannelQueries, channel: str) -> None:
        self._queries = queries
        self._channel = channel
        self.knows_user: bool | None = None

    def files(self, names: Sequence[str] | None = None) -> Iterator[ChannelFile]:
        """Yields the files of the packages with these names, or of all packages; also yanked and hidden ones.

        Each file is yielded once. Names without a package on the channel are left out, and so are files that are not
        conda packages.

        Raises:
            LookupFailedError: a part of the listing could not be read.
        """
        seen: set[tuple[str, str]] = set()
        left = deque((name, 0) for name in (self._names() if names is None else names))
        while left:
            asked = [left.popleft() for _ in range(min(_NAMES, len(left)))]
            data = self._ask(*_variants_query(self._channel, asked))
            for number, (name, page) in enumerate(asked):
                entries, pages = _page_of_variants(data, f"package{number}", page)
                files = {_key(entry): _file(name, entry) for entry in entries}
                new = {key: file for key, file in files.items() if key not in seen}
                yield from (file for file in new.values() if file is not None)
                if page + 1 < pages:
                    _check_progress(new)
                    left.append((name, page + 1))
                seen.update(files)

    def subdirs(self) -> list[str]:
        """The subdirs in which the channel has packages.

        Raises:
            LookupFailedError: a part of the listing could not be read.
        """
        found: set[str] = set()
        for entry in self._packages("platforms"):
            match entry:
                case {"platforms": list(subdirs)} if all(
                    isinstance(subdir, str) and is_subdir(subdir) for subdir in subdirs
                ):
                    found.update(subdirs)
                case _:
                    raise _malformed()
        return sorted(found)

    def _names(self) -> Iterator[str]:
        for entry in self._packages(""):
            yield entry["name"]

    def _packages(self, fields: str) -> Iterator[Mapping[str, Any]]:
        """Yields the entry of each package, once."""
        query = (
            f"query($channel: String!, $limit: Int, $page: Int) {{ {_HEAD} "
            f"listed: channel(name: $channel) {{ packages(limit: $limit, page: $page, {_BY_NAME}) "
            f"{{ page {{ name {fields} }} pages }} }} }}"
        )
        seen: set[str] = set()
        page, pages = 0, 1
        while page < pages:
            data = self._ask(query, {"limit": _PAGE_SIZE, "page": page})
            listed = data["listed"].get("packages") if isinstance(data.get("listed"), dict) else None
            entries, pages = _page_in(listed, page)
            new = {entry["name"]: entry for entry in entries if isinstance(entry.get("name"), str)}
            if len(new) < len(entries):
                raise _malformed()
            yield from (entry for name, entry in new.items() if name not in seen)
            page += 1
            if page < pages:
                _check_progress(new.keys() - seen)
            seen.update(new)

    def _ask(self, query: str, variables: Mapping[str, object]) -> Mapping[str, Any]:
        """The response to a query that has the fields of `_HEAD`.

        Raises:
            LookupFailedError: there is none, or the channel is not visible.
        """
        body = {"query": query, "variables": {"channel": self._channel, **variables}}
        try:
            data = self._queries.ask(body, _MAX_BODY)
        except LookupFailedError as error:
            raise LookupFailedError(error.message, error.reason, "GraphQL") from error
        if "channel" not in data:
            raise _malformed()
        self.knows_user = data["viewer"] is not None if "viewer" in data else None
        if data["channel"] is None:
            reason = Reason.NOT_VISIBLE if data.get("viewer") is None else Reason.NO_CHANNEL
            raise LookupFailedError("no such channel, or not visible with these credentials", reason)
        return data


def _variants_query(channel: str, asked: Sequence[tuple[str, int]]) -> tuple[str, dict[str, object]]:
    """The query for one page of the files of each name, and its variables: names are never a part of the query."""
    declared, fields = ["$channel: String!, $limit: Int"], [_HEAD]
    variables: dict[str, object] = {"channel": channel, "limit": _PAGE_SIZE}
    for number, (name, page) in enumerate(asked):
        declared.append(f"$name{number}: String!, $page{number}: Int")
        fields.append(
            f"package{number}: package(channelName: $channel, name: $name{number}) {{ variants(limit: $limit, "
            f"page: $page{number}, includeHidden: true, {_BY_AGE}) {{ page {{ {_FIELDS} }} pages }} }}"
        )
        variables |= {f"name{number}": name, f"page{number}": page}
    return f"query({', '.join(declared)}) {{ {' '.join(fields)} }}", variables


def _page_of_variants(data: Mapping[str, Any], field: str, page: int) -> tuple[Sequence[Mapping[str, Any]], int]:
    """The entries of a page, and the number of pages; none if the channel has no such package any more."""
    package = data.get(field, {})
    if package is None:
        return (), 0
    return _page_in(package.get("variants") if isinstance(package, dict) else None, page)


def _page_in(result: object, page: int) -> tuple[Sequence[Mapping[str, Any]], int]:
    match result:
        case {"page": list(entries), "pages": int(pages)} if all(isinstance(entry, dict) for entry in entries):
            # Pages become fewer while files are deleted, but none beyond the last one has any.
            if not entries or page < max(pages, 1):
                return entries, pages
    raise _malformed()


def _check_progress(new: Collection[object]) -> None:
    """Makes sure that a page is not the last one that has anything, although the server says that others follow.

    Raises:
        LookupFailedError: it has nothing new. The listing would be incomplete, or go on for ever.
    """
    if not new:
        raise LookupFailedError("the pages of the listing do not fit together", Reason.MALFORMED, "GraphQL")


def _key(entry: Mapping[str, Any]) -> tuple[str, str]:
    match entry:
        case {"platform": str(subdir), "filename": str(file_name)}:
            return subdir, file_name
    raise _malformed()


def _file(name: str, entry: Mapping[str, Any]) -> ChannelFile | None:
    """The file of an entry; `None` if it is not a conda package, such as a wheel."""
    if not extension_of(entry["filename"]):
        return None
    match entry:
        case {
            "filename": str(file_name),
            "platform": str(subdir),
            "version": str(version),
            "buildString": str(build),
            "buildNumber": int(build_number),
            "size": int() | None as size,
            "sha256": str() | None as sha256,
        } if _is_plausible(name, file_name, subdir, size or 0):
            return ChannelFile(
                file_name=file_name,
                name=name,
                version=version,
                build=build,
                build_number=build_number,
                subdir=subdir,
                size=size or 0,
                sha256=(sha256 or "").lower(),
                created=time_of(entry.get("createdAt")),
                withheld=withheld_reason(entry),
                yanked=yanked_reason(entry),
                is_hidden=entry.get("hidden") is True,
            )
    raise _malformed()


def _is_plausible(name: str, file_name: str, subdir: str, size: int) -> bool:
    """Whether a file can be one of the package. Its name and subdir become a part of the requests that change it."""
    parts = split_file_name(file_name)
    is_safe = file_name.isascii() and file_name.isprintable() and not set("/\\").intersection(file_name)
    is_of_package = parts is not None and parts[0].lower() == name.lower()
    return is_safe and is_of_package and is_subdir(subdir) and 0 <= size < _MAX_SIZE


def _malformed() -> LookupFailedError:
    return LookupFailedError("the response does not have the requested data", Reason.MALFORMED, "GraphQL")
