"""Text from outside takes effect nowhere."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from prefix_upload.reporting import sanitize
from support.rendered import SPLITTERS
from support.workflow_commands import POISON, commands

if TYPE_CHECKING:
    from collections.abc import Callable

poison = pytest.mark.parametrize("text", POISON.values(), ids=POISON.keys())
# Any string that Python can hold, lone surrogates included, and rich in what means something to somebody.
anything = st.text() | st.text(alphabet=":#[]%<>&|`*_~!\\@$\n\r\t\x00\x1b\u2028\u3000\u202e\ud800 awx.-/()'\"")


# What GitHub makes a link, an image or a formula of, in text that CommonMark has rendered already: extended autolinks
# (GFM 0.29, section 6.9; e-mail addresses are found in the rendered text), references and mentions ("Autolinked
# references and URLs"), emoji and mathematics.
GITHUB_SIGNS = re.compile(
    r"""www\.\S | (?:https?|ftp):// | [\w.+-]+@[\w-] | (?:mailto|xmpp):\S | (?<!\w)@\w | \#\d | \bGH-\d |
    \bGHSA-\w | \bCVE-\d | \b[0-9a-f]{7,40}\b | :[\w+-]+: | \$""",
    re.IGNORECASE | re.VERBOSE,
)


def texts(markdown: str) -> list[str] | None:
    """The pieces of text of Markdown that is one paragraph of nothing else; `None` where it is anything else."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown)
    if not tokens:
        return []
    if [token.type for token in tokens] != ["paragraph_open", "inline", "paragraph_close"]:
        return None
    children = tokens[1].children or []
    pieces = [""]
    for child in children:
        if child.type == "text":
            pieces[-1] += child.content
        elif child.content in SPLITTERS:
            pieces.append("")
        else:
            return None
    return pieces


def plain(markdown: str) -> str | None:
    """The text of Markdown that is one paragraph of nothing but text; `None` where it is anything else."""
    pieces = texts(markdown)
    return None if pieces is None else "".join(pieces)


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("demo-1.0-h0_0.conda", "demo-1.0-h0_0.conda"),
        ("naïve café 包 🚀", "naïve café 包 🚀"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x00\x1b[0m", r"\x00\x1b[0m"),
        ("\u202eabc", r"\u202eabc"),
        ("a\u200bb", r"a\u200bb"),
        ("\udcff", r"\udcff"),
        ("\u2028", r"\u2028"),
        ("a\u2800b", r"a\u2800b"),
        ("\u3164", r"\u3164"),
        ("\u115f\u1160\uffa0", r"\u115f\u1160\uffa0"),
        ("x\ufe0f\U000e0100", r"x\ufe0f\U000e0100"),
        ("\u034f\u17b4\u180b\ufff0", r"\u034f\u17b4\u180b\ufff0"),
        ("\U000e0041\U0001d159\ufffc", r"\U000e0041\U0001d159\ufffc"),
        ("a\u00a0b\u3000c\u2003d", r"a\xa0b\u3000c\u2003d"),
    ],
)
def test_what_cannot_be_seen_is_spelled(text: str, visible: str) -> None:
    """Letters of any language stay; what is blank, invisible or formatting is spelled out."""
    assert sanitize.visible(text) == visible


@given(anything)
def test_visible_text_is_one_line_that_can_be_written(text: str) -> None:
    """No character is left that ends a line, moves the cursor, is invisible or has no UTF-8."""
    visible = sanitize.visible(text)
    assert len(visible.splitlines()) <= 1
    assert {unicodedata.category(char) for char in visible}.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
    visible.encode("utf-8")


@poison
def test_the_log_has_no_command(text: str) -> None:
    """The runner finds no command in a line that holds the text at its start, its end or in the middle."""
    assert commands("\n".join(sanitize.for_log(line) for line in (text, f"  {text}", f"file {text} failed"))) == []


@given(anything)
def test_the_log_has_no_command_whatever_the_text(text: str) -> None:
    """The same for any text."""
    assert commands(sanitize.for_log(text)) == []


def test_the_log_keeps_what_is_harmless() -> None:
    """Names with colons and hashes elsewhere are not touched."""
    assert sanitize.for_log("std::vector # [x] a:b") == "std::vector # [x] a:b"


@poison
def test_markdown_is_text(text: str) -> None:
    """A Markdown reader sees the text and nothing else."""
    assert plain(f"x{sanitize.for_markdown(text)}x") == f"x{sanitize.visible(text)}x"


@given(anything)
def test_markdown_is_text_whatever_the_text(text: str) -> None:
    """The same for any text; only white space may collapse at the ends of a line."""
    assert plain(f"x{sanitize.for_markdown(text)}x") == f"x{sanitize.visible(text)}x"


@pytest.mark.parametrize("text", ["www.example.org", "WWW.example.org", "wwww.example.org", "https://example.org"])
def test_markdown_has_no_bare_address(text: str) -> None:
    """GitHub links whatever begins with `www.` or a scheme: neither is left in the source."""
    source = sanitize.for_markdown(text).lower()
    assert "www." not in source
    assert "://" not in source


GITHUB_LINKS = (
    *("me@example.com", "mailto:me@example.com", "xmpp:me@example.com/room", "a.b+c@example.co.uk."),
    *("@octo", "@octo/team", "(@octo)", "#123", "GH-123", "octo/repo#1", "octo#1", "octo/repo@0123456"),
    *("0123456", "c0ffee" * 6 + "c0ff", "ABCDEF01", "GHSA-jfh8-c2jp-5v3q", "CVE-2021-44228"),
    *("https://example.org", "http://example.org", "ftp://example.org", "www.example.org", "WWW.example.org"),
    *(":rocket:", "::+1::", "$x$", "$$x$$", "$`x`$", "[^1]", "a[^note]b"),
)


@pytest.mark.parametrize("text", GITHUB_LINKS)
@pytest.mark.parametrize("sanitized", [sanitize.for_markdown, lambda text: sanitize.as_code(text)[6:-7]])
def test_github_makes_nothing_of_it(text: str, sanitized: Callable[[str], str]) -> None:
    """GitHub links, mentions and draws what it finds in one piece of text; a lone dollar sign is nothing."""
    pieces = texts(f"x {sanitized(text)} x")
    assert pieces is not None
    assert "".join(pieces) == f"x {text} x"
    assert [piece for piece in pieces if piece != "$" and GITHUB_SIGNS.search(piece)] == []


@given(anything)
def test_github_makes_nothing_of_any_text(text: str) -> None:
    """The same for any text."""
    pieces = texts(f"x {sanitize.for_markdown(text)} x")
    assert [piece for piece in pieces or () if piece != "$" and GITHUB_SIGNS.search(piece)] == []


@pytest.mark.parametrize("text", ["demo", "1.2.3", "h0-1", "naïve 包"])
def test_markdown_of_plain_words_is_readable(text: str) -> None:
    """Versions and names stay as they are in the source."""
    assert sanitize.for_markdown(text) == text


@poison
def test_code_is_one_element_in_a_table(text: str) -> None:
    """The text stands in one code element, and the table keeps its two columns."""
    source = f"| a | b |\n| --- | --- |\n| {sanitize.as_code(text)} | end |\n"
    rendered = MarkdownIt("commonmark").enable("table").render(source)
    assert rendered.count("<td>") == 2
    assert rendered.count("<code>") == rendered.count("</code>") == 1
    assert "<td>end</td>" in rendered
