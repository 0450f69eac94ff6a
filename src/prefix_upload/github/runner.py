"""GitHub's runner: inputs, mask, log, annotations, outputs, summary. Nothing else knows of it."""

from __future__ import annotations

import contextlib
import json
import os
import traceback
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from actions_toolkit import core
from actions_toolkit.file_command import issue_file_command

from prefix_upload.errors import Diagnostic
from prefix_upload.github.log import Log
from prefix_upload.package.model import Package
from prefix_upload.report import Status
from prefix_upload.reporting import summary
from prefix_upload.settings import Job, uses_secure_transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from prefix_upload.commands.upload import Transfer
    from prefix_upload.package.model import CandidateFile
    from prefix_upload.report import Outcome, Report

# The runner shows so many annotations of a kind a step (actions/runner, ActionCommandManager).
_MAX_ANNOTATIONS = 10
# The outputs of a job may have 1 MB together; this leaves room for others'.
MAX_PACKAGES_OUTPUT = 100 * 1024

_Diagnostic = TypeVar("_Diagnostic", Diagnostic, Diagnostic | None)

_SIGNS = {
    Status.UPLOADED: "+",
    Status.OVERWRITTEN: "+",
    Status.ALREADY_PRESENT: "=",
    Status.SKIPPED: "-",
    Status.WOULD_UPLOAD: "?",
}


