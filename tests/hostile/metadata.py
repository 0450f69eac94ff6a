"""Packages whose metadata would break the index of a subdir, or make clients write outside the environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hostile.case import MIB, Case, conda, tar_bz2
from support.building import STEM, conda_bytes, index_of, tar_bz2_bytes, tar_member, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _versions()
    yield from _fields()
    yield from _lists()
    yield from _large()


def _versions() -> Iterator[Case]:
    for version in (".post", "1..0", "1!2!3", "1.0+", "x!1.0", "1.", "+1", "1+a+b", "18446744073709551616"):
        yield Case(f"the version {version}", _called(f"demo-{version}-h0_0"), "is not a version (CEP 33)")
    yield Case("a version that ends in _", _called("demo-1_-h0_0"))
    yield Case("a version with an operating system", _called("demo-0.6+218_omp-h0_0"))


def _called(stem: str) -> Callable[[Path], Path]:
    return lambda folder: written(folder / f"{stem}.conda", conda_bytes(stem))


def _fields() -> Iterator[Case]:
    for field, value in (
        ("depends", None),
        ("depends", "python"),
        ("constrains", [1]),
        ("noarch", "ruby"),
        ("timestamp", "yesterday"),
        ("build_number", 2**64),
        ("track_features", None),
        ("license", ["MIT"]),
        ("purls", ["demo"]),
    ):
        data = conda_bytes(index=index_of(STEM, **{field: value}))
        yield Case(f"the {field} {value!r}", conda(data), f"'info/index.json' has the {field} ")
    unclear = conda_bytes(index=index_of(STEM, depends=["python >=3.8,<"]))
    yield Case("a match spec that is cut off", conda(unclear), warning="can't parse some match specs of 'depends'")
    many = conda_bytes(index=index_of(STEM, depends=["a >=1,<2|" + "(" * 25 + ">3" + ")" * 25] * 60_000))
    yield Case("60,000 match specs", conda(many))
    nested = ["[" * 1000, "a[" + "b='" * 300, "a " + "(" * 1000, "a[when=" + "(" * 900, "a " + "1." * 500 + "x y z"]
    deep = conda_bytes(index=index_of(STEM, depends=nested * 500))
    yield Case("match specs that are nested", conda(deep), warning="can't parse some match specs of 'depends'")


def _lists() -> Iterator[Case]:
    for path in ("../evil", "/evil", "a/../../evil", "C:\\evil", "\\\\server\\evil"):
        listed = json.dumps({"paths": [{"_path": path, "path_type": "hardlink"}], "paths_version": 1}).encode()
        for name, content in (("info/paths.json", listed), ("info/files", path.encode())):
            member = tar_member(name, content)
            yield Case(f"{path} in {name}, .conda", conda(conda_bytes(info_members=[member])), "outside the environ")
            yield Case(
                f"{path} in {name}, .tar.bz2", tar_bz2(tar_bz2_bytes(info_members=[member])), "outside the environ"
            )
    for command in ("../evil", "bin/evil", "..\\evil", ""):
        link = json.dumps({"noarch": {"type": "python", "entry_points": [f"{command} = demo:main"]}}).encode()
        member = tar_member("info/link.json", link)
        yield Case(f"the command {command!r}", conda(conda_bytes(info_members=[member])), "not the name of a command")


def _large() -> Iterator[Case]:
    for unit in (b'"_path"', b'"_path":"a",', b'"_path":"' + b"." * 50, b'"_path":"' + b".a" * 50):
        yield Case(f"60 MB of {unit[:15].decode()}", _filled("info/paths.json", unit), warning="too large to compare")
    for unit in (b'"_path":"\\\\",', b'"_path":"../"'):
        yield Case(f"60 MB of {unit.decode()}", _filled("info/paths.json", unit), "outside the environment")
    for unit in (b" \r\n", b"\x7fa\n", b"\x7f..\n", b"..a/..a/.. /" * 20 + b"\n"):
        yield Case(f"15 MB of {unit[:15]!r}", _filled("info/files", unit, 15 * MIB))
    yield Case("15 MB of lines of dots", _filled("info/files", b"..\n", 15 * MIB), "outside the environment")
    yield Case("a list of 17 MB", _filled("info/files", b"a\n", 17 * MIB), "is larger than")


def _filled(name: str, unit: bytes, size: int = 60 * MIB) -> Callable[[Path], Path]:
    """A package whose list of files consists of the same bytes over and over."""
    return conda(lambda: conda_bytes(info_members=[tar_member(name, unit * (size // len(unit)))]))
