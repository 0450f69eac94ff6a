"""The rules for a publishable package: each a small function that yields what it finds."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from prefix_upload import archive
from prefix_upload.models import PACKAGE_EXTENSIONS, Depth, Package, UnvalidatedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

# CEP 26, "Identifying package artifacts" and "Subdir names": the characters, and the lengths.
_NAME = re.compile(r"(([a-z0-9])|([a-z0-9_](?!_)))[._-]?([a-z0-9]+(\.|-|_|$))*")
_VERSION = re.compile(r"[0-9a-z._+!]+")
_BUILD = re.compile(r"[a-zA-Z0-9_.+]+")
_SUBDIR = re.compile(r"noarch|[a-z0-9]+-[a-z0-9]+")
_MAX_PART, _MAX_FILE_NAME, _MAX_SUBDIR = 64, 211, 32

# The subdirs that conda clients know (rattler's `Platform`), for telling a folder's name from any other.
KNOWN_SUBDIRS = frozenset(
    {
        "noarch", "linux-32", "linux-64", "linux-aarch64", "linux-armv6l", "linux-armv7l", "linux-loongarch64",
        "linux-ppc64", "linux-ppc64le", "linux-riscv32", "linux-riscv64", "linux-s390x", "osx-64", "osx-arm64",
        "win-32", "win-64", "win-arm64", "emscripten-wasm32", "wasi-wasm32", "freebsd-64", "zos-z",
    }
)  # fmt: skip
# `arch` of packages that have no `subdir` yet (before conda-build 1.21), where it is not the subdir's own word.
_ARCHES = {"x86_64": "64", "x86": "32"}

# More paths than these are counted, not listed.
_LISTED_PATHS = 3
# Brackets in `paths.json` beyond those of a list that could be compared at all: each makes an object.
_MAX_PATHS_OBJECTS = archive.MAX_COMPARED_MEMBERS + 10
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Rules:
    """What this run asks of a file. `workspace` is resolved; `max_size` is in bytes."""

    workspace: Path
    depth: Depth
    max_size: int | None


def check(path: Path, rules: Rules) -> Package | UnvalidatedFile:
    """Validates one file.

    The file is read once for its hashes and once for what it holds. It must not change meanwhile.
    """
    draft = _Draft(path, path.relative_to(rules.workspace).as_posix())
    try:
        descriptor = _open(draft, rules.workspace)
        if descriptor is not None:
            with os.fdopen(descriptor, "rb") as file:
                _check_file(draft, file, rules)
    except OSError as error:
        draft.findings.append(f"the file cannot be read ({error.strerror})")
    return draft.finish()


def check_batch(checked: Sequence[Package | UnvalidatedFile]) -> list[Package | UnvalidatedFile]:
    """What the files are together: two files for one place on the channel are one package or a conflict."""
    groups: dict[tuple[str, str], list[Package]] = {}
    for package in checked:
        if isinstance(package, Package):
            groups.setdefault(package.key, []).append(package)
    batch: list[Package | UnvalidatedFile] = []
    for package in checked:
        if isinstance(package, UnvalidatedFile):
            batch.append(package)
            continue
        group = groups[package.key]
        others = [other.relative_path for other in group if other.sha256 != package.sha256]
        if others:
            batch.append(_clashing(package, others[0]))
        elif package is group[0]:
            batch.append(package)
    return batch


@dataclass(slots=True)
class _Draft:
    """What is known of a file so far."""

    path: Path
    relative_path: str
    index: dict[str, Any] = field(default_factory=dict)
    subdir: str = ""
    size: int = 0
    md5: str = ""
    sha256: str = ""
    findings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def finish(self) -> Package | UnvalidatedFile:
        if self.findings:
            return UnvalidatedFile(relative_path=self.relative_path, file=self.path.name, findings=tuple(self.findings))
        return Package(
            path=self.path,
            relative_path=self.relative_path,
            file=self.path.name,
            name=self.index["name"],
            version=self.index["version"],
            build=self.index["build"],
            build_number=self.index["build_number"],
            subdir=self.subdir,
            size=self.size,
            md5=self.md5,
            sha256=self.sha256,
            warnings=tuple(self.warnings),
        )


def _clashing(package: Package, other: str) -> UnvalidatedFile:
    finding = f"{other!r} has the same file name and subdir ({package.subdir}), but other bytes: publish one of them"
    return UnvalidatedFile(relative_path=package.relative_path, file=package.file, findings=(finding,))


def _open(draft: _Draft, workspace: Path) -> int | None:
    """Opens the file, if it is one. A link is followed only inside the workspace."""
    try:
        target = draft.path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        draft.findings.append("the file is gone, or is a link that leads nowhere (a container sees only the workspace)")
        return None
    if not target.is_relative_to(workspace):
        draft.findings.append("the file is a link that leads out of the workspace")
        return None
    # NOTE: a FIFO would block until somebody writes; O_NOFOLLOW because `target` has just been resolved.
    descriptor = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    draft.findings.append("this is no regular file")
    return None


def _check_size(draft: _Draft, size: int, max_size: int | None) -> None:
    draft.size = size
    if not size:
        draft.findings.append("the file is empty")
    if max_size is not None and size > max_size:
        draft.findings.append(f"the file has {size} bytes, more than the {max_size} of 'max-size'")


def _check_file(draft: _Draft, file: BinaryIO, rules: Rules) -> None:
    before = os.fstat(file.fileno())
    _check_size(draft, before.st_size, rules.max_size)
    if not draft.findings:
        _check_content(draft, file, rules)
        _check_unchanged(draft, before, os.fstat(file.fileno()))


def _check_content(draft: _Draft, file: BinaryIO, rules: Rules) -> None:
    name = draft.path.name
    if not name.endswith(PACKAGE_EXTENSIONS):
        draft.findings.append("this is no conda package: its name ends in neither '.conda' nor '.tar.bz2'")
        return
    draft.findings.extend(_file_name_findings(name))
    draft.md5, draft.sha256 = _hashes(file)
    contents = archive.read(file, name, everything=rules.depth is Depth.FULL)
    draft.findings.extend(contents.findings)
    draft.warnings.extend(contents.warnings)
    if contents.metadata is not None:
        draft.findings.extend(_metadata_findings(contents.metadata))
    if contents.index is not None:
        _check_index(draft, contents.index)
    if contents.paths is not None and contents.payload is not None:
        draft.warnings.extend(_paths_warnings(contents.paths, contents.payload))


def _check_unchanged(draft: _Draft, before: os.stat_result, after: os.stat_result) -> None:
    if (before.st_size, before.st_mtime_ns, before.st_ctime_ns) != (
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
    ):
        draft.findings.append("the file was changed while it was validated: let no build run at the same time")


def _hashes(file: BinaryIO) -> tuple[str, str]:
    """The MD5 (which repodata still lists beside it) and SHA-256 of the whole file."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    while chunk := file.read(_CHUNK):
        md5.update(chunk)
        sha256.update(chunk)
    return md5.hexdigest(), sha256.hexdigest()


