"""Where the time for a package goes: each part alone, in one thread, `python parts.py FILE`. Prints JSON."""

import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from prefix_upload.concurrency import run_inline, start_thread
from prefix_upload.package import archive, validate
from prefix_upload.package.formats import ValidationLevel
from prefix_upload.package.model import Package
from prefix_upload.prefix_dev.upload_body import Body

_PIECE = 2**18


def main(path: Path) -> None:
    """Measures with the clock on the wall; the file is in memory after the first part."""
    options = validate.ValidationOptions(path.parent, ValidationLevel.FULL, None)
    package = validate.check([path], options)
    assert isinstance(package, Package)
    parts = {
        "read": lambda: _read(path, lambda _: None),
        "SHA-256": lambda: _read(path, hashlib.sha256().update),
        "decode, with CRC-32 and the payload's SHA-256": lambda: archive.read(
            path.open("rb"), path.name, everything=True
        ),
        "validation, one thread": lambda: validate.check([path], options),
        "validation": lambda: validate.check([path], options._replace(submit=start_thread)),
        "body of the upload, one thread": lambda: _consume(Body(package, lambda _: None, run_inline)),
    }
    sys.stdout.write(json.dumps({name: _timed(part) for name, part in parts.items()}))


def _read(path: Path, take: Callable[[memoryview], None]) -> None:
    buffer = memoryview(bytearray(_PIECE))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(buffer):
            take(buffer[:size])


def _consume(body: Body) -> None:
    for _ in body:
        pass


def _timed(part: Callable[[], object]) -> float:
    started = time.perf_counter()
    part()
    return time.perf_counter() - started


if __name__ == "__main__":
    main(Path(sys.argv[1]))
