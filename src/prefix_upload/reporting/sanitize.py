"""Sanitizes untrusted text for the place where it is shown.

File names, metadata and server messages may contain workflow commands, Markdown, HTML, control characters and terminal
escapes. All such text goes through one of these functions, so that none of it takes effect.
"""

from __future__ import annotations

import re

# Characters that `str.isprintable` accepts although nothing shows, or only a blank: Unicode's property
# Default_Ignorable_Code_Point (DerivedCoreProperties.txt: fillers, joiners, variation selectors, tags), and those
# whose glyph is empty (braille blank, null notehead, Khitan filler) or a placeholder (object replacement).
_BLANK = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\ufffc\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
# Where GitHub would find a link in text that CommonMark has already rendered, in which character references are
# decoded (cmark-gfm, `autolink.c`; html-pipeline's filters for mentions, issues, commits and emoji): after these
# characters the text is split.
_LINK_SIGN = re.compile(r"[@#:](?=\S)|(?<=www)\.|\b(?:GH|GHSA|CVE)-", re.IGNORECASE)
_COMMIT = re.compile(r"\b[0-9a-f]{7,40}\b", re.IGNORECASE)
# Hexadecimal digits that are too few for a commit's hash (html-pipeline, commit mentions).
_SHORT_OF_A_COMMIT = 6
# A place at which a browser may break the line, invisible otherwise. It splits the text for GitHub's filters.
_SPLIT = "<wbr>"


def visible(text: str) -> str:
    """The text on one line. Characters that cannot be seen, or look like a space, are escaped as in a Python string."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() and not _BLANK.match(char) else ascii(char)[1:-1] for char in text)


def for_log(text: str) -> str:
    """The text for the log, in which the runner finds no workflow commands.

    The runner looks for `::name::` at the start of a line and for `##[name]` anywhere (actions/runner,
    ActionCommand.cs).
    """
    return re.sub(r"^(\s*):(?=:)", r"\1: ", visible(text).replace("##[", "## ["))


def for_markdown(text: str) -> str:
    """The text for Markdown, in which it renders literally.

    Punctuation becomes character references, which never act as markup (CommonMark 0.31, section 2.5), and the text is
    split where GitHub would turn it into a link, a mention or an emoji. A dollar sign is isolated as GitHub's
    documentation ("Writing mathematical expressions") says.
    """
    parts: list[str] = []
    end = 0
    shown = visible(text)
    for position in sorted({*_link_positions(shown), len(shown)}):
        parts.append(_as_references(shown[end:position]))
        end = position
    return _SPLIT.join(parts)


def as_code(text: str) -> str:
    """The text as a code span, which is also safe in a table."""
    return f"<code>{for_markdown(text)}</code>"


def _link_positions(text: str) -> set[int]:
    """Where to split the text, so that GitHub finds no link in it."""
    positions = {match.end() for match in _LINK_SIGN.finditer(text)}
    for match in _COMMIT.finditer(text):
        positions.update(range(match.start() + _SHORT_OF_A_COMMIT, match.end(), _SHORT_OF_A_COMMIT))
    return positions


def _as_references(text: str) -> str:
    text = re.sub(r"[^\w\s.-]|_|(?<=www)\.", lambda match: f"&#{ord(match[0])};", text, flags=re.IGNORECASE)
    return text.replace("&#36;", "<span>&#36;</span>")
