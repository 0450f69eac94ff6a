"""The arguments of the command line, made from the table of inputs: flags have the inputs' names."""

from __future__ import annotations

import argparse
import os
import re
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from prefix_upload import __version__
from prefix_upload.settings import inputs_of
from prefix_upload.settings.parsers import boolean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from prefix_upload.settings import Input

# Environment variables that set an input if its flag is missing.
VARIABLES = {"token": "PREFIX_API_KEY", "channel": "PREFIX_CHANNEL", "server-url": "PREFIX_SERVER_URL"}
# Inputs that have no meaning outside an action.
_ACTION_ONLY = frozenset({"summary"})
# Inputs with a line for each time that the flag is given.
_REPEATABLE = frozenset({"ignore"})
# The input that a command's operands are lines of.
_OPERANDS = {
    "upload": "glob",
    "check": "glob",
    "delete": "packages",
    "yank": "packages",
    "unyank": "packages",
    "reindex": "subdirs",
}
# What an operand is, by the input.
_OPERAND_HELP = {
    "glob": ("PACKAGE", "file or glob pattern, relative to the current folder"),
    "packages": ("PACKAGE", "name of a file on the channel, glob pattern, or match spec"),
    "subdirs": ("SUBDIR", "subdir, such as linux-64; all of the channel if there is none"),
}

_COMMANDS = {
    "upload": "validate packages and publish them to a channel",
    "check": "validate packages, without a channel",
    "delete": "delete packages from a channel",
    "yank": "yank packages, so that solvers do not choose them any more",
    "unyank": "make packages that were yanked available again",
    "reindex": "ask the server to rebuild the index of a channel",
    "whoami": "show whose key is used, and the channels of its owner",
}
_EXIT_CODES = {
    "upload": "3 no package found, 4 invalid packages, 5 failure, 6 index is late,\n",
    "check": "3 no package found, 4 invalid packages, 5 failure, ",
}
# How similar a flag has to be, from 0 to 1, to be taken for the one that was meant.
_SIMILARITY = 0.75
# What stands for the value of a flag in the help; "VALUE" for others.
_METAVARS = {
    "checksums-file": "FILE",
    "concurrency": "N",
    "if-no-files-found": "{error,warn,ignore}",
    "ignore": "PATTERN",
    "index-timeout": "SECONDS",
    "keep-last": "N",
    "max-deletes": "N",
    "max-size": "SIZE",
    "older-than": "AGE",
    "reason": "TEXT",
    "retain-for": "AGE",
    "retain-last": "N",
    "retain-max-deletes": "N",
    "retries": "N",
    "server-url": "URL",
    "timeout": "SECONDS",
    "validate": "{full,metadata}",
}
_IF_EMPTY = re.compile(r" If empty, [^.]*\.")
_KEY_HELP = "API key; default: $PREFIX_API_KEY, the stored login, or trusted publishing in a CI job"
_OWN_KEY_HELP = "API key; default: $PREFIX_API_KEY or the stored login"
# API keys of prefix.dev. A mistyped flag must not put the key into a log.
_KEY = re.compile(r"pfx[_-][^\s'\",]+")
_NO_COMMAND = re.compile(r"argument command: invalid choice: '(.*?)'")


class Arguments(NamedTuple):
    """What the command line asks for.

    Attributes:
        command: the name of the command.
        inputs: the inputs by their names, as text; "" for one that is not set.
        operands: the operands, which are the lines of an input.
        as_json: whether to print the packages as JSON.
        has_progress_bars: whether progress bars may be shown.
    """

    command: str
    inputs: Mapping[str, str]
    operands: Sequence[str]
    as_json: bool
    has_progress_bars: bool


def parse_arguments(arguments: Sequence[str], environ: Mapping[str, str]) -> Arguments:
    """Parses the command line. Exits with code 2 if it is wrong, and with 0 after `--help`."""
    options = vars(_parser().parse_args(arguments))
    parser = options["parser"]
    inputs = {entry.name: _value(parser, entry, options.get(entry.field)) for entry in inputs_of(options["command"])}
    for name, variable in VARIABLES.items():
        inputs[name] = inputs.get(name) or environ.get(variable, "")
    return Arguments(
        options["command"],
        inputs,
        options.get("operands") or (),
        options.get("json", False),
        options.get("bars", True),
    )


def _value(parser: argparse.ArgumentParser, entry: Input, given: str | list[str] | None) -> str:
    """The text of an input. A flag that has one value must not be repeated: the first one would be lost."""
    if given is None or isinstance(given, str):
        return given or ""
    if len(given) > 1 and entry.name not in _REPEATABLE:
        parser.error(f"argument --{entry.name}: given more than once")
    return "\n".join(given)


