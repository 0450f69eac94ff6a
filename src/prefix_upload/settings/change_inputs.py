"""The inputs of the commands that change what is on a channel."""

from __future__ import annotations

from prefix_upload.settings import channels, parsers, selections
from prefix_upload.settings.input import CHANGES, CHANNEL_FILES, DELETE, REINDEX, UNYANK, YANK, Input

_API_KEY = (
    "prefix.dev API key with {}. If empty, trusted publishing is used, which needs `id-token: write` and a publisher "
    "with the same access."
)

CHANGE_INPUTS = (
    Input(
        "channel",
        channels.channel,
        "Channel: `namespace` or `namespace/channel`, or its URL on the server.",
        required=True,
        commands=CHANGES,
    ),
    Input(
        "packages",
        selections.selectors,
        "Files on the channel, one selector per line: the name of a file, a pattern (`demo-1.*`, `linux-64/*`), or a "
        "match spec of name, version and build (`demo <2`). `#` starts a comment.",
        required=True,
        see="selectors",
        commands=CHANNEL_FILES,
    ),
    Input(
        "keep-last",
        parsers.optional(parsers.integer(1, 100_000)),
        "Number of versions to keep per package and subdir, with all their builds. If empty, there is no limit.",
        see="retention",
        commands=DELETE,
    ),
    Input(
        "older-than",
        parsers.optional(selections.age),
        "Only delete what was added to the channel longer ago than this: `30d`, `12h`, `2w`. If empty, of any age.",
        see="retention",
        commands=DELETE,
    ),
    Input(
        "only-prerelease",
        parsers.boolean,
        "Only delete pre-release versions, such as `1.0rc1` and `2.0.dev3`.",
        default="false",
        see="retention",
        commands=DELETE,
    ),
    Input(
        "ignore",
        selections.globs,
        "Files to leave alone, even if selected: one pattern per line, for names of files or of packages.",
        commands=CHANNEL_FILES,
    ),
    Input(
        "max-deletes",
        parsers.integer(1, 100_000),
        "If the plan would delete more files than this, nothing is deleted. 1 to 100000.",
        default="100",
        commands=DELETE,
    ),
    Input(
        "reason",
        selections.reason,
        "Reason, shown to users of the package.",
        required=True,
        commands=YANK,
    ),
    Input(
        "hide",
        parsers.boolean,
        "Also hide the files on the channel's pages.",
        default="false",
        commands=YANK,
    ),
    Input(
        "unhide",
        parsers.boolean,
        "Also show the files on the channel's pages again.",
        default="false",
        commands=UNYANK,
    ),
    Input(
        "subdirs",
        selections.subdirs,
        "Subdirs to reindex, such as `linux-64 noarch`. If empty, all in which the channel has packages.",
        commands=REINDEX,
    ),
    Input(
        "dry-run",
        parsers.optional(parsers.boolean),
        "Show what would happen, and change nothing. If empty, this is `false` if all `packages` are names of files, "
        "and `true` otherwise.",
        see="dry-runs",
        commands=CHANNEL_FILES,
    ),
    Input(
        "token",
        parsers.token,
        _API_KEY.format("the access mode `READ_WRITE_DELETE`"),
        commands=DELETE,
    ),
    Input(
        "token",
        parsers.token,
        _API_KEY.format("write access"),
        commands=CHANGES - DELETE,
    ),
)
