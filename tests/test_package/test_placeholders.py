"""Files that contain the prefix of their build, which clients replace: they count as they are installed."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefix_upload.package import placeholders, validate
from prefix_upload.package.archive import limits
from prefix_upload.package.contents_digest import Difference, difference, read_local
from prefix_upload.package.formats import ValidationLevel
from prefix_upload.package.model import Package
from prefix_upload.package.placeholders import InstalledDigest, Placeholder, find_placeholders
from support.building import STEM, built, index_of, package, package_bytes, tar_member, written
from support.installing import install
from support.running import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from localchannel import LocalChannel

    Make = Callable[..., Package]
    Checked = Callable[[Path], Package]

OLD = "/build/demo_1700000001/host_env_placehold_placehold"
NEW = "/build/demo_1700000002/host_env_placehold_placehold"
LONGER = "/build/demo_1700000002/host_env_placehold_placehold_placehold"
WINDOWS = "C:\\bld\\demo_1700000002\\h_env"
PATHS, TOOL = "info/paths.json", "bin/tool"


@pytest.fixture(params=[".conda", ".tar.bz2"])
def extension(request: pytest.FixtureRequest) -> str:
    """A package format."""
    return str(request.param)


@pytest.fixture
def checked(workspace: Path) -> Checked:
    """Validates a package."""

    def check(path: Path) -> Package:
        package = validate.check([path], validate.ValidationOptions(workspace, ValidationLevel.FULL, None))
        assert isinstance(package, Package), package
        return package

    return check


@pytest.fixture
def make(workspace: Path, extension: str, checked: Checked) -> Make:
    """Makes a package with one file, which is recorded with these placeholders."""
    numbers = iter(range(100))

    def make(
        content: str | bytes,
        placeholder: str | None,
        mode: str = "text",
        *,
        old: bool = False,
        subdir: str = "linux-64",
        info: Iterable[bytes] = (),
        **changes: object,
    ) -> Package:
        content = content.encode() if isinstance(content, str) else content
        lists = listed_in_has_prefix(placeholder, mode) if old else [listed(content, placeholder, mode, **changes)]
        data = package_bytes(
            extension,
            index=index_of(STEM, subdir=subdir),
            info_members=[*lists, *info],
            payload_members=[tar_member(TOOL, content)],
        )
        return checked(written(workspace / str(next(numbers)) / f"{STEM}{extension}", data))

    return make


def listed(content: bytes, placeholder: str | None, mode: str, **changes: object) -> bytes:
    """A list of the file, as builders write it now; `None` leaves a key out."""
    entry = {
        "_path": TOOL,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_in_bytes": len(content),
        "prefix_placeholder": placeholder,
        "file_mode": mode,
        **changes,
    }
    entry = {key: value for key, value in entry.items() if value is not None}
    return tar_member(PATHS, json.dumps({"paths": [entry], "paths_version": 1}).encode())


def listed_in_has_prefix(placeholder: str | None, mode: str) -> list[bytes]:
    """A list of the file, as builders wrote it before."""
    line = f"{placeholder} {mode} {TOOL}\n"
    return [tar_member("info/files", f"{TOOL}\n".encode()), tar_member("info/has_prefix", line.encode())]


def compared(here: Package, there: Package) -> Difference:
    return difference(read_local(here), read_local(there))


SCRIPT = ["printf '#!%s/bin/sh\\nexport ROOT=%s\\n' $PREFIX $PREFIX > $PREFIX/bin/activate-demo"]
BINARY = ["printf '\\001\\000%s/lib:%s/share\\000\\377\\000' $PREFIX $PREFIX > $PREFIX/share/demo.bin"]


@pytest.mark.parametrize("noarch", [True, False], ids=["noarch", "native"])
def test_two_builds_of_a_recipe(workspace: Path, checked: Checked, extension: str, noarch: bool) -> None:
    """rattler-build's prefix has the time of the build in it."""
    script = [*SCRIPT, *BINARY]
    first, second = (
        checked(built(workspace / name, noarch=noarch, extension=extension, script=script)) for name in "ab"
    )
    assert first.sha256 != second.sha256
    assert not compared(first, second)


