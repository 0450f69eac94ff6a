"""What goes wrong, what the user reads, and what a second run does: the rows of `docs/reliability.md`.

Each row is run by `test_reliability.py`; `make docs` writes the page.
"""
