"""Writes what follows the code."""

from documents import DOCUMENTS

for path, render in DOCUMENTS.items():
    path.write_text(render())