def test_two_builds_of_a_recipe_that_differ_in_such_a_file(workspace: Path, checked: Checked, extension: str) -> None:
    """All but the prefix counts."""
    scripts = ([*SCRIPT, *BINARY], [f"{SCRIPT[0]}; echo more >> $PREFIX/bin/activate-demo", *BINARY])
    first, second = (
        checked(built(workspace / name, extension=extension, script=script))
        for name, script in zip("ab", scripts, strict=True)
    )
    assert compared(first, second) == Difference(changed=("bin/activate-demo",))


@pytest.mark.parametrize("old", [False, True], ids=["paths.json", "has_prefix"])
def test_what_a_real_client_installs(server: LocalChannel, workspace: Path, checked: Checked, old: bool) -> None:
    """It is the same if the contents are."""
    packages = []
    for number in range(2):
        if old:
            path = written(workspace / str(number) / f"{STEM}.tar.bz2", old_package(number))
        else:
            path = built(workspace / str(number), script=[*SCRIPT, *BINARY])
        packages.append(checked(path))
    assert packages[0].sha256 != packages[1].sha256
    assert not compared(*packages)
    server.publish(CHANNEL, package(workspace / "other", "other"))
    first, second = (installed(server, each.path, workspace / "client") for each in packages)
    assert first == second
    assert any(str(workspace).encode() in content for content in first.values())


def old_package(number: int) -> bytes:
    """A package with a list in the old form."""
    prefix = f"/build/demo_170000000{number}/placehold" + "_placehold" * 15
    files = {"bin/script": f"#!{prefix}/bin/sh\n".encode(), "share/demo.bin": f"\0{prefix}/a:{prefix}/b\0\1".encode()}
    has_prefix = f"{prefix} text bin/script\n{prefix} binary share/demo.bin\n".encode()
    info = [tar_member("info/files", "\n".join(files).encode()), tar_member("info/has_prefix", has_prefix)]
    return package_bytes(".tar.bz2", info_members=info, payload_members=[tar_member(*file) for file in files.items()])


def installed(server: LocalChannel, path: Path, folder: Path) -> dict[str, bytes]:
    """The files of an environment with this package, but for what the client writes about it."""
    server.publish(CHANNEL, path)
    prefix = install(f"{server.url}/{CHANNEL}", "demo", folder)
    files = [file for file in prefix.rglob("*") if file.is_file() and "conda-meta" not in file.parts]
    contents = {file.relative_to(prefix).as_posix(): file.read_bytes() for file in files}
    shutil.rmtree(folder)
    return contents


@pytest.mark.parametrize("old", [False, True], ids=["paths.json", "has_prefix"])
@pytest.mark.parametrize("there", [NEW, LONGER])
def test_a_text_file(make: Make, there: str, old: bool) -> None:
    """The size of a placeholder doesn't matter there."""
    first, second = (make(f"#!{prefix}/bin/sh\ncd {prefix}\n", prefix, old=old) for prefix in (OLD, there))
    assert first.sha256 != second.sha256
    assert not compared(first, second)


@pytest.mark.parametrize("old", [False, True], ids=["paths.json", "has_prefix"])
def test_a_binary_file(make: Make, old: bool) -> None:
    """Clients fill what becomes free with NUL characters, so placeholders of another size are another file."""
    first, second, third = (
        make(f"\1\0{prefix}/lib:{prefix}\0\2", prefix, "binary", old=old) for prefix in (OLD, NEW, LONGER)
    )
    assert not compared(first, second)
    assert TOOL in compared(first, third).changed


def test_a_string_that_does_not_end(make: Make) -> None:
    """In a binary file, conda leaves it alone."""
    first, second = (make(f"\0{prefix}/lib", prefix, "binary") for prefix in (OLD, NEW))
    assert TOOL in compared(first, second).changed
    same, other = (make(f"\0{OLD}/lib", OLD, "binary", info=[tar_member(f"info/recipe/{name}")]) for name in "ab")
    assert same.sha256 != other.sha256
    assert not compared(same, other)


def test_a_binary_file_for_windows(make: Make) -> None:
    """No client replaces anything in it."""
    first, second = (make(f"\0{prefix}\0", prefix, "binary", subdir="win-64") for prefix in (OLD, NEW))
    assert TOOL in compared(first, second).changed
    first, second = (make(f"cd {prefix}\n", prefix, subdir="win-64") for prefix in (WINDOWS, WINDOWS.lower()))
    assert not compared(first, second)


