"""What an index lists about a few packages, whichever of its files it was read from. Nothing here does I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SHA256 = re.compile(r"[0-9a-f]{64}")
_HASH_SIZE = 32


class WantedPackage(NamedTuple):
    """A package that clients should find in the index of a subdir; `sha256` is in lower-case hexadecimal."""

    name: str
    file_name: str
    sha256: str


class Flaw(NamedTuple):
    """Why clients can't install a package by what an index lists.

    Attributes:
        reason: completes "<file of the index> …".
        is_wrong: whether the index lists another file under the package's name, which no waiting puts right.
    """

    reason: str
    is_wrong: bool = False


class Entry(NamedTuple):
    """An entry of a file: its hashes as they are in the index, `None` if there are none."""

    sha256: object = None
    md5: object = None


class Listing(NamedTuple):
    """The entries of some files. A file may have several, by mistake or in different sections.

    Attributes:
        entries: the entries by file name.
        removed: those of the files that solvers must not choose, whether they have entries or not.
    """

    entries: Mapping[str, Sequence[Entry]]
    removed: frozenset[str]

    def flaw(self, package: WantedPackage) -> Flaw | None:
        """Why clients can't install the package by this listing; `None` if they can.

        Entries of removed files are ignored, as clients do. All others count, since clients differ in which they use.
        """
        entries = self.entries.get(package.file_name, ())
        if package.file_name in self.removed:
            return Flaw("lists it as removed")
        if not entries:
            return Flaw("does not list it")
        hashes = [hex_hash(entry.sha256) for entry in entries]
        other = next((sha256 for sha256 in hashes if sha256 not in {None, package.sha256}), None)
        if other is not None:
            return Flaw(f"lists it with the SHA-256 {other}", is_wrong=True)
        return Flaw("lists it without its SHA-256") if None in hashes else None


def flaws_of(packages: Iterable[WantedPackage], label: str, listing: Listing) -> Mapping[str, Flaw]:
    """Why clients can't install packages by the listing of a file of the index, which `label` names, by file name."""
    flaws = {package.file_name: listing.flaw(package) for package in packages}
    return {name: flaw._replace(reason=f"{label} {flaw.reason}") for name, flaw in flaws.items() if flaw is not None}


def unread(packages: Iterable[WantedPackage], label: str, reason: str) -> Mapping[str, Flaw]:
    """The same for a file of the index that is of no use for any package."""
    return {package.file_name: Flaw(f"{label} {reason}") for package in packages}


class ListingBuilder:
    """Collects the entries of some files while an index is read.

    Args:
        file_names: the files that matter.
    """

    def __init__(self, file_names: Iterable[str]) -> None:
        self._wanted = frozenset(file_names)
        self._entries: dict[str, list[Entry]] = {}
        self._removed: set[str] = set()

    def wants(self, file_name: object) -> bool:
        """Whether the file matters."""
        return file_name in self._wanted

    def add(self, file_name: str) -> None:
        """Adds an entry of a file that matters, without its hashes."""
        self._entries.setdefault(file_name, []).append(Entry())

    def set_hash(self, file_name: str, field: str, value: object) -> None:
        """Sets a hash, `sha256` or `md5`, of the file's last entry.

        An entry that has another one already stands for two: parsers differ in which of them they use.
        """
        entries = self._entries[file_name]
        earlier = getattr(entries[-1], field)
        if earlier is not None and earlier != value:
            self.add(file_name)
        entries[-1] = entries[-1]._replace(**{field: value})

    def remove(self, file_name: object) -> None:
        """Notes that solvers must not choose a file."""
        if isinstance(file_name, str) and file_name in self._wanted:
            self._removed.add(file_name)

    def build(self) -> Listing:
        """What was collected."""
        return Listing(self._entries, frozenset(self._removed))


def hex_hash(value: object) -> str | None:
    """A SHA-256 in lower-case hexadecimal, from hexadecimal, bytes or numbers; `None` if it is anything else.

    In shards, hashes are bytes (CEP 16). Earlier versions of rattler wrote them as arrays of numbers.
    """
    if isinstance(value, list) and all(type(number) is int and 0 <= number <= 255 for number in value):  # noqa: PLR2004 - a byte
        value = bytes(value)
    if isinstance(value, bytes):
        return value.hex() if len(value) == _HASH_SIZE else None
    if isinstance(value, str) and _SHA256.fullmatch(value.lower()):
        return value.lower()
    return None