def _file_name_findings(file_name: str) -> Iterator[str]:
    """CEP 26, "Filenames"."""
    parts = _split(file_name)
    if parts is None:
        yield "the file name is not '<name>-<version>-<build>' and the extension"
        return
    if len(file_name) > _MAX_FILE_NAME:
        yield f"the file name has {len(file_name)} characters, more than {_MAX_FILE_NAME}"
    for (field_name, pattern), value in zip(_PARTS, parts, strict=True):
        if len(value) > _MAX_PART:
            yield f"the {field_name} in the file name has {len(value)} characters, more than {_MAX_PART}"
        elif not pattern.fullmatch(value):
            yield f"the {field_name} in the file name, {value!r}, has characters or an order that CEP 26 excludes"


_PARTS = (("name", _NAME), ("version", _VERSION), ("build", _BUILD))


def _split(file_name: str) -> tuple[str, str, str] | None:
    """Name, version and build: split at the last two hyphens."""
    for extension in PACKAGE_EXTENSIONS:
        file_name = file_name.removesuffix(extension)
    match file_name.rsplit("-", 2):
        case [name, version, build] if name and version and build:
            return name, version, build
    return None


def _check_index(draft: _Draft, raw: bytes) -> None:
    try:
        draft.index = parse_json_object(raw)
    except ValueError as error:
        draft.findings.append(f"'info/index.json' is {error}")
        return
    draft.findings.extend(_identity_findings(draft.index, _split(draft.path.name)))
    number = draft.index.get("build_number")
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        draft.findings.append(
            f"'info/index.json' has the build_number {archive.shown(number)}, which is no number from 0 up"
        )
    draft.subdir = _subdir(draft)
    folder = draft.path.parent.name
    if folder in KNOWN_SUBDIRS and draft.subdir and folder != draft.subdir:
        draft.warnings.append(
            f"the file lies in a folder called {folder!r}, but is published to {draft.subdir!r}, as its index says"
        )


