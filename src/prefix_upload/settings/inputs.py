"""The table of inputs, from which parsing, `action.yml` and the README are derived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefix_upload.package.formats import ValidationLevel
from prefix_upload.settings import channels, parsers, paths
from prefix_upload.settings.parsers import IfNoFilesFound
from prefix_upload.settings.paths import PRODUCTION, STAGING
from prefix_upload.settings.server_url import server_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefix_upload.settings.parsers import Context


_FILES = frozenset({"upload", "check"})
_SERVER = frozenset({"upload", "whoami"})


class Input(NamedTuple):
    """One input of the action.

    Attributes:
        name: its name in `action.yml`.
        parse: turns the text into a value, or raises `InputError` or a group of them.
        help: its description in `action.yml` and in the README, in Markdown.
        default: the text that an empty input counts as.
        required: whether the input must be set.
        see: the anchor of the README section about it, if there is one.
        commands: the commands that have this input.
    """

    name: str
    parse: Callable[[str, Context], Any]
    help: str
    default: str = ""
    required: bool = False
    see: str = ""
    commands: frozenset[str] = frozenset({"upload"})

    @property
    def field(self) -> str:
        """The attribute of `Settings` that contains its value."""
        return _FIELDS.get(self.name, self.name.replace("-", "_"))


# Inputs whose attribute has another name.
_FIELDS = {"glob": "patterns", "validate": "validation_level"}

INPUTS = (
    Input(
        "channel",
        channels.channel,
        "Channel to publish to: `namespace` or `namespace/channel`, or its URL on the server.",
        required=True,
    ),
    Input(
        "glob",
        paths.patterns,
        "Packages to publish: one pattern per line, relative to the workspace. `!` excludes, `#` starts a comment.",
        required=True,
        see="patterns",
        commands=_FILES,
    ),
    Input(
        "token",
        parsers.token,
        "prefix.dev API key with write access. If empty, trusted publishing is used, which needs `id-token: write`.",
        commands=_SERVER,
    ),
    Input(
        "server-url",
        server_url,
        "Server to publish to. `https` only, except on loopback hosts.",
        default="https://prefix.dev",
        commands=_SERVER,
    ),
    Input(
        "if-no-files-found",
        parsers.choice(IfNoFilesFound),
        "What to do if no file matches: `error`, `warn` or `ignore`.",
        default="error",
        commands=_FILES,
    ),
    Input(
        "skip-existing",
        parsers.boolean,
        "If the channel has a file with the same name but *different* contents, keep it and warn.",
        default="false",
    ),
    Input(
        "force",
        parsers.boolean,
        "Overwrite a file that is on the channel with different bytes.",
        default="false",
    ),
    Input(
        "dry-run",
        parsers.boolean,
        "Validate the packages and compare them with the channel, but upload nothing.",
        default="false",
    ),
    Input(
        "attestations",
        parsers.boolean,
        "Sign a publish attestation for each package and upload it with the package. Needs `id-token: write`, and on "
        "prefix.dev trusted publishing.",
        default="false",
        see="attestations",
    ),
    Input(
        "sigstore-instance",
        paths.sigstore_instance,
        f"Sigstore instance to sign with: `{PRODUCTION}`, `{STAGING}`, or the path of a trust configuration (JSON).",
        default=PRODUCTION,
    ),
    Input(
        "rollback-on-failure",
        parsers.boolean,
        "If a package fails, delete again what this run has added to the channel. Needs permission to delete.",
        default="false",
        see="rollback",
    ),
    Input(
        "wait-for-index",
        parsers.boolean,
        "Wait until clients can install each package: until the channel's index lists it with its hash.",
        default="false",
        see="waiting-for-the-index",
    ),
    Input(
        "index-timeout",
        parsers.integer(1, 3600, "a number of seconds"),
        "Seconds to wait for the index, 1 to 3600.",
        default="600",
    ),
    Input(
        "checksums-file",
        paths.checksums_file,
        "File in the workspace to write the output `checksums` to. If empty, none is written.",
    ),
    Input(
        "concurrency",
        parsers.integer(1, 32),
        "Number of simultaneous uploads, 1 to 32.",
        default="8",
    ),
    Input(
        "retries",
        parsers.integer(0, 20),
        "Retries after a transient failure, 0 to 20.",
        default="5",
        commands=_SERVER,
    ),
    Input(
        "timeout",
        parsers.integer(1, 86_400, "a number of seconds"),
        "Seconds without progress on a connection after which an attempt fails, 1 to 86400.",
        default="300",
        commands=_SERVER,
    ),
    Input(
        "validate",
        parsers.choice(ValidationLevel),
        "`full` decodes the whole package, `metadata` stops after `info/`. The hash always covers the whole file.",
        default="full",
        commands=_FILES,
    ),
    Input(
        "max-size",
        parsers.size,
        "Packages larger than this are invalid: `100MB`, `1.5GiB` (MB: 10^6 bytes, MiB: 2^20). "
        "If empty, only the server's limit applies.",
        commands=_FILES,
    ),
    Input(
        "summary",
        parsers.boolean,
        "Write the job summary.",
        default="true",
    ),
)

DEFAULTS = {entry.name: entry.default for entry in INPUTS}
"""The defaults of all inputs, by their names in `action.yml`."""
