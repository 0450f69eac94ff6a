"""What goes wrong, what the user is told, and what a second run makes of it: the rows of `docs/reliability.md`.

Each row is run by `test_reliability.py`; `make docs` writes the page.
"""
