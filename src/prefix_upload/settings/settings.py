"""Parses the inputs into `Settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from prefix_upload.errors import ConfigurationError, Diagnostic, setting
from prefix_upload.settings.inputs import INPUTS, Input
from prefix_upload.settings.parsers import BOOLEANS, Context, InputError, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from prefix_upload.package.formats import ValidationLevel
    from prefix_upload.patterns import Patterns
    from prefix_upload.secret import Secret
    from prefix_upload.settings.parsers import IfNoFilesFound


class Settings(NamedTuple):
    """The checked inputs. `timeout` and `index_timeout` are in seconds, `max_size` in bytes (`None`: no limit).

    `sigstore_instance` is the name of a public instance, or the path of a file that describes a private one.
    `checksums_file` is a resolved path in the workspace (`None`: no file).
    """

    channel: str
    patterns: Patterns
    token: Secret | None
    server_url: str
    if_no_files_found: IfNoFilesFound
    skip_existing: bool
    force: bool
    dry_run: bool
    attestations: bool
    sigstore_instance: str | Path
    rollback_on_failure: bool
    wait_for_index: bool
    index_timeout: int
    checksums_file: Path | None
    concurrency: int
    retries: int
    timeout: int
    validation_level: ValidationLevel
    max_size: int | None
    summary: bool

    @property
    def channel_url(self) -> str:
        """The channel's URL for conda clients, which is also its name in a publish attestation (CEP 27)."""
        return f"{self.server_url}/{self.channel}"

    @property
    def audience(self) -> str:
        """The audience of identity tokens for the server."""
        from prefix_upload.auth.audience import audience_of  # noqa: PLC0415 - loads much else

        return audience_of(urlsplit(self.server_url).hostname or "")


def parse(
    raw: Mapping[str, str],
    workspace: Workspace,
    further_checks: Callable[[Settings], Iterable[Diagnostic]] = lambda _: (),
    command: str = "upload",
) -> Settings:
    """Parses and checks the inputs.

    Args:
        raw: the inputs by their names in `action.yml`; an empty or missing one counts as its default.
        workspace: the folder that patterns are relative to.
        further_checks: checks of the front end. For an invalid input, the settings have its default, or `None`.
        command: the command that the inputs are for. Those that it does not have get their default, or `None`.

    Raises:
        ConfigurationError: one or more inputs are invalid; it has all problems of all inputs.
    """
    diagnostics: list[Diagnostic] = []
    context = Context(workspace)
    values: dict[str, Any] = {}
    for entry in sorted(INPUTS, key=lambda entry: entry.name != "server-url"):  # `channel` is checked against it
        if command in entry.commands:
            values[entry.field] = _parse_one(entry, raw, context, diagnostics)
        else:
            values[entry.field] = _default(entry, context)
        context.server_url = values["server_url"]
    settings = Settings(**values)
    diagnostics += consistency_errors(settings)
    diagnostics += further_checks(settings)
    if diagnostics:
        raise ConfigurationError(*diagnostics)
    return settings


def consistency_errors(settings: Settings) -> Iterable[Diagnostic]:
    """Yields diagnostics for settings that contradict each other."""
    if settings.force and settings.skip_existing:
        names = f"{setting('force')} and {setting('skip-existing')}"
        yield Diagnostic(
            f"Contradictory {names}",
            f"{names} are both true, but a file can't be both overwritten and kept.",
            "Set at most one of them to true.",
            page="#inputs",
        )


def wants_summary(raw: Mapping[str, str]) -> bool:
    """Whether to write the job summary: yes, unless the input `summary` is a valid `false`."""
    return BOOLEANS.get(raw.get("summary", "").strip(), True)


def _parse_one(entry: Input, raw: Mapping[str, str], context: Context, diagnostics: list[Diagnostic]) -> Any:
    """The value of an input. If it is invalid, adds diagnostics and returns its default, or `None`."""
    try:
        return entry.parse(raw.get(entry.name, "").strip() or entry.default, context)
    except* InputError as group:
        name = setting(entry.name)
        errors = [error for error in group.exceptions if isinstance(error, InputError)]
        page = f"#{entry.see or 'inputs'}"
        diagnostics.extend(
            Diagnostic(f"Invalid {name}", f"{name} {error.problem}.", error.hint, page=page) for error in errors
        )
    return _default(entry, context)


def _default(entry: Input, context: Context) -> Any:
    return entry.parse(entry.default, context) if entry.default else None
