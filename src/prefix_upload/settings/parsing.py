"""Parses the inputs of a command into its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from prefix_upload.errors import ConfigurationError, Diagnostic, setting
from prefix_upload.settings.inputs import inputs_of
from prefix_upload.settings.parsers import BOOLEANS, Context, InputError
from prefix_upload.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prefix_upload.settings.input import Input
    from prefix_upload.settings.parsers import Workspace

_Settings = TypeVar("_Settings", bound=Settings)


def parse(
    kind: type[_Settings],
    raw: Mapping[str, str],
    workspace: Workspace,
    further_checks: Callable[[_Settings], Iterable[Diagnostic]] = lambda _: (),
) -> _Settings:
    """Parses and checks the inputs of a command.

    Args:
        kind: the class of the command's settings.
        raw: the inputs by their names in `action.yml`; an empty or missing one counts as its default.
        workspace: the folder that patterns are relative to.
        further_checks: checks of the front end. For an invalid input, the settings have its default, or `None`.

    Raises:
        ConfigurationError: one or more inputs are invalid; it has all problems of all inputs.
    """
    diagnostics: list[Diagnostic] = []
    context = Context(workspace)
    values: dict[str, Any] = {}
    # `channel` is checked against the server.
    for entry in sorted(inputs_of(kind.command), key=lambda entry: entry.name != "server-url"):
        values[entry.field] = _parse_one(entry, raw, context, diagnostics)
        context.server_url = values.get("server_url", "")
    settings = kind(**values)
    diagnostics += settings.contradictions()
    diagnostics += further_checks(settings)
    if diagnostics:
        raise ConfigurationError(*diagnostics)
    return settings


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
    return entry.parse(entry.default, context) if entry.default else None
