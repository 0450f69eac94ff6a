"""`info/paths.json` and `info/files`, from which clients know what to install (CEP 34)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefix_upload.package import archive
from prefix_upload.package.archive import limits
from prefix_upload.package.listing import listed, truncated_repr
from prefix_upload.package.strict_json import parse_json_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_PATH_TYPES = ("hardlink", "softlink", "directory")


def list_warnings(contents: archive.Contents) -> Iterator[str]:
    """Yields what is wrong with the package's list of files. conda also only warns about differences."""
    if contents.paths is not None:
        yield from _paths_warnings(contents.paths, contents.payload)
    elif contents.files is None and contents.index is not None:
        yield (
            "the package has neither 'info/paths.json' nor 'info/files', so clients don't know which files to install"
        )


def duplicate_warnings(duplicates: Iterable[str]) -> Iterator[str]:
    """Yields a warning if payload files occur more than once: clients extract one over the other."""
    yield from _differences("appear more than once", set(duplicates))


def path_entries(paths: object) -> list[dict[str, Any]]:
    """The entries of `paths` in `info/paths.json`, each with a path.

    Raises:
        ValueError: an entry has no path, or there is no list of them.
    """
    if not isinstance(paths, list):
        raise ValueError("not a list of paths")  # noqa: TRY004 - wrong data, not a wrong call
    for entry in paths:
        match entry:
            case {"_path": str()}:
                pass
            case _:
                raise ValueError("not a list of paths")
    return paths


def _paths_warnings(raw: bytes, payload: Mapping[str, archive.PayloadFile | None] | None) -> Iterator[str]:
    if limits.is_too_large_to_compare(raw):
        yield "'info/paths.json' is too large to compare with the payload"
        return
    try:
        content = parse_json_object(raw)
        entries = path_entries(content.get("paths"))
    except ValueError as error:
        yield f"'info/paths.json' is {error}"
        return
    if (version := content.get("paths_version")) != 1 or isinstance(version, bool | float):
        yield f"'info/paths.json' has the paths_version {truncated_repr(version)}, but clients only know 1"
    yield from _type_warnings(entries)
    if payload is not None:
        yield from _comparison(dict(_listed_files(entries)), payload)


def _type_warnings(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    types = {entry["_path"]: entry.get("path_type") for entry in entries if entry.get("path_type") not in _PATH_TYPES}
    if types:
        shown = listed(list(types), lambda path: f"{truncated_repr(path)} ({truncated_repr(types[path])})")
        yield f"clients don't know the path_type in 'info/paths.json' of {shown}"


def _comparison(
    expected: Mapping[str, archive.PayloadFile | None], payload: Mapping[str, archive.PayloadFile | None]
) -> Iterator[str]:
    yield from _differences("listed in 'info/paths.json' are missing", expected.keys() - payload.keys())
    yield from _differences("are not listed in 'info/paths.json'", payload.keys() - expected.keys())
    yield from _differences(
        "differ from 'info/paths.json' in size or SHA-256",
        (path for path, file in expected.items() if not _is_as_listed(payload.get(path), file)),
    )


def _listed_files(entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, archive.PayloadFile | None]]:
    """Yields the listed paths except folders, with size and SHA-256 for regular files."""
    for entry in entries:
        match entry:
            case {"path_type": "directory"}:
                pass
            case {"_path": str(path), "path_type": "softlink"}:
                yield path, None
            case {"_path": str(path), "sha256": str(sha256), "size_in_bytes": int(size)}:
                yield path, archive.PayloadFile(size, _from_hex(sha256))
            case {"_path": str(path)}:
                yield path, None


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _is_as_listed(actual: archive.PayloadFile | None, expected: archive.PayloadFile | None) -> bool:
    return actual is None or expected is None or actual == expected


def _differences(what: str, paths: Iterable[str]) -> Iterator[str]:
    ordered = sorted(paths)
    if ordered:
        yield f"payload files {what}: {listed(ordered)}"
