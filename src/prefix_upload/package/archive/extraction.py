"""Where the members of a package are extracted, and whether they get in each other's way.

Clients differ in how they replace what is in the way: some write into a file or through a link, some put a new file in
its place, and some fail. Only members that keep clear of one another leave the same files with each client.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from prefix_upload.package.archive import limits
from prefix_upload.package.archive.streams import CorruptArchiveError
from prefix_upload.package.archive.tar_headers import Kind
from prefix_upload.package.listing import truncated_repr

if TYPE_CHECKING:
    from collections.abc import Iterator


class Place(IntEnum):
    """What is at a path. `SHARED` is a file with several names: a hard link, or the target of one."""

    FOLDER = 0
    FILE = 1
    SYMLINK = 2
    SHARED = 3


_PLACES = {Kind.DIRECTORY: Place.FOLDER, Kind.SYMLINK: Place.SYMLINK, Kind.HARD_LINK: Place.SHARED}
_NO_VIOLATIONS: tuple[str, ...] = ()
_LINKED_TO_SYMLINK = "is a hard link to a symbolic link, which some clients cannot make"


class Extraction:
    """The paths at which the members of a package are extracted: relative, and normalized.

    `is_repeated` says whether the last file that was added is at the path of another one of the same tarball, and
    `remark` is something about it that keeps a client from extracting it.

    Paths are remembered by 64-bit hashes that differ in each process: the names themselves could take gigabytes.
    """

    def __init__(self) -> None:
        # The place at each path, plus four times the number of the tarball.
        self._places: dict[int, int] = {}
        self._tarball = 0
        self._last_folder = ""
        self._folder_names = 0
        self.is_repeated = False
        self.remark = ""

    def begin_tarball(self) -> None:
        """Begins with the next tarball of the package. Which one is extracted first depends on the client."""
        self._tarball += 4

    def add(self, path: str, kind: Kind, target: str) -> tuple[str, ...]:
        """Adds a member and returns violations: clauses about it.

        Args:
            path: where it is extracted.
            kind: what it is extracted as.
            target: the path that it is a hard link to.

        Raises:
            CorruptArchiveError: there are more paths than `limits` allows.
        """
        self.is_repeated, self.remark = False, ""
        folder = path.rpartition("/")[0]
        if folder != self._last_folder:
            violation = self._enter(folder)
            if violation:
                return (violation,)
            self._last_folder = folder
        if kind is Kind.HARD_LINK:
            violation = self._share(target)
            if violation:
                return (violation,)
        place, key = _PLACES.get(kind, Place.FILE), hash(path)
        before = self._places.get(key)
        if before is None:
            self._put(key, place)
            return _NO_VIOLATIONS
        return tuple(self._replace(key, before, place))

    def _enter(self, folder: str) -> str | None:
        """Adds a folder and those above it that are new. Returns a violation if one of them is not a folder."""
        new = []
        before = None
        while folder and (before := self._places.get(hash(folder))) is None:
            new.append(hash(folder))
            self._folder_names += len(folder)
            if self._folder_names > limits.MAX_FOLDER_NAMES:
                raise CorruptArchiveError("has too many folders with long names")
            folder = folder.rpartition("/")[0]
        if before is not None and before & 3 != Place.FOLDER:
            return f"is below {truncated_repr(folder)}, which is not a folder"
        for key in new:
            self._put(key, Place.FOLDER)
        return None

    def _share(self, target: str) -> str | None:
        """Marks the target of a hard link. Returns a violation if it is not an earlier file of the same tarball."""
        key = hash(target)
        before = self._places.get(key)
        if before is None or before & 3 == Place.FOLDER or before - (before & 3) != self._tarball:
            return f"is a hard link to {truncated_repr(target)}, which is not an earlier file of the archive"
        if before & 3 == Place.SYMLINK:
            self.remark = _LINKED_TO_SYMLINK
        else:
            self._places[key] = self._tarball + Place.SHARED
        return None

    def _replace(self, key: int, before: int, place: Place) -> Iterator[str]:
        old = before & 3
        if Place.FOLDER in {old, place}:
            if old != place:
                yield "is at a path where the package has a folder as well as something else"
        elif before - old != self._tarball:
            yield "is in both tarballs of the package, and clients keep different ones"
        elif old == Place.SYMLINK:
            yield "replaces an earlier link, through which some clients write"
        elif Place.SHARED in {old, place}:
            yield "replaces or is replaced by a hard link, through which some clients write"
        else:
            self.is_repeated = True
            self._places[key] = self._tarball + place

    def _put(self, key: int, place: Place) -> None:
        if len(self._places) >= limits.MAX_PATHS:
            raise CorruptArchiveError(f"has more than {limits.MAX_PATHS} files and folders")
        self._places[key] = self._tarball + place
