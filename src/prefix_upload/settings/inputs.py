"""The table of inputs, from which parsing, the `action.yml` files and the README are derived."""

from __future__ import annotations

from prefix_upload.package.formats import ValidationLevel
from prefix_upload.settings import channels, parsers, paths, selections
from prefix_upload.settings.change_inputs import CHANGE_INPUTS
from prefix_upload.settings.input import ACTIONS, LOCAL_FILES, SERVER, UPLOAD, WHOAMI, Input
from prefix_upload.settings.parsers import IfNoFilesFound
from prefix_upload.settings.paths import PRODUCTION, STAGING
from prefix_upload.settings.server_url import server_url

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
        commands=LOCAL_FILES,
    ),
    Input(
        "token",
        parsers.token,
        "prefix.dev API key with write access. If empty, trusted publishing is used, which needs `id-token: write`.",
        commands=UPLOAD | WHOAMI,
    ),
    *CHANGE_INPUTS,
    Input(
        "server-url",
        server_url,
        "Server of the channel. `https` only, except on loopback hosts.",
        default="https://prefix.dev",
        commands=SERVER,
    ),
    Input(
        "if-no-files-found",
        parsers.choice(IfNoFilesFound),
        "What to do if no file matches: `error`, `warn` or `ignore`.",
        default="error",
        commands=LOCAL_FILES,
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
        "Overwrite a file of the same name on the channel whose bytes differ.",
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
        "retain-last",
        parsers.optional(parsers.integer(1, 100_000)),
        "After the upload, delete old versions of the same packages, but keep this many per subdir. If empty, there is "
        "no limit. Needs permission to delete.",
        see="retention",
    ),
    Input(
        "retain-for",
        parsers.optional(selections.age),
        "After the upload, delete old versions of the same packages, but keep what was added within this time: `30d`, "
        "`12h`, `2w`. If empty, ages don't matter. Needs permission to delete.",
        see="retention",
    ),
    Input(
        "retain-releases",
        parsers.boolean,
        "Of the old versions, only delete pre-releases, such as `1.0rc1` and `2.0.dev3`.",
        default="false",
        see="retention",
    ),
    Input(
        "retain-max-deletes",
        parsers.integer(1, 100_000),
        "If this would delete more old files, nothing is deleted. 1 to 100000.",
        default="100",
        see="retention",
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
        commands=SERVER,
    ),
    Input(
        "timeout",
        parsers.integer(1, 86_400, "a number of seconds"),
        "Seconds without progress on a connection after which an attempt fails, 1 to 86400.",
        default="300",
        commands=SERVER,
    ),
    Input(
        "validate",
        parsers.choice(ValidationLevel),
        "`full` decodes the whole package, `metadata` stops after `info/`. The hash always covers the whole file.",
        default="full",
        commands=LOCAL_FILES,
    ),
    Input(
        "max-size",
        parsers.size,
        "Packages larger than this are invalid: `100MB`, `1.5GiB` (MB: 10^6 bytes, MiB: 2^20). "
        "If empty, only the server's limit applies.",
        commands=LOCAL_FILES,
    ),
    Input(
        "summary",
        parsers.boolean,
        "Write the job summary.",
        default="true",
        commands=ACTIONS,
    ),
)
"""All inputs of all commands. Those of one command, see `inputs_of`, have distinct names."""


def inputs_of(command: str) -> tuple[Input, ...]:
    """The inputs of a command."""
    return tuple(entry for entry in INPUTS if command in entry.commands)
