"""Looks for a package that readers see differently: `python -m differential SECONDS FOLDER [SEED]`.

Tries the hostile files, the recorded packages and those in `PREFIX_UPLOAD_PACKAGES` first, then mutations until the
time is up. A disagreement ends it with an error; the package is then in the folder.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from differential.agreement import Verdict, compare
from differential.clients import Clients
from differential.mutations import package
from hostile import ambiguous, broken, odd
from support.building import STEM

if TYPE_CHECKING:
    from collections.abc import Iterator

_RECORDED = Path(__file__).parents[1] / "writers" / "recorded"
_EXTENSIONS = (".conda", ".tar.bz2")


def main(seconds: float, folder: Path, seed: int) -> int:
    """Returns the exit code."""
    end = time.monotonic() + seconds
    verdicts: Counter[Verdict] = Counter()
    with Clients() as clients:
        for data, file_name in _packages(seed):
            stem, extension = _split(file_name)
            verdict, difference = compare(clients, data, extension, stem)
            verdicts[verdict] += 1
            if difference:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / file_name).write_bytes(data)
                sys.stdout.write(f"{folder / file_name}: {difference}\n")
                return 1
            if time.monotonic() > end:
                break
    counts = ", ".join(f"{verdicts[verdict]} {verdict.value}" for verdict in Verdict)
    sys.stdout.write(f"No disagreement about {verdicts.total()} packages: {counts}\n")
    return 0


def _packages(seed: int) -> Iterator[tuple[bytes, str]]:
    """Packages without end, with their file names."""
    with tempfile.TemporaryDirectory() as scratch:
        for number, case in enumerate(case for group in (ambiguous, odd, broken) for case in group.cases()):
            path = case.make(Path(scratch, str(number)))
            if path.name.endswith(_EXTENSIONS):
                yield path.read_bytes(), path.name
    for folder in (_RECORDED, os.environ.get("PREFIX_UPLOAD_PACKAGES")):
        for path in sorted(Path(folder).glob("**/*")) if folder else ():
            if path.name.endswith(_EXTENSIONS):
                yield path.read_bytes(), path.name
    while True:
        data, extension = package(Random(seed))
        yield data, STEM + extension
        seed += 1


def _split(file_name: str) -> tuple[str, str]:
    extension = next(extension for extension in _EXTENSIONS if file_name.endswith(extension))
    return file_name.removesuffix(extension), extension


if __name__ == "__main__":
    arguments = sys.argv[1:]
    chosen = int(arguments[2]) if len(arguments) > 2 else time.time_ns() >> 20
    sys.stdout.write(f"Seed {chosen}\n")
    sys.exit(main(float(arguments[0]), Path(arguments[1]), chosen))
