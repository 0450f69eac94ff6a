"""The real clients, and what each of them extracts from a package."""

from __future__ import annotations

import hashlib
import json
import os
import selectors
import shutil
import stat
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from support.building import STEM, conda_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

WORKER = Path(__file__).with_name("worker.py")
NAMES = ("conda", "libarchive", "rattler", "rattler while downloading")
# Some readers take very long for some damaged files. In seconds.
_TIMEOUT = 60
_SENTINEL = b"must stay as it is"


class Extracted(NamedTuple):
    """What a client made of a package: an error, or what is at each path.

    A path has the SHA-256 of a file, the target of a link after "-> ", or "folder".
    """

    error: str | None
    tree: dict[str, str]


class Clients:
    """One process for each client, each with a folder of its own. Use as a context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._clients: list[_Client] = []

    def __enter__(self) -> Self:
        self._clients = [self._stack.enter_context(_Client(name)) for name in NAMES]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def extract(self, data: bytes, extension: str, stem: str = STEM) -> Mapping[str, Extracted]:
        """What each client makes of the same package."""
        for client in self._clients:
            client.begin(data, stem + extension)
        return {client.name: client.finish() for client in self._clients}


class _Client:
    def __init__(self, name: str) -> None:
        self.name = name
        self._folder = Path()
        self._process: subprocess.Popen[str] | None = None
        self._sent = ""

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="differential-"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        _remove(self._folder)

    def begin(self, data: bytes, file_name: str) -> None:
        """Starts to extract a package."""
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        _remove(self._folder / "out")
        self._package = self._folder / file_name
        self._package.write_bytes(data)
        (self._folder / "sentinel").write_bytes(_SENTINEL)
        self._process.stdin.write(f"{file_name}\n")
        self._process.stdin.flush()

    def finish(self) -> Extracted:
        """Waits until the package is extracted."""
        error = self._answer()
        self._check_outside()
        self._package.unlink()
        return Extracted(error, {} if error else dict(_tree(self._folder / "out")))

    def _start(self) -> None:
        (self._folder / "warm-up.conda").write_bytes(conda_bytes("warm-up-1"))
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, "-I", WORKER, self.name, self._folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._answer() is None, f"the client {self.name} does not start"

    def _answer(self) -> str | None:
        assert self._process is not None
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            line = self._process.stdout.readline() if selector.select(_TIMEOUT) else ""
        if not line:
            self._stop()
            return "the client crashed or did not end"
        return json.loads(line)  # type: ignore[no-any-return]  # the protocol

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            with self._process:
                pass
            self._process = None

    def _check_outside(self) -> None:
        """Whatever is extracted, nothing but the folder for it has changed."""
        sentinel = self._folder / "sentinel"
        assert sentinel.read_bytes() == _SENTINEL
        assert sentinel.stat().st_nlink == 1
        expected = {"out", "sentinel", "warm-up", "warm-up.conda", self._package.name}
        assert {path.name for path in self._folder.iterdir()} <= expected


def _tree(folder: Path) -> list[tuple[str, str]]:
    entries = []
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found = f"-> {path.readlink()}"
        elif stat.S_ISDIR(mode):
            found = "folder"
        else:
            path.chmod(0o600)
            found = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(mode) else "special"
        entries.append((path.relative_to(folder).as_posix(), found))
    return entries


def _remove(folder: Path) -> None:
    for parent, _, _ in os.walk(folder):
        os.chmod(parent, 0o700)  # noqa: PTH101 - a name from `os.walk`
    shutil.rmtree(folder, ignore_errors=True)