class Runner:
    """The runner of this job, as a container action sees it. Implements `publish.ProgressReporter`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._log = Log()

    # What comes in.

    def inputs(self, names: Iterable[str]) -> dict[str, str]:
        """The inputs by their names in `action.yml`; "" where one is not set."""
        return {name: core.get_input(name) for name in names}

    def add_mask(self, secret: str) -> None:
        """The secret is shown as stars from now on. For any thread."""
        self._log.add_mask(secret)

    def flush_masks(self) -> None:
        """Tells the runner now what is to be hidden, before anything else is printed."""
        self._log.flush_masks()

    @property
    def workspace(self) -> Path:
        """The checkout, as this process sees it, with links resolved."""
        return Path(self._environ.get("GITHUB_WORKSPACE") or ".").resolve()

    @property
    def workspace_aliases(self) -> tuple[PurePosixPath, ...]:
        """What the checkout is called outside this container.

        The runner translates only values that start with the host's path, so the lines of `glob` after the first
        still hold it: `$RUNNER_WORKSPACE/<repository>` on the host, `/__w/…` in a job that has a container.
        """
        outside = PurePosixPath(self._environ.get("RUNNER_WORKSPACE") or f"/__w/{self._repository}")
        return (
            outside / outside.name,
            outside / self._repository,
            PurePosixPath("/__w", outside.name, outside.name),
            PurePosixPath(self._environ.get("GITHUB_WORKSPACE") or "/github/workspace"),
        )

    @property
    def identity_request(self) -> tuple[str, str] | None:
        """Where, and with which token, the job can ask for its identity; nothing without `id-token: write`."""
        url, token = (self._environ.get(f"ACTIONS_ID_TOKEN_REQUEST_{name}", "") for name in ("URL", "TOKEN"))
        is_sendable = token != "" and token.isascii() and token.isprintable()
        return (url, token) if is_sendable and uses_secure_transport(url) else None

    @property
    def job(self) -> Job:
        """What the runner lets this job do."""
        return Job(
            is_on_github=self._environ.get("GITHUB_ACTIONS") == "true",
            has_identity=self.identity_request is not None,
            is_from_fork=self._is_fork_pull_request,
        )

    @property
    def _is_fork_pull_request(self) -> bool:
        """Whether a fork's pull request started the run, which then gets no secrets."""
        try:
            event = json.loads(Path(self._environ.get("GITHUB_EVENT_PATH") or os.devnull).read_bytes())
            head = event["pull_request"]["head"]["repo"]["full_name"]
        except (OSError, ValueError, LookupError, TypeError):
            return False
        # `pull_request_target` runs for a fork's pull request, too, but in the base repository and with its secrets.
        is_trusted = self._environ.get("GITHUB_EVENT_NAME") == "pull_request_target"
        return not is_trusted and bool(head != self._environ.get("GITHUB_REPOSITORY"))

    @property
    def _repository(self) -> str:
        return PurePosixPath(self._environ.get("GITHUB_REPOSITORY") or "repository").name

    # The log.

    def phase(self, title: str) -> None:
        """Begins a group of lines that can be folded."""
        self._log.open_group(title)

    def checked(self, file: Package | CandidateFile) -> None:
        """Says that a file was validated."""
        if isinstance(file, Package):
            self._log.info(f"  ok       {file.relative_path}  ({summary.size(file.size)}, {file.subdir})")
        else:
            self._log.info(f"  INVALID  {file.relative_path}")

    def finished(self, outcome: Outcome) -> None:
        """Says what became of a file, with the rate if it was sent."""
        source = outcome.file
        rate = ""
        if outcome.seconds and isinstance(source, Package) and outcome.status.is_on_channel:
            per_second = summary.size(int(source.size / outcome.seconds))
            rate = f"  {summary.size(source.size)} in {outcome.seconds:.1f} s ({per_second}/s)"
        self._log.info(f"  {_SIGNS.get(outcome.status, '!')} {outcome.status:<15}  {source.relative_path}{rate}")
        for told in (outcome.error, outcome.warning):
            if told is not None:
                self._log.info(f"      {told}")

    def waiting(self, transfers: Sequence[Transfer]) -> None:
        """A sign of life."""
        if not transfers:
            self._log.info("  … still working")
        for transfer in transfers:
            total = transfer.package.size
            share = f"{100 * transfer.sent // total} % of {summary.size(total)}"
            again = f", again after: {transfer.last_error}" if transfer.last_error else ""
            self._log.info(f"  … {share} sent: {transfer.package.relative_path}{again}")

    def log_exception(self, error: BaseException) -> None:
        """Shows the traceback of a bug, line by line, since its message may hold words from outside."""
        for part in traceback.format_exception(error):
            for line in part.splitlines():
                self._log.info(line)

    # What goes out at the end, in every case.

    def publish(self, report: Report, *, with_summary: bool) -> int:
        """Writes annotations, outputs and, if asked for, the job summary. Returns the process's exit code."""
        self._log.close_group()
        report = self._redacted(report)
        values = outputs(report)
        warnings = [*_cut(report, values["packages"])]
        warnings += self._write("GITHUB_OUTPUT", "outputs", lambda: _set_outputs(values))
        if with_summary:
            text = summary.render(report)
            warnings += self._write("GITHUB_STEP_SUMMARY", "summary", lambda: issue_file_command("STEP_SUMMARY", text))
        self._annotate("error", [*report.errors, *_of_files(_failures(report))])
        self._annotate("warning", [*warnings, *report.warnings, *_of_files(_notes(report))])
        self._log.info(summary.verdict(report))
        return report.exit_code

    def _redacted(self, report: Report) -> Report:
        """The report without secrets: a server may repeat the token in its answer, and nobody masks outputs."""
        outcomes = (
            replace(outcome, error=self._redact(outcome.error), warning=self._redact(outcome.warning))
            for outcome in report.outcomes
        )
        return replace(
            report,
            outcomes=tuple(outcomes),
            errors=tuple(map(self._redact, report.errors)),
            warnings=tuple(map(self._redact, report.warnings)),
        )

    def _redact(self, problem: _Diagnostic) -> _Diagnostic:
        if problem is None:
            return problem
        return replace(
            problem,
            message=self._log.redact(problem.message),
            hint=self._log.redact(problem.hint),
        )

    def _annotate(self, kind: Literal["error", "warning"], problems: Sequence[Diagnostic]) -> None:
        truncated_repr, left_out = list(problems), []
        if len(problems) > _MAX_ANNOTATIONS:
            truncated_repr, left_out = truncated_repr[: _MAX_ANNOTATIONS - 1], truncated_repr[_MAX_ANNOTATIONS - 1 :]
            truncated_repr.append(
                Diagnostic("And more", f"{len(left_out)} more are in the log and in the job summary.")
            )
            self._log.open_group(f"{len(left_out)} more")
            for problem in left_out:
                self._log.info(f"  {problem.title}: {problem}")
            self._log.close_group()
        for problem in truncated_repr:
            self._log.annotate(kind, problem.title, problem.message, problem.hint, *problem.example.splitlines())

    def _write(self, variable: str, what: str, write: Callable[[], None]) -> tuple[Diagnostic, ...]:
        """Writes to one of the runner's files; there is none where no runner started the process."""
        path = self._environ.get(variable)
        if not path:
            return ()
        size = 0
        try:
            with Path(path).open("a") as file:  # the toolkit has no error of its own for a file that is not there
                size = file.tell()
            write()
        except OSError as error:
            # Half of an output is worse than none: for it the runner fails the step (FileCommandManager).
            with contextlib.suppress(OSError):
                os.truncate(path, size)
            message = f"The {what} could not be written to {path} ({error.strerror})."
            return (Diagnostic("Not written", message, "Look into the log for what it would say."),)
        return ()


