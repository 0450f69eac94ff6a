from __future__ import annotations

import itertools
import json
import os
import resource
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from prefix_upload.errors import Diagnostic, setting
from prefix_upload.github.environment import Environment
from prefix_upload.github.log import Log
from prefix_upload.github.results import as_input, publish_results
from prefix_upload.package.model import CandidateFile
from prefix_upload.report import Attestation, Outcome, Report
from prefix_upload.reporting.console import Console
from prefix_upload.reporting.outputs import MAX_PACKAGES_OUTPUT, outputs
from prefix_upload.status import Status
from prefix_upload.steps.progress import Transfer
from support.packages import make_package
from support.running import REPOSITORY, TOKEN, RunnerFiles
from support.workflow_commands import OURS, POISON, annotated, commands, places_that_show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@pytest.fixture(autouse=True)
def no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of a runner that runs the tests take no part."""
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "RUNNER_", "ACTIONS_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunnerFiles:
    """The files of a step."""
    created = RunnerFiles.create(tmp_path / "runner")
    monkeypatch.setenv("GITHUB_OUTPUT", str(created.output))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(created.summary))
    return created


def uploads(count: int, status: Status = Status.UPLOADED) -> Report:
    """So many packages that ended so."""
    outcomes = tuple(Outcome(file=make_package(number), status=status) for number in range(count))
    return Report(channel="octo", server_url="https://prefix.dev", outcomes=outcomes)


def test_workspace_is_known_by_its_names_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths of the host, and of a job's own container, are understood, even if the repository was renamed."""
    assert PurePosixPath("/github/workspace") in Environment().workspace.aliases
    monkeypatch.setenv("GITHUB_REPOSITORY", "octo/tools")
    assert PurePosixPath("/__w/tools/tools") in Environment().workspace.aliases
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("RUNNER_WORKSPACE", "/home/runner/work/old")
    workspace = Environment().workspace
    assert workspace.path == tmp_path.resolve()
    names = ["/home/runner/work/old/old", "/home/runner/work/old/tools", "/__w/old/old", str(tmp_path)]
    assert set(workspace.aliases) == set(map(PurePosixPath, names))


@pytest.mark.parametrize(
    ("event", "name", "expected"),
    [
        ({"pull_request": {"head": {"repo": {"full_name": "fork/tools"}}}}, "pull_request", True),
        ({"pull_request": {"head": {"repo": {"full_name": "octo/tools"}}}}, "pull_request", False),
        ({"pull_request": {"head": {"repo": {"full_name": "fork/tools"}}}}, "pull_request_target", False),
        ({"pull_request": {"head": {"repo": None}}}, "pull_request", True),
        ({"pull_request": {"head": {"repo": None}}}, "pull_request_review", True),
        ({"pull_request": {"head": {"repo": None}}}, "pull_request_target", False),
        ({"pull_request": {"head": None}}, "pull_request", False),
        ({"pull_request": {"head": {"repo": {}}}}, "pull_request", False),
        ({}, "push", False),
        ([], "push", False),
    ],
)
def test_pull_requests_from_forks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: object, name: str, expected: bool
) -> None:
    """The event says whether a fork's pull request started the job; it may have any contents."""
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event))
    monkeypatch.setenv("GITHUB_REPOSITORY", "octo/tools")
    monkeypatch.setenv("GITHUB_EVENT_NAME", name)
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(path))
    assert Environment().job.is_from_fork is expected


@pytest.mark.parametrize(("actor", "expected"), [("dependabot[bot]", True), ("octocat", False), ("", False)])
def test_runs_by_dependabot(monkeypatch: pytest.MonkeyPatch, actor: str, expected: bool) -> None:
    """The actor says whether GitHub has taken secrets and identity away."""
    monkeypatch.setenv("GITHUB_ACTOR", actor)
    assert Environment().job.is_by_dependabot is expected


