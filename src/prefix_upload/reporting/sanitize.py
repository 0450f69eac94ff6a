"""Text from outside, made harmless for the place where it is shown.

File names, metadata and the server's words may hold workflow commands, Markdown, HTML, control characters and
terminal escapes. All of it goes through one of these functions, and none of it takes effect.
"""

from __future__ import annotations

import re
import unicodedata

# Control characters, invisible formatting (bidi overrides, zero-width), lone surrogates, private and unassigned
# ones, and the two separators that some readers take for line ends.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """One line in which every character can be seen: the others are spelled as in a Python string."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(ascii(char)[1:-1] if unicodedata.category(char) in _INVISIBLE else char for char in text)


def for_log(text: str) -> str:
    """Text for the log, in which the runner sees no command.

    It looks for `::name::` at the start of a line and for `##[name]` anywhere (actions/runner, ActionCommand.cs).
    """
    return re.sub(r"^(\s*):(?=:)", r"\1: ", visible(text).replace("##[", "## ["))


def for_markdown(text: str) -> str:
    """Text for Markdown, in which nothing but the text itself is seen.

    Punctuation becomes character references, which stand for the character and never for its effect
    (CommonMark 0.31, section 2.5). A dot needs none, except where GitHub would make a link of it.
    """
    return re.sub(r"[^\w\s.-]|_|(?<=www)\.", lambda match: f"&#{ord(match[0])};", visible(text), flags=re.IGNORECASE)


def as_code(text: str) -> str:
    """Text for a code span, in a table too."""
    return f"<code>{for_markdown(text)}</code>"
