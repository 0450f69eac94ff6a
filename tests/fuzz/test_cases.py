"""What the fuzzer starts from, and what it has found, as ordinary tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.targets import TARGETS, seeds, try_input

CASES = sorted(Path(__file__).with_name("cases").iterdir())


@pytest.mark.parametrize("seed", list(seeds()), ids=lambda seed: TARGETS[seed[0]].__name__)
def test_seeds(seed: bytes) -> None:
    """Every target works on an input that is well formed, or nearly."""
    try_input(seed)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_findings(path: Path) -> None:
    """What once broke a reader, or was read in two ways, no longer is."""
    try_input(path.read_bytes())