def outputs(report: Report) -> dict[str, str]:
    """The outputs by their names in `action.yml`."""
    return {
        "packages": _packages_output(report),
        "checksums": "\n".join(summary.checksum_lines(report)),
        "uploaded-count": str(report.count(Status.UPLOADED, Status.OVERWRITTEN)),
        "present-count": str(report.count(Status.ALREADY_PRESENT)),
        "skipped-count": str(report.count(Status.SKIPPED)),
        "failed-count": str(report.failed_count),
        "attestations": _json({name: attestation.log_index for name, attestation in report.attestations}),
        "channel-url": report.channel_url,
        "result": report.result,
    }


def _packages_output(report: Report) -> str:
    """All of it if it fits; otherwise the fields that identify a file; otherwise the first files."""
    rows = [_row(report, outcome) for outcome in report.outcomes]
    text = _json(rows)
    if len(text) > MAX_PACKAGES_OUTPUT:
        rows = [{key: row[key] for key in ("file", "sha256", "status")} for row in rows]
        text = _json(rows)
    while len(text) > MAX_PACKAGES_OUTPUT:
        rows = rows[: len(rows) * MAX_PACKAGES_OUTPUT // len(text)]
        text = _json(rows)
    return text


def _cut(report: Report, packages: str) -> Iterable[Diagnostic]:
    truncated_repr, total = len(json.loads(packages)), len(report.outcomes)
    if truncated_repr < total:
        message = f"The output 'packages' has only the first {truncated_repr} of {total} files, to stay below 100 KiB."
        yield Diagnostic("Output cut", message, "The output 'checksums' has all published files.")


def _set_outputs(values: Mapping[str, str]) -> None:
    for name, value in values.items():
        core.set_output(name, value)


def _row(report: Report, outcome: Outcome) -> dict[str, Any]:
    source = outcome.file
    package = source if isinstance(source, Package) else None
    row = {
        "path": source.relative_path,
        "file": source.file_name,
        "name": package and package.name,
        "version": package and package.version,
        "build": package and package.build,
        "build_number": package and package.build_number,
        "subdir": package and package.subdir,
        "size": package and package.size,
        "md5": outcome.md5,
        "sha256": package and package.sha256,
        "status": str(outcome.status),
        "url": package and report.package_url(package),
    }
    return row | ({"error": str(outcome.error)} if outcome.error else {})


def _json(rows: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> str:
    """Compact, and ASCII throughout, so that it can be written whatever a file name holds."""
    return json.dumps(rows, separators=(",", ":"))


def _failures(report: Report) -> Iterable[tuple[str, Diagnostic]]:
    """What each file failed for. Of those that were not attempted only the cause is worth an annotation."""
    for outcome in report.outcomes:
        if outcome.error and outcome.status is not Status.NOT_ATTEMPTED:
            yield outcome.file.relative_path, outcome.error


def _notes(report: Report) -> Iterable[tuple[str, Diagnostic]]:
    for outcome in report.outcomes:
        if outcome.warning:
            yield outcome.file.relative_path, outcome.warning
        for text in outcome.file.warnings if isinstance(outcome.file, Package) else ():
            yield outcome.file.relative_path, Diagnostic("Package", f"{text[0].upper()}{text[1:]}.")


def _of_files(pairs: Iterable[tuple[str, Diagnostic]]) -> Iterable[Diagnostic]:
    for problem, files in summary.grouped(pairs):
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        yield Diagnostic(problem.title, f"{files[0]}{more}: {problem.message}", problem.hint)
