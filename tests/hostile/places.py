"""File names that are none, and what is no file."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from hostile.case import CONDA, Case
from support.building import STEM, conda_bytes, written
from support.workflow_commands import POISON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A file that is a package, under another name.
RENAMED = "its name should be 'demo-1.0-h0_0.conda'"


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _names()
    yield from _no_files()
    yield from _links()


def _names() -> Iterator[Case]:
    for what, text in POISON.items():
        name = os.fsencode(text.replace("/", "|").replace("\0", "|").encode("utf-8", "replace").decode())
        if len(name) <= 200:
            yield Case(f"a file called {what}", _called(name + b"-1.0-h0_0.conda"), RENAMED)
    yield Case("a name that is not UTF-8", _called(b"caf\xe9-1.0-h0_0.conda"), RENAMED)
    yield Case("a name without parts", _called(b"demo.conda"), RENAMED)
    yield Case("nothing but the extension", _called(b".conda"), RENAMED)
    yield Case("a name of 250 characters", _called(b"a" * 232 + b"-1.0-h0_0.conda"), RENAMED)
    yield Case("an upper-case name", _called(b"Demo-1.0-h0_0.conda"), RENAMED)
    yield Case("an upper-case extension", _called(b"demo-1.0-h0_0.CONDA"), "neither '.conda' nor '.tar.bz2'")


def _called(name: bytes) -> Callable[[Path], Path]:
    return lambda folder: written(folder / os.fsdecode(name), conda_bytes(STEM))


def _no_files() -> Iterator[Case]:
    yield Case("a FIFO", _made(os.mkfifo), "not a regular file")
    yield Case("a folder", _made(os.mkdir), "not a regular file")
    yield Case("a device", _made(_device), "cannot be read")
    yield Case("a socket", _made(_socket), "cannot be read")
    yield Case("an empty file", _made(Path.touch), "is empty")
    yield Case("a file of 1 TB without content", _made(_sparse), "not a valid ZIP file")
    yield Case("a file that is gone", lambda folder: folder / CONDA, "the file is missing")


def _made(make: Callable[[Path], object]) -> Callable[[Path], Path]:
    def put(folder: Path) -> Path:
        make(folder / CONDA)
        return folder / CONDA

    return put


def _device(path: Path) -> None:
    # The device that overlay file systems use for what was deleted is the one that anybody may make.
    os.mknod(path, 0o600 | stat.S_IFCHR, 0)


def _socket(path: Path) -> None:
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"/proc/self/fd/{descriptor}/{path.name}")  # a socket's address is short
    finally:
        os.close(descriptor)


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 10**12)


def _links() -> Iterator[Case]:
    yield Case("a link outside the workspace", _linked("/etc/passwd"), "outside the workspace")
    yield Case("a link upwards", _linked("../../../../../../etc/passwd"), "outside the workspace")
    yield Case("a link to a device", _linked("/dev/zero"), "outside the workspace")
    yield Case("a link to the system's memory", _linked("/proc/self/mem"), "outside the workspace")
    yield Case("a link to itself", _linked(CONDA), "is missing or not visible here")
    yield Case("a link to nowhere", _linked("nowhere"), "is missing or not visible here")
    yield Case("a link to a folder", _linked("."), "not a regular file")
    yield Case("a link to a package", _linked("other/real.bin"))
    yield Case("a link to a link to a package", _linked("other/link.bin"))


def _linked(target: str) -> Callable[[Path], Path]:
    def put(folder: Path) -> Path:
        written(folder / "other" / "real.bin", conda_bytes())
        (folder / "other" / "link.bin").symlink_to("real.bin")
        (folder / CONDA).symlink_to(target)
        return folder / CONDA

    return put