def test_a_placeholder_that_is_not_recorded(make: Make) -> None:
    """It is installed as it is."""
    first, second = (make(f"cd {prefix}\n", None) for prefix in (OLD, NEW))
    assert TOOL in compared(first, second).changed
    recorded = make(f"cd {NEW}\n", NEW)
    assert TOOL in compared(first, recorded).changed
    assert TOOL in compared(make(f"cd {OLD} {NEW}\n", OLD), make(f"cd {NEW} {NEW}\n", NEW)).changed


def test_a_placeholder_that_is_not_there(make: Make) -> None:
    """It changes nothing in the file, and is still part of the metadata."""
    first, second = (make("cd /\n", prefix) for prefix in (OLD, NEW))
    assert compared(first, second) == Difference(changed=(PATHS,))
    assert compared(first, make("cd /\n", None)) == Difference(changed=(PATHS,))
    assert TOOL in compared(make(f"cd {OLD}\n", OLD), make("cd \n", OLD)).changed
    assert TOOL in compared(make(f"cd {OLD}\n", OLD), make(f"cd {OLD}\n", NEW)).changed


def test_the_start_of_a_script(make: Make) -> None:
    """Clients may replace a path in the first line by another one, if it starts with a slash."""
    first, second = (make(f"#!{prefix}/bin/sh\n", prefix) for prefix in (OLD, WINDOWS))
    assert TOOL in compared(first, second).changed


def test_the_mode_of_replacing(make: Make) -> None:
    """The same bytes become something else."""
    text, binary = (make(f"\0{OLD}/lib\0", OLD, mode) for mode in ("text", "binary"))
    assert TOOL in compared(text, binary).changed


@pytest.mark.parametrize(
    "changes", [{"sha256": "0" * 64}, {"size_in_bytes": 1}, {"size_in_bytes": float(len(NEW) + 4)}]
)
def test_a_list_that_is_wrong_about_such_a_file(make: Make, changes: dict[str, object]) -> None:
    """Clients that verify what they extract notice."""
    first, second = make(f"cd {OLD}\n", OLD), make(f"cd {NEW}\n", NEW, **changes)
    assert compared(first, second) == Difference(changed=(PATHS,))


def test_other_fields_of_such_a_file(make: Make) -> None:
    """Only what depends on the placeholder is left out."""
    first, second = make(f"cd {OLD}\n", OLD), make(f"cd {NEW}\n", NEW, no_link=True)
    assert compared(first, second) == Difference(changed=(PATHS,))


@pytest.mark.parametrize(
    "unusual",
    ["/a b/demo_1", '/a"b/demo_1', "/short", "/" + "x" * 2000, "/bäd/demo_1", ""],
    ids=["space", "quote", "short", "long", "not ASCII", "empty"],
)
def test_an_unusual_placeholder(make: Make, unusual: str) -> None:
    """What clients make of it is not certain, so the files have to be the same."""
    first, second = (make(f"cd {prefix}\n", prefix) for prefix in (unusual, f"{unusual[:-1]}2"))
    assert TOOL in compared(first, second).changed


def test_both_lists(make: Make) -> None:
    """conda-build writes the old one as well, which has to agree."""

    def has_prefix(line: str) -> list[bytes]:
        return [tar_member("info/has_prefix", f"# old\n{line}\n".encode())]

    def both(prefix: str, line: str) -> Package:
        return make(f"cd {prefix}\n", prefix, info=has_prefix(line))

    first = both(OLD, f"{OLD} text {TOOL}")
    assert not compared(first, both(NEW, f"{NEW} text {TOOL}"))
    for line in (f"{OLD} text {TOOL}", f"{NEW} binary {TOOL}", f"{NEW} text {TOOL}2", TOOL, f"{NEW} other {TOOL}"):
        assert "info/has_prefix" in compared(first, both(NEW, line)).changed


def test_a_list_after_the_payload(workspace: Path, checked: Checked) -> None:
    """It counts wherever it is."""

    def late(prefix: str) -> Package:
        content = f"cd {prefix}\n".encode()
        payload = [tar_member(TOOL, content), listed(content, prefix, "text")]
        has_prefix = tar_member("info/has_prefix", f"{prefix} text other\n".encode())
        data = package_bytes(".tar.bz2", info_members=[has_prefix], payload_members=payload)
        return checked(written(workspace / str(len(prefix) + int(prefix == NEW)) / f"{STEM}.tar.bz2", data))

    assert compared(late(OLD), late(NEW)) == Difference(changed=("info/has_prefix",))


