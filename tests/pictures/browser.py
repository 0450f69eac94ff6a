"""Shows Markdown in a browser without a window, and takes its picture."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Literal

from markdown_it import MarkdownIt

from pictures.png import with_palette

Theme = Literal["light", "dark"]

_WIDTH = 948
_STYLE = Path(__file__).with_name("style.css")
# Rows of tables whose height is more than that of one line with its padding.
_MEASURE = """
const rows = [...document.querySelectorAll("tbody tr")];
document.body.dataset.measured = JSON.stringify({
  height: Math.ceil(document.documentElement.getBoundingClientRect().height),
  wrapped: rows.filter(row => row.getBoundingClientRect().height > 42).map(row => row.innerText),
  scrolled: [...document.querySelectorAll("table")].filter(table => table.scrollWidth > table.clientWidth).length,
});
"""


class NoBrowserError(Exception):
    """There is no Chromium."""


@dataclass(frozen=True)
class Layout:
    """How a browser lays a page out.

    Attributes:
        height: the height of the page in pixels.
        wrapped: the texts of the table rows that need more than one line.
        scrolled: the number of tables that are wider than the page.
    """

    height: int
    wrapped: list[str]
    scrolled: int


class Browser:
    """Chromium, as `apt-get install chromium` installs it on Debian and Ubuntu.

    Raises:
        NoBrowserError: it is not installed.
    """

    def __init__(self) -> None:
        found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
        self._program = next((program for program in found if program), "")
        if not self._program:
            raise NoBrowserError("Chromium is missing. On Debian or Ubuntu: apt-get install chromium fonts-liberation")

    def measure(self, markdown: str, *, is_unfolded: bool = False) -> Layout:
        """Lays the page out; with `is_unfolded` as if a reader had opened everything that is folded."""
        with tempfile.TemporaryDirectory() as scratch:
            page = _write_page(Path(scratch), markdown, "light", is_unfolded=is_unfolded)
            dom = self._run(Path(scratch), "--dump-dom", page.as_uri())
        match = re.search(r'data-measured="([^"]*)"', dom)
        assert match is not None, "the page was not measured"
        return Layout(**json.loads(unescape(match[1])))

    def take(self, markdown: str, theme: Theme, picture: Path, max_height: int = 4000) -> None:
        """Writes a picture (PNG) of the page."""
        height = min(self.measure(markdown).height, max_height)
        with tempfile.TemporaryDirectory() as scratch:
            page = _write_page(Path(scratch), markdown, theme)
            self._run(Path(scratch), f"--window-size={_WIDTH},{height}", f"--screenshot={picture}", page.as_uri())
        picture.write_bytes(with_palette(picture.read_bytes()))

    def _run(self, profile: Path, *arguments: str) -> str:
        command = [self._program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += ["--force-device-scale-factor=1", "--no-first-run", f"--user-data-dir={profile}", *arguments]
        finished = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)  # noqa: S603 - found above
        return finished.stdout


def _write_page(folder: Path, markdown: str, theme: Theme, *, is_unfolded: bool = False) -> Path:
    content = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    if is_unfolded:
        content = content.replace("<details>", "<details open>")
    page = folder / "page.html"
    page.write_text(
        f'<!doctype html><html data-theme="{theme}"><meta charset="utf-8"><style>{_STYLE.read_text()}</style>'
        f"<body>{content}<script>{_MEASURE}</script></body></html>"
    )
    return page