class _Parser(argparse.ArgumentParser):
    """A parser that suggests the flag that is probably meant."""

    def error(self, message: str) -> NoReturn:
        """Exits with the message, and with a flag that is spelled like the one that does not exist."""
        from difflib import get_close_matches  # noqa: PLC0415 - seldom needed

        message = _KEY.sub("***", message)
        if key := os.environ.get("PREFIX_API_KEY", "").strip():  # of a server whose keys may look different
            message = message.replace(key, "***")
        if (word := _NO_COMMAND.match(message)) and not get_close_matches(word[1], _COMMANDS, 1):
            super().error(f"the first argument has to be a command: {', '.join(_COMMANDS)}")
        _, _, unknown = message.partition("unrecognized arguments: ")
        flag = unknown.split("=")[0].split(" ")[0]
        known = [text for action in self._actions for text in action.option_strings]
        meant = get_close_matches(flag, known, 1, _SIMILARITY) if flag.startswith("-") else []
        super().error(f"{message} (did you mean {meant[0]}?)" if meant else message)

    def parse_args(self, args: Sequence[str] | None = None) -> argparse.Namespace:  # type: ignore[override]
        """Parses all arguments. What a command does not know is an error of the command, whose flags are suggested."""
        namespace, unknown = self.parse_known_args(args)
        flags = [word.partition("=")[0] for word in unknown if word.startswith("-")]
        if flags:  # without what may be their values, such as a key
            namespace.parser.error(f"unrecognized arguments: {' '.join(flags)}")
        if unknown and not hasattr(namespace, "operands"):
            namespace.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
        if unknown:  # operands after a flag
            namespace.operands += unknown
        if any(not operand.strip() for operand in getattr(namespace, "operands", ())):
            namespace.parser.error("an argument is empty")
        return namespace


def _parser() -> _Parser:
    parser = _Parser(
        prog="prefix-upload",
        description="Validates conda packages and publishes them to a channel on prefix.dev.",
        epilog=_exit_codes("upload"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"prefix-upload {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command", parser_class=_Parser)
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=_exit_codes(name),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.set_defaults(parser=command)
        _add_arguments(command, name)
    return parser


def _exit_codes(command: str) -> str:
    own = _EXIT_CODES.get(command, "5 failure, ")
    return f"exit codes: 0 success, 1 bug, 2 wrong arguments, {own}130 and 143 cancelled"


def _add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    operand = _OPERANDS.get(command)
    if operand is not None:
        metavar, text = _OPERAND_HELP[operand]
        parser.add_argument("operands", nargs="*", metavar=metavar, help=text)
    for entry in _inputs(command):
        if entry.name != operand:
            _add_flag(parser, entry, command)
    if operand not in {None, "subdirs"}:
        parser.add_argument("--json", action="store_true", help="print the packages as JSON, and the rest to stderr")
        parser.add_argument("--no-progress", dest="bars", action="store_false", help="show no progress bars")


def _inputs(command: str) -> Iterator[Input]:
    return (entry for entry in inputs_of(command) if entry.name not in _ACTION_ONLY)


def _filled(text: str) -> str:
    """The value of a flag. An empty one, such as that of an unset variable, would silently mean the default."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the value is empty")
    return text


def _add_flag(parser: argparse.ArgumentParser, entry: Input, command: str) -> None:
    # Flags can't be empty, but for that they can be left out.
    text = _IF_EMPTY.sub("", entry.help).replace("`", "").replace("*", "").replace("%", "%%").removesuffix(".")
    text = f"{text[0].lower()}{text[1:]}" if text[1:2].islower() else text
    if entry.parse is boolean:
        parser.add_argument(f"--{entry.name}", dest=entry.field, action="store_const", const="true", help=text)
        return
    if entry.name == "dry-run":  # left open by default
        text = "only show the plan; default, unless every operand is the name of a file"
        either = parser.add_mutually_exclusive_group()
        either.add_argument("--dry-run", dest=entry.field, action="store_const", const="true", help=text)
        either.add_argument("--no-dry-run", dest=entry.field, action="store_const", const="false", help="carry it out")
        return
    if entry.name == "token":
        parser.add_argument(
            "--token",
            action="append",
            type=_filled,
            metavar="KEY",
            help=_OWN_KEY_HELP if command == "whoami" else _KEY_HELP,
        )
        return
    variable = f"; else ${VARIABLES[entry.name]}" if entry.name in VARIABLES else ""
    default = f"; default: {entry.default}" if entry.default else ""
    repeated = "; may be repeated" if entry.name in _REPEATABLE else ""
    required = "; required" if entry.required and not variable else ""
    parser.add_argument(
        f"--{entry.name}",
        dest=entry.field,
        action="append",
        type=_filled,
        metavar=_METAVARS.get(entry.name, "VALUE"),
        help=f"{text}{variable}{default}{repeated}{required}",
    )
