"""Creates the virtual environment that the action runs in, unless an earlier step of the job has.

It is in the runner's folder for temporary files, which is emptied before and after each job. The path of its
interpreter is printed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from pathlib import Path

_REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements" / "runtime.txt"
_PIP = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-compile")
_LOCKED = ("--only-binary", ":all:", "--no-deps", "--require-hashes")
_FAILED = (
    "::error title=Could not install the dependencies::"
    "The packages that the action needs could not be installed into a virtual environment.%0A"
    "See the messages above. Without access to PyPI, set PIP_INDEX_URL to a mirror of it. If Python has no 'venv' or "
    "'pip', add a step with actions/setup-python before this one.\n"
)


def main() -> int:
    """Prints the path of the interpreter and returns 0, or returns 2 with an annotation in the log."""
    locked = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()
    folder = Path(os.environ["RUNNER_TEMP"], f"prefix-upload-{locked[:16]}")  # short: Windows limits the whole path
    interpreter = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    complete = folder / "complete"
    if not complete.exists():
        try:
            _create(folder, interpreter)
        except subprocess.CalledProcessError:
            sys.stderr.write(_FAILED)
            return 2
        complete.touch()
    with contextlib.suppress(BrokenPipeError):  # the step was cancelled meanwhile
        sys.stdout.write(interpreter.as_posix())
    return 0


def _create(folder: Path, interpreter: Path) -> None:
    _python("venv", "--clear", "--without-pip", str(folder))
    install = ("install", *_PIP, *_LOCKED, "--requirement", str(_REQUIREMENTS))
    _python("pip", "--python", str(interpreter), *install)


def _python(*arguments: str) -> None:
    """Runs a module. pip starts another interpreter, which the variables of earlier steps must not change, either."""
    variables = {name: value for name, value in os.environ.items() if not name.upper().startswith("PYTHON")}
    # The module's output is for the log, not for the shell that reads the path.
    subprocess.run([sys.executable, "-I", "-X", "utf8", "-m", *arguments], check=True, env=variables, stdout=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