def test_a_missing_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job without an event is not from a fork."""
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "none"))
    assert not Environment().job.is_from_fork


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False), ("", False), (None, False)])
def test_github_actions_is_recognized(monkeypatch: pytest.MonkeyPatch, value: str | None, expected: bool) -> None:
    """The job runs on GitHub only if the runner sets its variable to `true`."""
    if value is not None:
        monkeypatch.setenv("GITHUB_ACTIONS", value)
    assert Environment().job.is_on_github is expected


def test_log_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    """A group a phase, a line a file with size and rate (if it took a second), a sign of life."""
    log = Log()
    console = Console(log, as_input)
    console.phase("Upload 1 package")
    console.checked(make_package(size=2_000_000))
    console.checked(CandidateFile(relative_path="bad", file_name="bad", findings=("no",)))
    console.waiting([])
    console.waiting([Transfer(make_package(size=2_000_000), started=0, sent=500_000)])
    console.waiting([Transfer(make_package(size=2_000_000), started=0, last_error="HTTP 503: busy")])
    console.finished(Outcome(file=make_package(size=2_000_000), status=Status.UPLOADED, seconds=2.5))
    console.finished(Outcome(file=make_package(3, size=1_234), status=Status.UPLOADED, seconds=0.02))
    console.finished(Outcome(file=make_package(1), status=Status.FAILED, error=Diagnostic("x", "Why.", "Do.")))
    noted = Diagnostic("x", f"Careful with {setting('force', 'true')}.")
    console.finished(Outcome(file=make_package(1), status=Status.SKIPPED, warning=noted))
    console.finished(Outcome(file=make_package(2, size=9_000), status=Status.FAILED, seconds=3.0))
    console.phase("Confirm 1 upload")
    publish_results(Report(), log, with_summary=False)
    text = capsys.readouterr().out
    assert [(c.name, c.data) for c in commands(text)] == [
        ("group", "Upload 1 package"),
        ("endgroup", ""),
        ("group", "Confirm 1 upload"),
        ("endgroup", ""),
    ]
    expected = ["INVALID  bad", "still working", "25% of 2.0 MB", "retrying after: HTTP 503: busy"]
    for words in (*expected, "2.0 MB in 2.5 s (800 kB/s)", "  1.2 kB\n", "Why. Do.", "Careful with 'force: true'."):
        assert words in text
    assert "9.0 kB" not in text  # a file that is not on the channel has no rate


@pytest.mark.parametrize(
    ("status", "sign"),
    [
        (Status.UPLOADED, "+"),
        (Status.OVERWRITTEN, "+"),
        (Status.ALREADY_PRESENT, "="),
        (Status.SKIPPED, "-"),
        (Status.WOULD_UPLOAD, "?"),
        (Status.INVALID, "!"),
        (Status.FAILED, "!"),
    ],
)
def test_the_log_has_a_sign_for_each_outcome(capsys: pytest.CaptureFixture[str], status: Status, sign: str) -> None:
    """The line of an outcome begins with a sign for its status, so failures stand out."""
    Console(Log(), as_input).finished(Outcome(file=make_package(), status=status))
    assert capsys.readouterr().out.split() == [sign, str(status), make_package().label]


def test_what_was_not_attempted_is_logged_last(capsys: pytest.CaptureFixture[str]) -> None:
    """The files stand together after the annotations, below their one reason."""
    cause, reason = Diagnostic("Upload failed", "No."), Diagnostic("Not attempted", "Because of that.", "Ask.")
    outcomes = [Outcome(file=make_package(number), status=Status.NOT_ATTEMPTED, error=reason) for number in range(2)]
    outcomes.append(Outcome(file=make_package(2), status=Status.FAILED, error=cause))
    log = Log()
    for outcome in outcomes:
        Console(log, as_input).finished(outcome)
    publish_results(Report(channel="octo", outcomes=tuple(outcomes)), log, with_summary=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("::")[0] + line.split("::")[-1] if "::" in line else line for line in lines] == [
        "  ! failed           out/tool-2-1.0-h0_0.conda",
        "      No.",
        "out/tool-2-1.0-h0_0.conda: No.",
        "2 not attempted",
        "  Because of that.",
        "  ! out/tool-0-1.0-h0_0.conda",
        "  ! out/tool-1-1.0-h0_0.conda",
        "",
        "octo: 1 failed, 2 not attempted",
    ]


def test_secrets_are_redacted_in_all_results(files: RunnerFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """A secret is redacted in every diagnostic: the errors and warnings of files, and those of the run."""
    diagnostic = Diagnostic(f"{TOKEN} as title", f"{TOKEN} as message", f"{TOKEN} as hint")
    outcomes = (
        Outcome(file=make_package(), status=Status.FAILED, error=diagnostic),
        Outcome(file=make_package(1), status=Status.UPLOADED, warning=diagnostic),
    )
    log = Log()
    log.add_mask(TOKEN)
    report = Report(channel="octo", outcomes=outcomes, errors=(diagnostic,), warnings=(diagnostic,))
    publish_results(report, log, with_summary=True)
    finished = files.finished(0, capsys.readouterr().out)
    assert places_that_show([TOKEN], finished) == []
    assert [finished.summary.count(f" as {part}") for part in ("title", "message", "hint")] == [4, 4, 4]


@pytest.mark.parametrize("secrets", list(itertools.permutations(["key", "the key", "the key of it"])), ids=str)
def test_overlapping_secrets_are_redacted(secrets: Iterable[str]) -> None:
    """If one secret contains another, the longer one is redacted completely, in whatever order they were added."""
    log = Log()
    for secret in secrets:
        log.add_mask(secret)
    assert log.redact("<key> <the key> <the key of it>") == "<***> <***> <***>"


@pytest.mark.parametrize("length", [16, 20, 31, 32])
def test_truncated_secrets_are_redacted(length: int) -> None:
    """A secret is redacted even if only its first 16 characters are shown, whatever characters it has."""
    secret = "(pfx)+[*]?{|}^$-._~+/=0123456789"
    log = Log()
    log.add_mask(secret)
    assert log.redact(f"bad key '{secret[:length]}'") == "bad key '***'"


@pytest.mark.parametrize("before", range(16))
@pytest.mark.parametrize("start", [0, 7, 16])
@pytest.mark.parametrize("length", [8, 15, 16])
def test_parts_of_secrets_are_redacted_wherever_they_are(before: int, start: int, length: int) -> None:
    """Parts of a secret are found at each position of a text, and next to characters of the secret."""
    secret = "pfx_0123456789ABCDEFGHIJKLMNOPQR"
    log = Log()
    log.add_mask(secret)
    part = secret[start : start + length]
    text = "x" * before + part + "y" * 20
    assert log.redact_message(text) == "x" * before + "***" + "y" * 20
    assert log.redact(text) == (text if length < 16 else "x" * before + "***" + "y" * 20)


def test_fewer_than_16_characters_of_a_secret_are_not_redacted() -> None:
    """Text that only starts like a secret is kept."""
    log = Log()
    log.add_mask("prefix-upload-0123456789")
    assert log.redact("prefix-upload-0 and prefix.dev") == "prefix-upload-0 and prefix.dev"


@pytest.mark.parametrize(
    "write",
    [
        lambda log: log.info("the key"),
        lambda log: log.open_group("the key"),
        lambda log: log.annotate("error", "the key", "the key"),
    ],
    ids=["line", "group", "annotation"],
)
def test_secrets_are_registered_before_anything_is_printed(
    capsys: pytest.CaptureFixture[str], write: Callable[[Log], None]
) -> None:
    """Each secret is registered with the runner once, before the first line that could contain it."""
    log = Log()
    for _ in range(2):
        log.add_mask("the key")
        write(log)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "::add-mask::the key"
    assert [line for line in lines[1:] if "the key" in line] == []


def test_a_group_ends_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Closing a group that is already closed prints nothing."""
    log = Log()
    log.close_group()
    log.open_group("Upload")
    log.close_group()
    log.close_group()
    assert [command.name for command in commands(capsys.readouterr().out)] == ["group", "endgroup"]


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_no_command_from_outside(poison: str, files: RunnerFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """File names, findings, server's words and inputs are only ever text to the runner."""
    log = Log()
    console = Console(log, as_input)
    problem = Diagnostic(poison, poison, poison)
    bad = CandidateFile(relative_path=poison, file_name=poison, findings=(poison,))
    outcomes = (
        Outcome(file=bad, status=Status.INVALID, error=problem, warning=problem),
        Outcome(file=make_package(warnings=(poison,)), status=Status.UPLOADED),
    )
    console.phase(poison)
    console.checked(bad)
    console.finished(outcomes[0])
    console.log_exception(RuntimeError(poison))
    report = Report(outcomes=outcomes, errors=(problem,), warnings=(problem,))
    publish_results(report, log, with_summary=True)
    text = capsys.readouterr().out
    assert {command.name for command in commands(text)} <= OURS
    assert len(annotated(text, "error")) == 2
    assert len(annotated(text, "warning")) == 3
    finished = files.finished(0, text)
    assert set(finished.outputs) == set(outputs(Report()))
    assert len(json.loads(finished.outputs["packages"])) == 2


def test_libraries_say_nothing() -> None:
    """What they log would be printed as it is."""
    script = "import logging, sys; sys.path.insert(0, 'src'); from prefix_upload.github.log import Log; Log()"
    command = [sys.executable, "-I", "-c", f"{script}; logging.getLogger('sigstore').error('::error::from outside')"]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)  # noqa: S603 - this interpreter
    assert (run.stdout, run.stderr) == ("", "")


