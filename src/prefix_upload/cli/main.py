"""The command line as a front end: arguments in; lines, JSON and exit code out."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from prefix_upload.cli.arguments import parse_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefix_upload.cancellation import Cancellation
    from prefix_upload.cli.arguments import Arguments
    from prefix_upload.cli.terminal import Terminal
    from prefix_upload.errors import Diagnostic
    from prefix_upload.report import Report
    from prefix_upload.reporting.console import Console
    from prefix_upload.settings.settings import Settings
    from prefix_upload.steps.run import Run


def main(arguments: Sequence[str], cancellation: Cancellation) -> int:
    """Runs the command in the arguments, and returns its exit code."""
    try:
        parsed = parse_arguments(arguments, os.environ)
    except SystemExit as error:  # after `--help`, or an error
        return int(error.code or 0)
    return _execute(parsed, cancellation)


def _execute(arguments: Arguments, cancellation: Cancellation) -> int:
    from prefix_upload.cli.terminal import Terminal  # noqa: PLC0415 - `--help` needs none of this
    from prefix_upload.commands.table import execute  # noqa: PLC0415
    from prefix_upload.execution import Execution  # noqa: PLC0415
    from prefix_upload.reporting.exit_codes import ExitCode, exit_code  # noqa: PLC0415

    stream = sys.stderr if arguments.as_json else sys.stdout
    is_terminal = stream.isatty()
    terminal = Terminal(stream, is_bold=is_terminal and not os.environ.get("NO_COLOR"))
    console = _console(terminal, has_bars=is_terminal and arguments.has_progress_bars)
    execution = Execution(arguments.command, cancellation, console.log_exception)
    report, early_exit = execution.execute(lambda: _create_run(arguments, cancellation, terminal, console), execute)
    report = report.map_diagnostics(terminal.presentable)
    _show(report, terminal, console)
    code = exit_code(report) if early_exit is None else early_exit
    if arguments.as_json and not _show_json(report):
        from prefix_upload.errors import Diagnostic  # noqa: PLC0415

        message = "The rows of the packages could not be written to the standard output."
        hint = "Check the space on the disk, and the program that reads them."
        terminal.show("error", [Diagnostic("Could not write", message, hint)])
        return code or ExitCode.UPLOAD_FAILED
    return code


def _show_json(report: Report) -> bool:
    """Prints the rows of the packages. Returns whether that was possible."""
    import json  # noqa: PLC0415

    from prefix_upload.reporting.outputs import package_rows  # noqa: PLC0415
    from prefix_upload.reporting.streams import write  # noqa: PLC0415

    return write(sys.stdout, json.dumps(package_rows(report), indent=2) + "\n")


def _console(terminal: Terminal, *, has_bars: bool) -> Console:
    """What shows the progress: with bars, if `rich` is installed."""
    if has_bars:
        try:
            from prefix_upload.cli.progress_bars import ProgressBars  # noqa: PLC0415
        except ModuleNotFoundError:
            return _lines(terminal)
        return ProgressBars(terminal, terminal.spell)
    return _lines(terminal)


def _lines(terminal: Terminal) -> Console:
    from prefix_upload.reporting.console import Console  # noqa: PLC0415

    console = Console(terminal, terminal.spell)
    console.shows_reasons = False
    return console


def _create_run(arguments: Arguments, cancellation: Cancellation, terminal: Terminal, console: Console) -> Run:
    from prefix_upload.cli.credentials import credential_errors, find_identity, find_token  # noqa: PLC0415
    from prefix_upload.commands.table import settings_of  # noqa: PLC0415
    from prefix_upload.concurrency import Pool  # noqa: PLC0415
    from prefix_upload.factory import create_run  # noqa: PLC0415
    from prefix_upload.http import proxy_secrets  # noqa: PLC0415
    from prefix_upload.preconditions import connection_errors  # noqa: PLC0415
    from prefix_upload.settings import Workspace  # noqa: PLC0415
    from prefix_upload.settings.parsing import parse  # noqa: PLC0415

    for secret in proxy_secrets(os.environ):
        terminal.hide(secret)
    token, terminal.key_source = find_token(arguments.inputs, os.environ)
    terminal.hide(token)
    current = _current_folder()
    folder, inputs = _inputs(arguments, current)
    publishes = arguments.command not in {"check", "whoami"}
    identity = find_identity(os.environ, terminal.hide) if publishes else None

    def preflight_errors(settings: Settings) -> Iterable[Diagnostic]:
        if arguments.command != "check":
            yield from credential_errors(settings, os.environ, has_token=bool(token), identity=identity)
            yield from connection_errors(settings, os.environ, identity, has_token=bool(token))

    return create_run(
        parse(settings_of(arguments.command), {**inputs, "token": token}, Workspace(folder), preflight_errors),
        folder,
        folder=current.resolve(),
        identity_request=identity,
        pool=Pool(is_cancelled=lambda: cancellation.is_requested, clock=time.monotonic),
        cancellation=cancellation,
        reporter=console,
        on_secret=terminal.hide,
        redact=terminal.redact_message,
    )


def _inputs(arguments: Arguments, current: Path) -> tuple[Path, dict[str, str]]:
    """The folder with all files, and the inputs, in which files are relative to it, or absolute."""
    from prefix_upload.cli.workspace import absolute, patterns_below  # noqa: PLC0415

    is_local = "glob" in arguments.inputs
    # Like the patterns, other files are relative to the current folder.
    files = {name: absolute(current, text) for name, text in arguments.inputs.items() if _is_file(name, text)}
    folder, patterns = patterns_below(current, arguments.operands if is_local else (), list(files.values()))
    inputs = {**arguments.inputs, **files}
    if is_local:
        inputs["glob"] = "\n".join(patterns)
    elif arguments.operands:
        inputs |= {name: "\n".join(arguments.operands) for name in ("packages", "subdirs")}
    return folder, inputs


def _current_folder() -> Path:
    from prefix_upload.errors import ConfigurationError, Diagnostic  # noqa: PLC0415

    try:
        return Path.cwd()
    except FileNotFoundError as error:
        problem = Diagnostic("No current folder", "The current folder was deleted.", "Change to another folder.")
        raise ConfigurationError(problem) from error


def _is_file(name: str, text: str) -> bool:
    """Whether the text of an input is the path of a file."""
    # NOTE: `Path.is_file` fails if a name is too long.
    return bool(text) and (name == "checksums-file" or (name == "sigstore-instance" and os.path.isfile(text)))  # noqa: PTH113


def _show(report: Report, terminal: Terminal, console: Console) -> None:
    """Prints what became of the files, and what went wrong."""
    from prefix_upload.reporting import diagnostics, summary  # noqa: PLC0415
    from prefix_upload.reporting.formats import checksum_lines  # noqa: PLC0415

    console.close()
    console.not_attempted(report)
    checksums = list(checksum_lines(report))
    if checksums:
        terminal.open_group("SHA-256")
        for line in checksums:
            terminal.info(f"  {line}")
    if report.command != "whoami":
        terminal.open_group(summary.verdict(report))
    if report.dry_run and not report.errors and any(outcome.status.is_planned for outcome in report.outcomes):
        flag = "without --dry-run" if report.command == "upload" else "with --no-dry-run"
        terminal.info(f"Nothing was changed. Run it again {flag} to do this.")
    terminal.show("warning", diagnostics.warnings(report))
    terminal.show("error", diagnostics.errors(report))
