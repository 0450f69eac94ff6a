"""What must hold for every package, whatever it is."""

from __future__ import annotations

import hashlib
import io
from enum import Enum
from typing import TYPE_CHECKING

from prefix_upload.package import archive, names
from support.building import STEM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from differential.clients import Clients, Extracted

# What some clients stop at without an error.
_PARTIAL = ("bzip2 streams", "zstd frames")


class Verdict(Enum):
    """What the action says about a package."""

    VALID = "valid"
    WARNED = "valid with a warning"
    INVALID = "invalid"


def compare(clients: Clients, data: bytes, extension: str, stem: str = STEM) -> tuple[Verdict, str]:
    """The verdict of the action, and how it and the clients disagree; empty if they don't.

    A package that is accepted without a warning is the same for the action and for every client. One that is accepted
    with a warning may be unreadable for some, but is the same for the others. A package that is refused is not given to
    the clients.
    """
    contents = archive.read(io.BytesIO(data), stem + extension, everything=True)
    if contents.findings or any(names.tarball_findings(stem + extension, contents.tarballs)):
        return Verdict.INVALID, ""
    found = clients.extract(data, extension, stem)
    trees = {name: extracted.tree for name, extracted in found.items() if extracted.error is None}
    if contents.warnings:
        is_partial = any(words in warning for warning in contents.warnings for words in _PARTIAL)
        return Verdict.WARNED, "" if is_partial else _difference(trees)
    failed = "; ".join(f"{name} fails: {found[name].error}" for name in found.keys() - trees.keys())
    return Verdict.VALID, failed or _difference(trees) or _difference_from_ours(contents, found)


def _difference(trees: Mapping[str, dict[str, str]]) -> str:
    (first, expected), *others = trees.items() or [("", {})]
    for name, tree in others:
        if tree != expected:
            changed = sorted(dict(tree.items() ^ expected.items()))
            return f"{first} and {name} differ in {changed}"
    return ""


def _difference_from_ours(contents: archive.Contents, found: Mapping[str, Extracted]) -> str:
    tree = next(iter(found.values())).tree
    if tree.get("info/index.json") != hashlib.sha256(contents.index or b"").hexdigest():
        return "the action reads another info/index.json"
    theirs = {path: what for path, what in tree.items() if what != "folder" and not path.startswith("info/")}
    ours = contents.payload or {}
    if theirs.keys() != ours.keys():
        return f"the action finds other files: {sorted(theirs.keys() ^ ours.keys())}"
    for path, file in ours.items():
        if file is not None and theirs[path] != file.sha256.hex():
            return f"the action reads other contents of {path}"
    return ""