def test_a_placeholder_in_the_metadata(make: Make) -> None:
    """Clients read it as it is, whatever is recorded."""
    first, second = (
        make("x", f"demo>=1.{number}", _path="info/run_exports.json", info=[run_exports(number)]) for number in range(2)
    )
    assert "info/run_exports.json" in compared(first, second).changed


def run_exports(number: int) -> bytes:
    return tar_member("info/run_exports.json", json.dumps({"weak": [f"demo>=1.{number}"]}).encode())


def test_a_file_that_is_replaced_under_another_spelling(workspace: Path, checked: Checked) -> None:
    """Clients extract the last one, and replace in it what is recorded for the first."""

    def twice(prefix: str) -> Package:
        content = f"cd {prefix}\n".encode()
        payload = [tar_member(TOOL, content), tar_member(f"./{TOOL}", f"cd {OLD}\n".encode())]
        data = package_bytes(".conda", info_members=[listed(content, prefix, "text")], payload_members=payload)
        return checked(written(workspace / prefix[7:22] / f"{STEM}.conda", data))

    assert compared(twice(OLD), twice(NEW)).changed


@pytest.mark.parametrize("is_recorded", [False, True])
def test_a_link_to_such_a_file(workspace: Path, checked: Checked, is_recorded: bool) -> None:
    """A hard link is installed with the data that it links to, also by way of others, in which nothing is replaced."""

    def linked(prefix: str) -> Package:
        content = f"cd {prefix}\n".encode()
        entry = json.loads(listed(content, prefix, "text")[512:].rstrip(b"\0"))["paths"][0]
        links = [{**entry, "_path": "bin/link"}] if is_recorded else []
        paths = tar_member(PATHS, json.dumps({"paths": [entry, *links], "paths_version": 1}).encode())
        payload = [
            tar_member(TOOL, content),
            tar_member("bin/link", b"", kind=tarfile.LNKTYPE, target=TOOL),
            tar_member("bin/other", b"", kind=tarfile.LNKTYPE, target="./bin/link"),
        ]
        data = package_bytes(".conda", info_members=[paths], payload_members=payload)
        return checked(written(workspace / prefix[7:22] / f"{STEM}.conda", data))

    assert compared(linked(OLD), linked(NEW)) == Difference(changed=("bin/link", "bin/other"))


# What is replaced, as far as the lists show.


def paths_of(*entries: dict[str, object]) -> bytes:
    return json.dumps({"paths": entries, "paths_version": 1}).encode()


ENTRY: dict[str, object] = {"_path": "a", "prefix_placeholder": OLD, "file_mode": "text"}
INDEX = json.dumps(index_of()).encode()


def test_what_is_recorded() -> None:
    """`info/has_prefix` only counts if there is no `info/paths.json`."""
    has_prefix = f'# comment\n"{NEW}" binary "b c"\nd\n{OLD} text e\n\n'.encode()
    assert find_placeholders(INDEX, paths_of(ENTRY), has_prefix) == {"a": Placeholder(OLD, is_binary=False)}
    assert find_placeholders(INDEX, None, has_prefix) == {
        "b c": Placeholder(NEW, is_binary=True),
        "e": Placeholder(OLD, is_binary=False),
    }
    assert find_placeholders(INDEX, None, None) == {}


@pytest.mark.parametrize(
    ("paths", "has_prefix"),
    [
        (b"{", None),
        (b"[]", None),
        (b'{"paths": 5}', None),
        (b'{"paths": [5]}', None),
        (paths_of(ENTRY, {**ENTRY, "prefix_placeholder": NEW}), None),
        (paths_of(ENTRY, {"_path": "a"}), None),
        (paths_of({**ENTRY, "file_mode": "other"}), None),
        (paths_of({**ENTRY, "prefix_placeholder": 5}), None),
        (None, b"\xff"),
        (None, f"{OLD} text a\n{OLD} text a\n".encode()),
        (None, f"{OLD} text a\n{OLD} text\n".encode()),
        (None, f'{OLD} text "a\n'.encode()),
    ],
)
def test_lists_that_are_not_valid(paths: bytes | None, has_prefix: bytes | None) -> None:
    """Nothing is replaced then."""
    assert find_placeholders(INDEX, paths, has_prefix) == {}


