"""Takes the pictures of the job summary in `docs/images`, and keeps the Markdown that they show beside them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pictures import FOLDER
from pictures.browser import Browser, NoBrowserError
from pictures.scenes import SCENES

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(names: Sequence[str]) -> int:
    """Takes the pictures with these names, or all.

    Returns:
        1 if there is no browser, or if a row of a table needs more than one line; else 0.
    """
    try:
        browser = Browser()
    except NoBrowserError as error:
        print(error, file=sys.stderr)
        return 1
    wrapped: list[str] = []
    for name in names or SCENES:
        scene = SCENES[name]
        text = scene.summary()
        (FOLDER / f"{name}.md").write_text(text)
        browser.take(text, "light", FOLDER / f"{name}.png")
        browser.take(text, "dark", FOLDER / f"{name}-dark.png")
        wrapped += browser.measure(text, is_unfolded=True).wrapped
        print(f"{name}: {scene.title}")
    for row in wrapped:
        print(f"This row needs more than one line: {row}", file=sys.stderr)
    return 1 if wrapped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
