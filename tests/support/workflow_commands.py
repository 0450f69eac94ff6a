"""What the runner takes for a command in a log, and texts that try to be one, or to be anything but text."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from support.running import Finished

# The commands that the action itself gives.
OURS = frozenset({"add-mask", "group", "endgroup", "error", "warning"})

POISON = {
    "command": "::error::pwned",
    "indented command": " \t::warning title=a::pwned",
    "command after an ideographic space": "\u3000::set-output name=result::pwned",
    "stop commands": "::stop-commands::pwned",
    "old command": "a ##[group]pwned",
    "old command, doubled": "###[error]##[endgroup]pwned",
    "escapes of commands": "%0A::error::pwned%0D%25",
    "line feed": "a\n::error::pwned",
    "carriage return": "a\r::error::pwned",
    "both": "a\r\n##[error]pwned",
    "line separators": "a\u2028::error::pwned\u2029::error::pwned\x85::error::pwned\x0b\x0c::error::pwned",
    "mask": "::add-mask::success",
    "null": "a\x00b",
    "terminal": "\x1b[2J\x1b]0;pwned\x07\x9b31m",
    "bidi": "\u202egpj.exe\u2066\u200f",
    "zero width": "a\u200bb\ufeffc\u00ad",
    "blank": "a\u2800b\u3164c\u115fd\ufe0fe\u3000f\u00a0g\U000e0041",
    "lone surrogate": "a\udcffb\ud800",
    "emphasis": "**pwned** __pwned__ *a* _b_ ~~c~~",
    "heading": "# pwned\n\n## pwned\n---\n===",
    "list": "- pwned\n1. pwned\n> pwned",
    "link": "[pwned](https://pwned.example) ![pwned](x.png) <https://pwned.example>",
    "reference": "[pwned]: https://pwned.example\n[pwned]",
    "bare address": "https://pwned.example www.pwned.example WWW.pwned.example me@pwned.example",
    "mail": "mailto:me@pwned.example xmpp:me@pwned.example",
    "tag": "<b>pwned</b><script>alert(1)</script><img src=x onerror=y></code></td></details>",
    "comment": "<!-- pwned -->",
    "entity": "&lt;b&gt; &#60;b&#62; &amp;",
    "table": "| pwned | a | b |\n| --- | --- |",
    "code": "`pwned` ``a`` ```\npwned\n```",
    "fence": "```\n~~~\npwned",
    "mention": "@octo/team #1 octo/repo#1 GH-1 c0ffee1 octo/repo@c0ffee1",
    "formula": "$x$ $$y$$ \\(z\\) $`z`$",
    "footnote": "a[^1]\n\n[^1]: pwned",
    "backslash": "\\*a\\* \\",
    "emoji": ":rocket:",
}
"""Texts from outside that must show up as nothing but text."""


@dataclass(frozen=True)
class Command:
    """One command as the runner understands it, unescaped."""

    name: str
    data: str
    properties: Mapping[str, str] = field(default_factory=dict)


def commands(log: str) -> list[Command]:
    """The commands in a log, by the rules of actions/runner (`ActionCommand.cs`).

    Stricter than the runner, which passes over names that it does not know: here they count.
    """
    # .NET's `ReadLine` ends a line at CR, LF or both, and at nothing else.
    found = (_command(line) for line in re.split(r"\r\n|\r|\n", log))
    return [command for command in found if command is not None]


def annotated(log: str, kind: str) -> list[Command]:
    """The annotations of one kind."""
    return [command for command in commands(log) if command.name == kind]


def _command(line: str) -> Command | None:
    return next((command for command in (*_present_form(line), *_old_form(line))), None)


def _present_form(line: str) -> Iterator[Command]:
    """`::name key=value,key=value::data` at the start of a line, after white space."""
    line = line.lstrip()
    if line.startswith("::") and "::" in line[2:]:
        head, _, data = line[2:].partition("::")
        name, _, properties = head.partition(" ")
        pairs = (pair.split("=", 1) for pair in properties.strip().split(",") if "=" in pair)
        yield Command(name, _unescaped(data), {key: _unescaped(value) for key, value in pairs})


def _old_form(line: str) -> Iterator[Command]:
    """`##[name key=value;key=value]data` anywhere in a line."""
    match = re.search(r"##\[(.*?)\](.*)", line)
    if match is not None:
        name, _, properties = match[1].partition(" ")
        pairs = (pair.split("=", 1) for pair in properties.split(";") if "=" in pair)
        yield Command(name, match[2], dict(pairs))


def _unescaped(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def places_that_show(secrets: Iterable[str], finished: Finished) -> list[str]:
    """Where a run shows one: in the log, but for the masks themselves, the summary or an output."""
    log = "\n".join(line for line in finished.log.splitlines() if not line.startswith("::add-mask::"))
    places = {"log": log, "summary": html.unescape(finished.summary), **finished.outputs}
    secrets = list(secrets)
    return [name for name, text in places.items() if any(secret in text for secret in secrets)]
