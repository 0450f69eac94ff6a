"""What the action does without what Linux has: as on macOS, or as on Windows."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from localchannel import Fault, Stall
from platforms.lacking import load
from prefix_upload import concurrency
from prefix_upload.concurrency import run_inline
from prefix_upload.github.log import Log
from prefix_upload.http import connection, send_queue
from prefix_upload.package import fs, hints, validate
from prefix_upload.package.formats import ValidationLevel
from prefix_upload.package.model import Package
from prefix_upload.reporting.exit_codes import ExitCode
from support.building import package
from support.running import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from localchannel import LocalChannel
    from support.action import Action

# Modules of tests over all that opens, reads and finds files, and a whole upload. (All of `test_package` and
# `test_upload` pass as well, and take a minute.)
SUITE = (
    "test_discovery.py",
    "test_package/test_contents_digest.py",
    "test_package/test_validate.py",
    "test_upload/test_matched_files.py",
    "test_upload/test_order.py",
    "test_upload/test_same_contents.py",
)
WITHOUT: Any = load("prefix_upload.package.fs", {"os": {"O_BINARY": 0}})


def test_the_suite_passes() -> None:
    """Files are found, validated, compared and uploaded all the same."""
    folder = REPOSITORY / "tests"
    command = [sys.executable, "-m", "pytest", "-p", "platforms.plugin", "-p", "no:cacheprovider", "-q"]
    command += [str(folder / name) for name in SUITE]
    variables = dict(os.environ) | {"PYTHONPATH": f"{REPOSITORY / 'src'}:{folder}"}
    run = subprocess.run(  # noqa: S603 - pytest
        command, cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_suite_runs_without_them() -> None:
    """The plugin takes them away before any module of the action has seen them."""
    shown = "fs.READS_ANYWHERE, fs._LOOKS_FIRST, len(cancellation.SIGNALS), send_queue.unacknowledged(None)"
    script = f"from prefix_upload import cancellation\nfrom prefix_upload.http import send_queue\nprint({shown})"
    script = f"import platforms.plugin\nfrom prefix_upload.package import fs\n{script}"
    variables = {"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY / 'tests'}"}
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)  # noqa: S603 - this interpreter
    assert run.stdout == "False True 1 None\n"


# Files.


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of ten bytes."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    return path


def places(folder: Path) -> Mapping[str, Path]:
    """What is not a regular file."""
    places = {name: folder / name for name in ("folder", "fifo", "link", "missing")}
    places["folder"].mkdir()
    os.mkfifo(places["fifo"])
    places["link"].symlink_to("file")
    return places


def open_descriptors() -> int:
    """How many this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("module", [fs, WITHOUT], ids=["Linux", "other"])
@pytest.mark.parametrize(
    ("name", "error"),
    [("folder", "NotRegularFileError"), ("fifo", "NotRegularFileError"), ("link", "OSError"), ("missing", "OSError")],
)
def test_only_regular_files_are_opened(module: Any, file: Path, name: str, error: str) -> None:
    """Opening a FIFO does not wait for a writer, and no descriptor is left open."""
    before = open_descriptors()
    path = places(file.parent)[name]
    with pytest.raises(getattr(module, error, OSError)) as caught:
        module.open_regular(path)
    assert isinstance(caught.value, module.NotRegularFileError) == (error == "NotRegularFileError")
    assert open_descriptors() == before


@pytest.mark.parametrize("module", [fs, WITHOUT], ids=["Linux", "other"])
def test_reading_at_an_offset(module: Any, file: Path) -> None:
    """The position of the file stays where it is."""
    descriptor = module.open_regular(file)
    try:
        assert os.read(descriptor, 3) == b"012"
        buffer = bytearray(4)
        counts = [module.read_at(descriptor, memoryview(buffer), offset) for offset in (10, 8, 2)]
        assert (counts, bytes(buffer)) == ([0, 2, 4], b"2345")
        assert os.read(descriptor, 3) == b"345"
    finally:
        os.close(descriptor)


def test_files_are_opened_in_binary_mode() -> None:
    """Windows has a flag for that."""
    assert load("prefix_upload.package.fs", {"os": {"O_BINARY": 0x8000}})._FLAGS == os.O_RDONLY | 0x8000


def stat_without_inode(path: Path) -> os.stat_result:
    """What `os.stat` returns in some file systems on Windows."""
    status = list(path.stat())
    status[stat.ST_INO] = 0
    return os.stat_result(status)


def test_files_without_inodes_are_told_apart(file: Path) -> None:
    """By their resolved paths, so links still lead to the same file."""
    module: Any = load("prefix_upload.package.fs", {"os": {"stat": stat_without_inode}})
    link, other = file.with_name("link"), file.with_name("other")
    link.symlink_to(file)
    other.write_bytes(file.read_bytes())
    assert module.file_identity(link) == module.file_identity(file) != module.file_identity(other)
    assert module.file_identity(file.parent) is None
    assert module.folder_identity(file.parent) == str(file.parent)


