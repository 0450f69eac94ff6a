"""The virtual environment of `native/action.yml`, without its installation."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from support.running import REPOSITORY


def folder(temp: Path, requirements: Path = REPOSITORY / "requirements" / "runtime.txt") -> Path:
    """Where a job has it that has this folder for temporary files."""
    return temp / f"prefix-upload-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]}"


def prepare(temp: Path) -> None:
    """Leaves it behind as an earlier step of the job would, with the packages that the tests run with."""
    environment = folder(temp)
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (environment / "lib").symlink_to(Path(sys.prefix) / "lib")
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", environment)
    (environment / "complete").touch()
