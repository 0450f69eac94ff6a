"""A validated file as a request's body."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import pytest

from prefix_upload.concurrency import start_thread
from prefix_upload.errors import FileChangedError
from prefix_upload.prefix_dev.upload_body import Body
from support.packages import make_package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prefix_upload.package.model import Package

PIECE = 2**22


def validated(path: Path) -> Package:
    """A package of any bytes, as if they had been validated."""
    content = path.read_bytes()
    return make_package(
        path=path,
        relative_path=f"out/{path.name}",
        file_name=path.name,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


@pytest.fixture(params=[1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 5], ids=lambda size: f"{size} bytes")
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Package:
    path = tmp_path / "demo-1.0-h0_0.conda"
    path.write_bytes(os.urandom(request.param))
    return validated(path)


def body_of(package: Package, on_progress: Callable[[int], None]) -> Body:
    """Its body, with threads for the large ones."""
    return Body(package, on_progress, start_thread)


def handed_out(package: Package) -> list[bytes]:
    """What of the file leaves before the error, or all of it."""
    pieces: list[bytes] = []
    with pytest.raises(FileChangedError) as caught:
        pieces.extend(map(bytes, body_of(package, lambda _: None)))
    assert package.relative_path in caught.value.message
    assert "It was not published" in caught.value.hint
    return pieces


def test_the_pieces_are_the_file(package: Package) -> None:
    """All bytes in order, in pieces of at most 4 MiB, and the length that was validated."""
    pieces = [bytes(piece) for piece in body_of(package, lambda _: None)]
    assert b"".join(pieces) == package.path.read_bytes()
    assert max(map(len, pieces)) <= PIECE
    assert len(body_of(package, lambda _: None)) == package.size


def test_a_small_file_needs_no_thread(tmp_path: Path) -> None:
    """A small file is hashed in the calling thread."""
    path = tmp_path / "demo-1.0-h0_0.conda"
    path.write_bytes(b"small")
    threads = []

    def start(work: Callable[[], Any]) -> Future[Any]:
        threads.append(work)
        return start_thread(work)

    assert [bytes(piece) for piece in Body(validated(path), lambda _: None, start)] == [b"small"]
    assert threads == []


def test_each_iteration_reads_the_file_again(package: Package) -> None:
    """So a retry sends all of it."""
    body = body_of(package, lambda _: None)
    assert [sum(len(piece) for piece in body) for _ in range(2)] == [package.size] * 2


def test_progress_is_told(package: Package) -> None:
    """From 0 to the whole size, growing."""
    reported: list[int] = []
    for _ in body_of(package, reported.append):
        pass
    assert (reported[0], reported[-1]) == (0, package.size)
    assert reported == sorted(set(reported))


def test_progress_can_break_it_off(package: Package) -> None:
    """What the callback raises ends the request before the next piece."""

    def stop(_: int) -> None:
        raise KeyError("cancelled")

    with pytest.raises(KeyError, match="cancelled"):
        next(iter(body_of(package, stop)))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


def flip_last(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def remove(path: Path) -> None:
    path.unlink()


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_link(path: Path) -> None:
    """A link to the same bytes takes the place of the file."""
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize("change", [flip, flip_last, grow, shrink, empty, remove, replace_by_folder, replace_by_link])
def test_a_changed_file_is_never_handed_out_whole(package: Package, change: Callable[[Path], None]) -> None:
    """Whatever the change, the request lacks its end, so that no server can take it."""
    change(package.path)
    assert sum(map(len, handed_out(package))) < package.size


def test_a_change_on_the_way_is_noticed(tmp_path: Path) -> None:
    """The hash is taken of the bytes that leave, not of the file before."""
    path = tmp_path / "demo-1.0-h0_0.conda"
    path.write_bytes(os.urandom(3 * PIECE))
    package = validated(path)
    pieces = iter(body_of(package, lambda _: None))
    next(pieces)
    with path.open("r+b") as file:
        file.seek(2 * PIECE)
        file.write(b"another end")
    with pytest.raises(FileChangedError, match="changed after it was validated"):
        list(pieces)


def test_a_piece_is_hashed_before_its_buffer_is_reused(tmp_path: Path) -> None:
    """The hash is right even if the hashing thread runs late."""

    class Late(Future[Any]):
        def __init__(self, work: Callable[[], object]) -> None:
            super().__init__()
            self._work = work

        def result(self, timeout: float | None = None) -> Any:
            self.set_result(self._work())
            return super().result(timeout)

    path = tmp_path / "demo-1.0-h0_0.conda"
    path.write_bytes(os.urandom(3 * PIECE))
    package = validated(path)
    assert sum(map(len, Body(package, lambda _: None, Late))) == package.size


def test_a_changed_file_is_an_upload_that_failed() -> None:
    """It has a title of its own, and the exit code of failed uploads."""
    assert FileChangedError.title == "File changed"