def test_annotations_are_at_most_ten_of_a_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """The tenth tells how many more there are; none is longer than the runner takes."""
    problems = tuple(Diagnostic("Title", f"{number} " + "x" * 5000) for number in range(25))
    publish_results(Report(errors=problems, warnings=problems[:10]), Log(), with_summary=False)
    log = capsys.readouterr().out
    errors = annotated(log, "error")
    assert len(errors) == 10
    assert errors[-1].data.startswith("16 more")
    groups = [(command.name, command.data) for command in commands(log) if command.name in {"group", "endgroup"}]
    assert groups == [("group", "16 more"), ("endgroup", "")]
    assert len(annotated(log, "warning")) == 10
    assert max(len(error.data) for error in errors) <= 4096


def test_files_with_the_same_diagnostic_share_an_annotation(capsys: pytest.CaptureFixture[str]) -> None:
    """The annotation names the first file and counts the others; files that were not attempted have none."""
    alike, alone, rest = (
        Diagnostic("Upload failed", "No.", "Ask."),
        Diagnostic("x", "Never."),
        Diagnostic("y", "Not sent."),
    )
    outcomes = (
        *(Outcome(file=make_package(number), status=Status.FAILED, error=alike) for number in range(2)),
        Outcome(file=make_package(2), status=Status.FAILED, error=alone),
        Outcome(file=make_package(3), status=Status.NOT_ATTEMPTED, error=rest),
        *(Outcome(file=make_package(number), status=Status.SKIPPED, warning=alone) for number in range(4, 7)),
    )
    publish_results(Report(outcomes=outcomes), Log(), with_summary=False)
    log = capsys.readouterr().out
    assert [error.data for error in annotated(log, "error")] == [
        "out/tool-0-1.0-h0_0.conda and 1 more: No.\nAsk.",
        "out/tool-2-1.0-h0_0.conda: Never.",
    ]
    assert [warning.data for warning in annotated(log, "warning")] == ["out/tool-4-1.0-h0_0.conda and 2 more: Never."]


