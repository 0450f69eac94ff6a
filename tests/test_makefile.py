from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from support.running import REPOSITORY

MAKEFILE = (REPOSITORY / "Makefile").read_text()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")
@pytest.mark.parametrize("arguments", [[], ["help"]], ids=["default", "help"])
def test_help_lists_every_target(arguments: list[str]) -> None:
    """`make` alone changes nothing: it says which targets there are, each with a description."""
    command = ["make", "--no-print-directory", *arguments]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours
    phony = re.search(r"^\.PHONY: (.*)", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert sorted(line.split()[1] for line in listed.splitlines()) == sorted(phony[1].split())
    assert all(len(line.split()) > 3 for line in listed.splitlines())