@pytest.mark.parametrize(
    ("entry", "is_link"),
    [
        ({"is_symlink": lambda: True}, True),
        ({"is_symlink": lambda: False}, False),
        ({"is_symlink": lambda: False, "is_junction": lambda: True}, True),
        ({"is_symlink": lambda: False, "is_junction": lambda: False}, False),
    ],
)
def test_junctions_are_links(entry: Mapping[str, Callable[[], bool]], is_link: bool) -> None:
    """Python 3.11 does not know them."""
    assert fs.is_link(cast("os.DirEntry[str]", SimpleNamespace(**entry))) is is_link


@pytest.mark.parametrize("reads_anywhere", [True, False])
def test_a_large_file_is_decoded_in_a_thread_only_if_it_can_be_hashed_meanwhile(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, *, reads_anywhere: bool
) -> None:
    """Otherwise both would move the position of the same open file."""
    monkeypatch.setattr(concurrency, "_LARGE", 1)
    monkeypatch.setattr(validate, "_SMALL", 0)
    monkeypatch.setattr(validate, "READS_ANYWHERE", reads_anywhere)
    started = []

    def submit(work: Callable[[], Any]) -> Future[Any]:
        started.append(work)
        return run_inline(work)

    path = package(workspace)
    checked = validate.check([path], validate.ValidationOptions(workspace, ValidationLevel.FULL, None, submit))
    assert isinstance(checked, Package)
    assert checked.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert bool(started) is reads_anywhere


def test_a_file_that_another_program_has_open() -> None:
    """Where programs can lock files, the hint says so first."""
    locked, missing = PermissionError(13, "Permission denied"), FileNotFoundError(2, "No such file")
    assert hints.unreadable(locked, locks_files=True).startswith("Another program may have the file open")
    assert "Check the permissions" in hints.unreadable(locked, locks_files=False)
    assert hints.unreadable(missing, locks_files=True) == hints.unreadable(locked, locks_files=False)


def test_new_files_belong_to_whoever_made_them(tmp_path: Path) -> None:
    """Without owners in the system, the checksums are written all the same."""
    module: Any = load("prefix_upload.reporting.checksums_file")
    module._create_folders(tmp_path / "new")
    module._replace(tmp_path / "new" / "SHA256SUMS", b"text")
    assert (tmp_path / "new" / "SHA256SUMS").read_bytes() == b"text"


# Processors and signals.


def test_the_number_of_processors() -> None:
    """All of them, if it is unknown which of them this process may use; one if their number is unknown."""
    for count, expected in ((6, 6), (None, 1)):
        module: Any = load("prefix_upload.concurrency", {"os": {"cpu_count": lambda count=count: count}})
        assert module.available_cpus() == expected


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGUSR1, ExitCode.TERMINATED)]
)
def test_ctrl_c_and_ctrl_break(number: int, exit_code: ExitCode) -> None:
    """Windows has no SIGTERM, but SIGBREAK, with which its runner cancels what Ctrl-C did not end."""
    before = signal.getsignal(signal.SIGUSR1)
    module: Any = load("prefix_upload.cancellation", {"signal": {"SIGBREAK": signal.SIGUSR1}})
    cancellation = module.Cancellation()
    cancellation.watch()
    signal.raise_signal(number)
    signal.signal(signal.SIGUSR1, before)
    assert set(module.SIGNALS) == {signal.SIGINT, signal.SIGUSR1}
    assert cancellation.exit_code == exit_code


# Connections.


def test_what_is_not_acknowledged_is_unknown() -> None:
    """If the system does not tell: macOS knows the question for terminals only, as Linux does for pipes."""
    module: Any = load("prefix_upload.http.send_queue")
    here, there = socket.socketpair()
    with here, there, os.fdopen(os.open("/dev/null", os.O_RDONLY)) as not_a_socket:
        assert send_queue.unacknowledged(here) is not None
        assert module.unacknowledged(cast("socket.socket", not_a_socket)) is None


def test_timeouts_hold_without_acknowledgements(
    action: Action, workspace: Path, server: LocalChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that stops reading times out, and one that does not gets the package."""
    monkeypatch.setattr(connection, "unacknowledged", lambda _: None)
    package(workspace)
    server.fail(Fault(Stall(), path="/upload/"))
    finished = action(timeout="1")
    assert (finished.exit_code, "timed out" in finished.log) == (5, True), finished.log
    assert action().exit_code == 0


# The log.


def test_lines_end_once(monkeypatch: pytest.MonkeyPatch) -> None:
    r"""Text mode on Windows would turn the toolkit's `\r\n` into `\r\r\n`, which shows as an empty line."""
    written = io.BytesIO()
    monkeypatch.setattr(os, "linesep", "\r\n")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252", newline="\r\n"))
    Log().info("caf\u00e9 \u4e16")
    sys.stdout.flush()
    assert written.getvalue() == b"caf\xe9 \\u4e16\r\n"