def test_an_example_in_an_annotation(capsys: pytest.CaptureFixture[str]) -> None:
    """It follows the hint, which ends with a colon; the page comes last."""
    problem = Diagnostic("x", "No.", "Write:", "with:\n  x: y", "https://prefix.dev/x")
    publish_results(Report(errors=(problem,)), Log(), with_summary=False)
    (error,) = annotated(capsys.readouterr().out, "error")
    assert error.data == "No.\nWrite:\nwith:\n  x: y\nSee https://prefix.dev/x"


def test_outputs_of_a_run(files: RunnerFiles) -> None:
    """Every field of the contract, in the order of the input."""
    failed = Outcome(file=make_package(1), status=Status.FAILED, error=Diagnostic("x", "Why.", "Do."))
    missing = CandidateFile(relative_path="bad", file_name="bad", findings=())
    outcomes = (
        Outcome(file=make_package(), status=Status.UPLOADED, md5="d" * 32),
        failed,
        Outcome(file=missing, status=Status.NOT_ATTEMPTED),
        Outcome(file=make_package(2), status=Status.ALREADY_PRESENT),
        Outcome(file=make_package(3), status=Status.SKIPPED),
        Outcome(file=make_package(4), status=Status.OVERWRITTEN),
    )
    report = Report(channel="octo/x", server_url="https://prefix.dev", outcomes=outcomes)
    publish_results(report, Log(), with_summary=True)
    reported = files.finished(0, "").outputs
    rows = json.loads(reported["packages"])
    assert rows[0] == {
        "path": "out/tool-0-1.0-h0_0.conda",
        "file": "tool-0-1.0-h0_0.conda",
        "name": "tool-0",
        "version": "1.0",
        "build": "h0_0",
        "build_number": 0,
        "subdir": "noarch",
        "size": 1_234_567,
        "md5": "d" * 32,
        "sha256": "0" * 64,
        "status": "uploaded",
        "url": "https://prefix.dev/octo/x/noarch/tool-0-1.0-h0_0.conda",
    }
    assert (rows[1]["error"], rows[1]["md5"]) == ("Why. Do.", None)
    assert (rows[2]["path"], rows[2]["file"], rows[2]["name"]) == ("bad", "bad", None)
    assert [row["status"] for row in rows] == [str(outcome.status) for outcome in outcomes]
    assert reported["checksums"].splitlines() == [f"{n:064x}  tool-{n}-1.0-h0_0.conda" for n in (0, 2, 4)]
    counts = [reported[f"{name}-count"] for name in ("uploaded", "present", "skipped", "failed")]
    assert counts == ["2", "1", "1", "2"]
    assert (reported["channel-url"], reported["result"]) == ("https://prefix.dev/channels/@octo/x", "failure")