def _identity_findings(index: Mapping[str, Any], parts: tuple[str, str, str] | None) -> Iterator[str]:
    # NOTE: part by part: joined again, 'demo' + 'extra-1.0' would pass for 'demo-extra' + '1.0'.
    for position, (field_name, _) in enumerate(_PARTS):
        told = index.get(field_name)
        if not isinstance(told, str):
            yield f"'info/index.json' has the {field_name} {archive.shown(told)}, which is no text"
        elif parts is not None and told != parts[position]:
            yield (
                f"the {field_name} is {parts[position]!r} in the file name, but {archive.shown(told)} in "
                "'info/index.json' (was the file renamed?)"
            )


def _subdir(draft: _Draft) -> str:
    told = draft.index.get("subdir")
    if told is None:
        system, arch = draft.index.get("platform"), draft.index.get("arch")
        if not isinstance(system, str) or not isinstance(arch, str):
            draft.findings.append("'info/index.json' has no subdir, nor the platform and arch of older packages")
            return ""
        told = f"{system}-{_ARCHES.get(arch, arch)}"
        draft.warnings.append(f"'info/index.json' has no subdir: {told!r} is taken from its platform and arch")
    if not isinstance(told, str) or len(told) > _MAX_SUBDIR or not _SUBDIR.fullmatch(told):
        draft.findings.append(f"'info/index.json' has the subdir {archive.shown(told)}, which CEP 26 excludes")
        return ""
    return told


def _metadata_findings(raw: bytes) -> Iterator[str]:
    """CEP 35: the version of the `.conda` format is 2."""
    try:
        version = parse_json_object(raw).get("conda_pkg_format_version")
    except ValueError as error:
        yield f"'metadata.json' is {error}"
        return
    if version != 2 or isinstance(version, float):  # noqa: PLR2004 - the number of the format
        yield f"'metadata.json' has the conda_pkg_format_version {archive.shown(version)}, which is not 2"


def _paths_warnings(raw: bytes, payload: Mapping[str, archive.PayloadFile | None]) -> Iterator[str]:
    """CEP 34, `info/paths.json`: it lists the payload. conda, too, only warns."""
    if raw.count(b"{") + raw.count(b"[") > _MAX_PATHS_OBJECTS:
        yield "'info/paths.json' is too large to be compared with the payload"
        return
    try:
        listed = dict(_listed_files(parse_json_object(raw).get("paths")))
    except ValueError as error:
        yield f"'info/paths.json' is {error}"
        return
    yield from _differences("that 'info/paths.json' lists are missing", listed.keys() - payload.keys())
    yield from _differences("are not listed in 'info/paths.json'", payload.keys() - listed.keys())
    yield from _differences(
        "differ from 'info/paths.json' in size or SHA-256",
        (path for path, expected in listed.items() if not _is_as_listed(payload.get(path), expected)),
    )


def _listed_files(paths: object) -> Iterator[tuple[str, archive.PayloadFile | None]]:
    """The entries that stand for a member; size and hash of those that are regular files."""
    for entry in paths if isinstance(paths, list) else ():
        match entry:
            case {"path_type": "directory"}:
                pass
            case {"_path": str(path), "path_type": "softlink"}:
                yield path, None
            case {"_path": str(path), "sha256": str(sha256), "size_in_bytes": int(size)}:
                yield path, archive.PayloadFile(size, _unhexed(sha256))
            case {"_path": str(path)}:
                yield path, None
            case _:
                raise ValueError("no list of paths")


def _unhexed(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _is_as_listed(actual: archive.PayloadFile | None, expected: archive.PayloadFile | None) -> bool:
    return actual is None or expected is None or actual == expected


def _differences(what: str, paths: Iterable[str]) -> Iterator[str]:
    ordered = sorted(paths)
    if ordered:
        listed = ", ".join(archive.shown(path) for path in ordered[:_LISTED_PATHS])
        more = f" and {len(ordered) - _LISTED_PATHS} more" if len(ordered) > _LISTED_PATHS else ""
        yield f"files of the payload {what}: {listed}{more}"


def parse_json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object as every reader understands it.

    `json.loads` takes more than JSON: other encodings, NaN, a key twice (of which readers disagree).

    Raises:
        ValueError: it is something else; the text completes "… is".
    """
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
        # A lone surrogate can be spelled in JSON, but not written as UTF-8; neither can a number like 1e999.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeError:
        raise ValueError("not UTF-8 throughout") from None
    except _RefusedError:
        raise
    except ValueError as error:
        raise ValueError(f"no JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - wrong data, not a wrong call
    return value


class _RefusedError(ValueError):
    """JSON to `json`, but not to every reader."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _RefusedError("an object with a key twice")
    return value


def _refuse_constant(name: str) -> None:
    raise _RefusedError(f"no JSON ({name} is no number)")
