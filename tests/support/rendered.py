"""What a reader makes of the summary."""

from __future__ import annotations

from markdown_it import MarkdownIt

OUR_ELEMENTS = {
    *("h2", "h3", "p", "a", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "ul", "li", "strong"),
    *("<code>", "</code>", "<br>", "<details><summary>Checksums (sha256sum -c)</summary>", "</details>"),
}
"""The elements that the summary is made of."""

SPLITTERS = {"<wbr>", "<span>", "</span>"}
"""The tags that show nothing, and only keep GitHub's filters from finding a link in text."""


def elements(text: str) -> list[str]:
    """The names of the elements in the rendered Markdown; raw HTML counts with its tags, but for `SPLITTERS`."""
    markdown = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table")
    found = []
    for token in markdown.parse(text):
        for part in (token, *(token.children or ())):
            if part.type in {"html_inline", "html_block"}:
                found += [part.content.strip()] if part.content not in SPLITTERS else []
            elif part.tag and part.nesting >= 0:
                found.append(part.tag)
    return found
