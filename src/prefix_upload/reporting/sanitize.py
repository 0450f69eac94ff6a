"""Sanitizes untrusted text for the place where it is shown.

File names, metadata and server messages may contain workflow commands, Markdown, HTML, control characters and terminal
escapes. All such text goes through one of these functions, so that none of it takes effect.
"""

from __future__ import annotations

import re
import unicodedata

# Control characters, invisible formatting (bidi overrides, zero-width), lone surrogates, private and unassigned
# characters, and the two separators that some readers take for line breaks.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """The text on one line. Characters that cannot be seen are escaped as in a Python string."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(ascii(char)[1:-1] if unicodedata.category(char) in _INVISIBLE else char for char in text)


def for_log(text: str) -> str:
    """The text for the log, in which the runner finds no workflow commands.

    The runner looks for `::name::` at the start of a line and for `##[name]` anywhere (actions/runner,
    ActionCommand.cs).
    """
    return re.sub(r"^(\s*):(?=:)", r"\1: ", visible(text).replace("##[", "## ["))


def for_markdown(text: str) -> str:
    """The text for Markdown, in which it renders literally.

    Punctuation becomes character references, which never act as markup (CommonMark 0.31, section 2.5). A dot is kept,
    except where GitHub would turn the text into a link.
    """
    return re.sub(r"[^\w\s.-]|_|(?<=www)\.", lambda match: f"&#{ord(match[0])};", visible(text), flags=re.IGNORECASE)


def as_code(text: str) -> str:
    """The text as a code span, which is also safe in a table."""
    return f"<code>{for_markdown(text)}</code>"
