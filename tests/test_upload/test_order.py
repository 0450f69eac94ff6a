"""Packages that depend on each other: the order in which they arrive, and what a failure means for the others."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from localchannel import Answer, At, Call, Fault
from prefix_upload.reporting.exit_codes import ExitCode, exit_code
from prefix_upload.status import Status
from support.building import conda_bytes, index_of, written
from support.publishing import Stage
from support.running import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from localchannel import LocalChannel
    from support.publishing import Publish

UPLOAD = "/api/v1/upload/"


@pytest.fixture
def make(workspace: Path) -> Callable[..., Path]:
    """Makes a package with these dependencies."""

    def make(name: str, *depends: str, version: str = "1.0") -> Path:
        stem = f"{name}-{version}-h0_0"
        content = conda_bytes(stem, index=index_of(stem, depends=list(depends)))
        return written(workspace / f"{stem}.conda", content)

    return make


def arrived(server: LocalChannel) -> list[str]:
    """The names of the packages whose uploads came, in order."""
    return [upload.headers["X-File-Name"].partition("-")[0] for upload in server.uploads]


@pytest.mark.parametrize("concurrency", ["1", "8"])
def test_dependencies_arrive_first(
    server: LocalChannel, publish: Publish, make: Callable[..., Path], concurrency: str
) -> None:
    """Against the order of their names, and whatever else is under way."""
    paths = [make("a", "b >=1", "c"), make("b", "c 1.0"), make("c", "python"), *(make(f"x{n}") for n in range(9))]
    run = publish(*paths, concurrency=concurrency)
    assert set(run.statuses.values()) == {Status.UPLOADED}
    order = arrived(server)
    assert order.index("c") < order.index("b") < order.index("a")
    assert run.report.warnings == ()


def test_a_dependency_is_there_before_the_next_upload_begins(
    server: LocalChannel, publish: Publish, make: Callable[..., Path]
) -> None:
    """It is on the channel, not only under way."""
    paths = [make("a", "b"), make("b")]
    there: list[list[str]] = []
    server.fail(Fault(Call(lambda: there.append(list(server.files(CHANNEL)))), at=At.START, file=paths[0].name))
    assert set(publish(*paths).statuses.values()) == {Status.UPLOADED}
    assert there == [["noarch/b-1.0-h0_0.conda"]]


def test_what_depends_on_a_failed_package(server: LocalChannel, publish: Publish, make: Callable[..., Path]) -> None:
    """It is not attempted, directly or not, and the message names the package that failed; others go on."""
    paths = [make("a", "b"), make("b", "c"), make("c"), make("d")]
    server.fail(Fault(Answer(422, "no"), file=paths[2].name))
    run = publish(*paths)
    assert list(run.statuses.values()) == [
        Status.NOT_ATTEMPTED,
        Status.NOT_ATTEMPTED,
        Status.FAILED,
        Status.UPLOADED,
    ]
    assert "depends on 'c-1.0-h0_0.conda'" in run.problem(paths[0].name)
    assert "depends on 'c-1.0-h0_0.conda'" in run.problem(paths[1].name)
    assert exit_code(run.report) is ExitCode.UPLOAD_FAILED
    again = publish(*paths)
    assert set(again.statuses.values()) == {Status.UPLOADED, Status.ALREADY_PRESENT}


def test_what_depends_on_a_file_name_that_is_taken(
    server: LocalChannel, publish: Publish, make: Callable[..., Path], tmp_path: Path
) -> None:
    """The channel has another package than the one that was built with it."""
    paths = [make("a", "b"), make("b")]
    server.publish(
        CHANNEL,
        written(
            tmp_path / "old" / paths[1].name,
            conda_bytes("b-1.0-h0_0", metadata=b'{"conda_pkg_format_version": 2, "old": 1}'),
        ),
    )
    run = publish(*paths)
    assert list(run.statuses.values()) == [Status.NOT_ATTEMPTED, Status.FAILED]
    skipping = publish(*paths, skip_existing="true")
    assert list(skipping.statuses.values()) == [Status.UPLOADED, Status.SKIPPED]


def test_a_dry_run_of_what_depends_on_a_file_name_that_is_taken(
    server: LocalChannel, publish: Publish, make: Callable[..., Path], tmp_path: Path
) -> None:
    """It would not be uploaded, directly or not."""
    paths = [make("a", "b"), make("b", "c"), make("c"), make("d")]
    server.publish(CHANNEL, written(tmp_path / "old" / paths[2].name, conda_bytes("c-1.0-h0_0", payload_members=[])))
    run = publish(*paths, dry_run="true")
    assert list(run.statuses.values()) == [
        Status.NOT_ATTEMPTED,
        Status.NOT_ATTEMPTED,
        Status.FAILED,
        Status.WOULD_UPLOAD,
    ]
    assert "depends on 'c-1.0-h0_0.conda'" in run.problem(paths[0].name)


def test_what_is_there_already_counts(server: LocalChannel, publish: Publish, make: Callable[..., Path]) -> None:
    """A dependency that the channel has is not in the way, even if one of its own fails."""
    paths = [make("a", "b"), make("b", "c"), make("c")]
    server.publish(CHANNEL, paths[1])
    server.fail(Fault(Answer(422, "no"), file=paths[2].name))
    run = publish(*paths)
    assert list(run.statuses.values()) == [Status.UPLOADED, Status.ALREADY_PRESENT, Status.FAILED]
    assert arrived(server) == ["c", "a"]


def test_a_cycle_is_uploaded_all_the_same(server: LocalChannel, publish: Publish, make: Callable[..., Path]) -> None:
    """In the same order each time, and the log says so."""
    paths = [make("a", "b"), make("b", "a")]
    stage = Stage()
    assert set(publish(*paths, stage=stage).statuses.values()) == {Status.UPLOADED}
    assert arrived(server) == ["b", "a"]
    (note,) = (line for line in stage.events if "depend on each other" in line)
    assert "a-1.0-h0_0.conda → b-1.0-h0_0.conda → a-1.0-h0_0.conda" in note
    assert "b-1.0-h0_0.conda is uploaded first" in note


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_a_version_that_is_not_there(publish: Publish, make: Callable[..., Path], dry_run: str) -> None:
    """A warning, in a dry run as well; what is on the channel already is not warned about again."""
    paths = [make("a", "b >=2"), make("b")]
    run = publish(*paths, dry_run=dry_run)
    (warning,) = run.report.warnings
    assert "'a-1.0-h0_0.conda' depends on 'b >=2', but there is only b-1.0-h0_0.conda" in warning.message
    if dry_run == "false":
        assert publish(*paths).report.warnings == ()


def test_a_failure_for_all_packages_comes_before_missing_dependencies(
    server: LocalChannel, publish: Publish, make: Callable[..., Path]
) -> None:
    """One reason for all that were not attempted."""
    paths = [make("a", "b"), make("b"), make("c")]
    server.fail(Fault(Answer(403, "read-only"), path=UPLOAD, times=None))
    run = publish(*paths, concurrency="1")
    assert "HTTP 403: read-only" in run.problem(paths[0].name)


def test_a_cancelled_run_leaves_dependents_alone(
    server: LocalChannel, publish: Publish, make: Callable[..., Path]
) -> None:
    """What waits for others is not begun any more."""
    paths = [make("a", "b"), make("b")]
    cancelled = threading.Event()
    server.fail(Fault(Call(cancelled.set), at=At.DONE, file=paths[1].name))
    run = publish(*paths, stage=Stage(is_cancelled=cancelled.is_set))
    assert run.statuses[paths[0].name] is Status.NOT_ATTEMPTED
    assert arrived(server) == ["b"]
