"""Extracts packages with one client, as a process of its own: `python worker.py READER FOLDER`.

Reads paths from standard input, one a line and relative to the folder, extracts each package to `out` in the folder,
and prints a line of JSON: the error, or null. A superuser is locked into the folder first, since some readers follow a
hard link anywhere.
"""

from __future__ import annotations

import asyncio
import json
import locale
import os
import resource
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conda_package_streaming.extract import extract as extract_with_conda
from rattler.networking import Client
from rattler.package_streaming import download_and_extract
from rattler.package_streaming import extract as extract_with_rattler

from differential.libarchive import Libarchive

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_FILE, _MAX_MEMORY = 256 * 2**20, 4 * 2**30


def main(reader: str, folder: Path) -> None:
    """Extracts one package after another, until there is no further line."""
    locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    extract = READERS[reader]()
    _extract(extract, folder / "warm-up.conda", folder / "warm-up")  # loads what is not there after `chroot`
    if os.geteuid() == 0:
        os.chroot(folder)
        os.chdir("/")
        folder = Path("/")
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_FILE, _MAX_FILE))
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
    print(json.dumps(None), flush=True)  # noqa: T201 - the protocol
    for line in sys.stdin:
        print(json.dumps(_extract(extract, folder / line.strip(), folder / "out")), flush=True)  # noqa: T201 - see above


def _extract(extract: Callable[[Path, Path], object], package: Path, folder: Path) -> str | None:
    folder.mkdir(exist_ok=True)
    try:
        extract(package, folder)
    except Exception:  # noqa: BLE001 - whatever a reader raises
        return traceback.format_exc().strip()
    return None


def _conda() -> Callable[[Path, Path], object]:
    return lambda package, folder: extract_with_conda(str(package), str(folder))


def _mamba() -> Callable[[Path, Path], object]:
    return Libarchive().extract


def _rattler() -> Callable[[Path, Path], object]:
    return extract_with_rattler


def _rattler_while_downloading() -> Callable[[Path, Path], object]:
    client, loop = Client(), asyncio.new_event_loop()

    def extract(package: Path, folder: Path) -> object:
        return loop.run_until_complete(_download(client, package, folder))

    return extract


async def _download(client: Client, package: Path, folder: Path) -> object:
    return await download_and_extract(client, package.as_uri(), folder)


READERS = {
    "conda": _conda,
    "libarchive": _mamba,
    "rattler": _rattler,
    "rattler while downloading": _rattler_while_downloading,
}

if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