def test_a_list_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded."""
    monkeypatch.setattr(limits, "MAX_PATHS_OBJECTS", 1)
    assert find_placeholders(INDEX, paths_of(ENTRY), None) == {}


# Digests, in comparison with what the clients do.


def rattler(data: bytes, placeholder: Placeholder, prefix: bytes) -> bytes:
    """What it installs (`copy_and_replace_textual_placeholder`, `copy_and_replace_cstring_placeholder`)."""
    old = placeholder.text.encode()
    if not placeholder.is_binary:
        return data.replace(old, prefix)
    return re.sub(
        re.escape(old) + rb"[^\0]*", lambda match: match[0].replace(old, prefix).ljust(len(match[0]), b"\0"), data
    )


def conda(data: bytes, placeholder: Placeholder, prefix: bytes) -> bytes:
    """What it installs (`replace_prefix`, `binary_replace`)."""
    old = placeholder.text.encode()
    if not placeholder.is_binary:
        return data.replace(old, prefix)
    return re.sub(
        re.escape(old) + rb"[^\0]*\0", lambda match: match[0].replace(old, prefix).ljust(len(match[0]), b"\0"), data
    )


def digest(pieces: Iterable[bytes], placeholder: Placeholder) -> bytes:
    installed = InstalledDigest(placeholder)
    for piece in pieces:
        installed.update(memoryview(piece))
    data = installed.digest()
    return data + (b"replaced" if installed.is_found else b"")


# Placeholders that overlap with themselves, and with each other.
TEXTS = ("aabaabaab", "aabaabaac", "abaabaabaa")
PREFIXES = (b"", b"a", b"\xff", b"aab", b"aabaabaa")
SEGMENTS = [*(text.encode() for text in TEXTS), b"a", b"aab", b"\0"]


@pytest.fixture(params=[1, 7, 1000])
def small_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search works with so many bytes at once."""
    monkeypatch.setattr(placeholders, "_BLOCK", request.param)


@pytest.mark.usefixtures("small_blocks")
def test_equal_digests_are_equal_installations() -> None:
    """Into any prefix, by any client; all files of up to four segments are tried."""
    installations: dict[bytes, list[bytes]] = {}
    for size, text, is_binary in itertools.product(range(5), TEXTS, [True, False]):
        placeholder = Placeholder(text, is_binary)
        for segments in itertools.product(SEGMENTS, repeat=size):
            file = b"".join(segments)
            installed = [install(file, placeholder, prefix) for install in (rattler, conda) for prefix in PREFIXES]
            assert installations.setdefault(digest(segments, placeholder), installed) == installed
    assert len(installations) > 1000


@pytest.mark.usefixtures("small_blocks")
@given(st.lists(st.sampled_from([b"/", b"\0", b"x", None]), max_size=8), st.booleans())
def test_files_that_only_differ_in_the_placeholder(parts: list[bytes | None], is_binary: bool) -> None:
    """Their digests are equal, unless a string of a binary file does not end."""
    files = [b"".join(text.encode() if part is None else part for part in parts) for text in TEXTS[:2]]
    digests = {
        digest([file[:5], file[5:9], file[9:]], Placeholder(text, is_binary))
        for file, text in zip(files, TEXTS[:2], strict=True)
    }
    last = parts[::-1].index(None) if None in parts else 0
    is_open = is_binary and None in parts and b"\0" not in parts[len(parts) - last :]
    assert (len(digests) == 1) is not is_open


def test_a_placeholder_across_pieces() -> None:
    """It is found wherever the data is cut, and at the edges of what is searched at once."""
    for start in (0, placeholders._BLOCK - len(OLD) // 2, placeholders._BLOCK - 1, placeholders._BLOCK):
        files = [b"x" * start + text.encode() + b"/bin" for text in (OLD, NEW)]
        cuts = [start + 7, start + len(OLD) - 1]
        digests = {
            digest([file[: cuts[0]], file[cuts[0] : cuts[1]], file[cuts[1] :]], Placeholder(text, is_binary=False))
            for file, text in zip(files, (OLD, NEW), strict=True)
        }
        assert len(digests) == 1
        assert digest([files[0]], Placeholder(OLD, is_binary=False)) in digests
