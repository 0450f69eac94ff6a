"""Selectors: what a user writes to choose files of a channel, one per line.

A selector is the name of a file, a glob pattern for names of files, or a match spec of name, version and build.
"""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from prefix_upload.errors import setting
from prefix_upload.package.dependencies import fits, is_plain_build
from prefix_upload.package.formats import PACKAGE_EXTENSIONS
from prefix_upload.package.listing import truncated_repr
from prefix_upload.package.match_specs import MatchSpec, parse_match_spec
from prefix_upload.package.names import split_file_name
from prefix_upload.package.versions import has_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefix_upload.package.model import Artifact

_MAGIC = re.compile(r"[*?\[]")
_FORMS = (
    "Write the name of a file ('demo-1.0-h0_0.conda'), a pattern ('demo-1.*', 'linux-64/demo-*'), or a match spec "
    "of name, version and build ('demo', 'demo <2', 'demo 1.0 *_debug')."
)


class SelectorError(ValueError):
    """A text is not a selector. `problem` says what is wrong with it, and `hint` what to write."""

    def __init__(self, problem: str, hint: str = _FORMS) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


class FileSelector(NamedTuple):
    """The name of a file, with or without its subdir."""

    text: str
    package_name: str

    def matches(self, file: Artifact) -> bool:
        """Whether that is the name of the file."""
        return self.text in {file.file_name, f"{file.subdir}/{file.file_name}"}


class Glob(NamedTuple):
    """A glob pattern for names of files: `*`, `?` and `[a-z]`. A pattern with a slash includes the subdir."""

    text: str

    @property
    def package_name(self) -> None:
        """Always `None`: the pattern may match files of any package."""

    def matches(self, file: Artifact) -> bool:
        """Whether the pattern matches the name of the file."""
        name = f"{file.subdir}/{file.file_name}" if "/" in self.text else file.file_name
        return fnmatch.fnmatchcase(name, self.text)

    def matches_package(self, file: Artifact) -> bool:
        """Whether the pattern matches the name of the file, or that of its package, in upper or lower case."""
        pattern, label = self.text.lower(), file.label.lower()
        names = (label if "/" in pattern else file.file_name.lower(), file.name.lower())
        return any(fnmatch.fnmatchcase(name, pattern) for name in names)


class SpecSelector(NamedTuple):
    """A match spec of name, version and build."""

    text: str
    spec: MatchSpec

    @property
    def package_name(self) -> str:
        """The name of the package."""
        return self.spec.name

    def matches(self, file: Artifact) -> bool:
        """Whether the spec matches the file's package. A version that can't be compared fits no other one."""
        is_comparable = not self.spec.version or has_order(file.version)
        return self.spec.name == file.name.lower() and is_comparable and fits(self.spec, file)


Selector: TypeAlias = FileSelector | Glob | SpecSelector


def parse_selector(text: str) -> Selector:
    """Parses a selector.

    A text with an extension of packages is the name of a file, or a glob pattern for it. Other texts are match specs,
    unless they can't be, as with a `*` in the name.

    Raises:
        SelectorError: it is none of the three.
    """
    is_magic = _MAGIC.search(text) is not None
    if text.startswith("!"):
        raise SelectorError(
            f"has {truncated_repr(text)}, but '!' does not exclude here", f"Write it as {setting('ignore')}."
        )
    if re.fullmatch(r"[0-9.]+", text):
        raise SelectorError(
            f"has {truncated_repr(text)}, which looks like a version without a name",
            f"Write a match spec as one selector, such as 'demo {text}'.",
        )
    if text.endswith(PACKAGE_EXTENSIONS) and not is_magic:
        return _file(text)
    spec = None if text.endswith(PACKAGE_EXTENSIONS) else parse_match_spec(text)
    if spec is not None:
        return SpecSelector(text, _checked(text, spec))
    if is_magic and not re.search(r"\s", text):
        return Glob(text)
    raise SelectorError(f"has {truncated_repr(text)}, which does not name files of a channel")


def names_in(selectors: Sequence[Selector]) -> list[str] | None:
    """The names of the packages whose files the selectors can match; `None` if that may be any."""
    names = [selector.package_name for selector in selectors]
    return None if None in names else sorted({name for name in names if name is not None})


def _file(text: str) -> FileSelector:
    parts = split_file_name(text.rpartition("/")[2])
    if parts is None or text.count("/") > 1:
        raise SelectorError(f"has {truncated_repr(text)}, which is not the name of a package's file")
    return FileSelector(text, parts[0])


def _checked(text: str, spec: MatchSpec) -> MatchSpec:
    """The spec.

    Raises:
        SelectorError: the text has more than name, version and build, which `MatchSpec` leaves out, or a build that is
            a regular expression: what can't be compared must not match.
    """
    if re.search(r"[\[\]:#;/\\]", text):
        raise SelectorError(f"has {truncated_repr(text)}, which is a match spec with more than name, version and build")
    if not is_plain_build(spec.build) or re.search(r"\s", spec.build):
        raise SelectorError(f"has {truncated_repr(text)}, whose build is more than a text with '*'")
    return spec