def test_keys_of_the_attestations_output(files: RunnerFiles) -> None:
    """The keys are the names of files on the channel, with the subdir if two packages share a name."""
    signed = Attestation(bundle="{}", log_index=7)
    packages = [
        make_package(),
        make_package(1),
        make_package(1, subdir="linux-64", relative_path="other"),
        make_package(2),
    ]
    statuses = [Status.UPLOADED, Status.UPLOADED, Status.OVERWRITTEN, Status.FAILED]
    outcomes = (
        Outcome(file=package, status=status, attestation=signed)
        for package, status in zip(packages, statuses, strict=True)
    )
    publish_results(Report(channel="octo", outcomes=tuple(outcomes)), Log(), with_summary=False)
    assert json.loads(files.finished(0, "").outputs["attestations"]) == {
        "tool-0-1.0-h0_0.conda": 7,
        "noarch/tool-1-1.0-h0_0.conda": 7,
        "linux-64/tool-1-1.0-h0_0.conda": 7,
    }


def test_a_run_without_a_channel_has_no_channel_url(files: RunnerFiles) -> None:
    """The output is empty if the run ended before its channel was known."""
    publish_results(Report(), Log(), with_summary=False)
    assert files.finished(0, "").outputs["channel-url"] == ""


@pytest.mark.parametrize(("count", "keys"), [(200, 12), (700, 3), (5000, 3)])
def test_the_packages_output_is_bounded(
    files: RunnerFiles, capsys: pytest.CaptureFixture[str], count: int, keys: int
) -> None:
    """First it loses fields, then files, and then it says so."""
    publish_results(uploads(count), Log(), with_summary=False)
    text = files.finished(0, "").outputs["packages"]
    rows = json.loads(text)
    assert len(text) <= MAX_PACKAGES_OUTPUT
    assert len(rows[0]) == keys
    warnings = annotated(capsys.readouterr().out, "warning")
    titles = [warning.properties["title"] for warning in warnings]
    assert titles.count("Output truncated") == (keys == 3)
    if warnings:
        assert "only the fields 'file', 'sha256' and 'status' of each file" in warnings[0].data
        assert (f"only the first {len(rows)} of {count} files" in warnings[0].data) == (len(rows) < count)


@pytest.mark.parametrize(("file", "warns"), [("", True), ("SHA256SUMS", False)])
def test_an_output_that_no_variable_holds(
    files: RunnerFiles, capsys: pytest.CaptureFixture[str], file: str, warns: bool
) -> None:
    """Linux refuses an environment variable of 128 KiB: a warning names the output and the input that helps."""
    publish_results(uploads(1500).replace(checksums_file=file), Log(), with_summary=False)
    value = files.finished(0, "").outputs["checksums"]
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run(["true"], env={"CHECKSUMS": value}, check=True)  # noqa: S607 - coreutils
    warnings = [one.data for one in annotated(capsys.readouterr().out, "warning") if "too long" in one.data]
    assert [("'checksums'" in one, "Set 'checksums-file'" in one) for one in warnings] == [(True, True)] * warns


@pytest.mark.parametrize("kind", ["missing folder", "folder"])
def test_files_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """Without outputs, later steps would not know what was published; the summary is only for people."""
    path = tmp_path if kind == "folder" else tmp_path / "none" / "output"
    monkeypatch.setenv("GITHUB_OUTPUT", str(path))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    assert publish_results(uploads(1), Log(), with_summary=True).result == "failure"
    log = capsys.readouterr().out
    (error,), (warning,) = annotated(log, "error"), annotated(log, "warning")
    assert (error.data.startswith("Could not write the outputs"), "Later steps" in error.data) == (True, True)
    assert warning.data.startswith("Could not write the summary")


def test_outputs_that_cannot_be_written_and_nothing_to_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing is on the channel, it is a warning, and the summary of a run that did as it should is green."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path))
    report = publish_results(uploads(1, Status.WOULD_UPLOAD), Log(), with_summary=True)
    assert report.result == "success"
    assert len(annotated(capsys.readouterr().out, "warning")) == 1


def test_a_disk_that_fills_up(files: RunnerFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """What was half written is taken back: the runner fails a step for half an output."""
    files.output.write_text("earlier<<end\nvalue\nend\n")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        publish_results(uploads(10), Log(), with_summary=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files.finished(0, "").outputs == {"earlier": "value"}
    assert files.summary.read_text() == ""
    log = capsys.readouterr().out
    reported = [*annotated(log, "error"), *annotated(log, "warning")]
    assert [one.data.count("File too large") for one in reported] == [1, 1]


def test_without_a_runner(capsys: pytest.CaptureFixture[str]) -> None:
    """On a person's machine there are no files to write."""
    publish_results(uploads(1), Log(), with_summary=True)
    assert capsys.readouterr().out == "octo: 1 uploaded\n"
