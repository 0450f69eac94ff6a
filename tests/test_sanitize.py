"""Text from outside takes effect nowhere."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from prefix_upload.reporting import sanitize
from support.workflow_commands import POISON, commands

poison = pytest.mark.parametrize("text", POISON.values(), ids=POISON.keys())
# Any string that Python can hold, lone surrogates included, and rich in what means something to somebody.
anything = st.text() | st.text(alphabet=":#[]%<>&|`*_~!\\@$\n\r\t\x00\x1b\u2028\u3000\u202e\ud800 awx.-/()'\"")


def plain(markdown: str) -> str | None:
    """The text of Markdown that is one paragraph of nothing but text; `None` where it is anything else."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    if not tokens:
        return ""
    if [token.type for token in tokens] != ["paragraph_open", "inline", "paragraph_close"]:
        return None
    children = tokens[1].children or []
    return "".join(child.content for child in children) if all(child.type == "text" for child in children) else None


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
    ],
)
def test_what_cannot_be_seen_is_spelled(text: str, visible: str) -> None:
    """Letters of any language stay; control, format and lone surrogate characters are spelled out."""
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
