"""Writes the page: `make reliability`."""

from reliability.page import PAGE, render

if __name__ == "__main__":
    PAGE.write_text(render())
