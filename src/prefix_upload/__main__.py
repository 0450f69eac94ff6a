"""Starts the command line: `python -m prefix_upload`, or `prefix-upload`."""

from __future__ import annotations

import os
import sys

from prefix_upload.cancellation import Cancellation


def main() -> None:
    """Runs the command in the arguments, and ends the process with its exit code."""
    cancellation = Cancellation()
    cancellation.watch()

    from prefix_upload.cli.main import main  # noqa: PLC0415 - after `watch`, as in `entrypoint.py`

    exit_code = main(sys.argv[1:], cancellation)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not `sys.exit`: the interpreter's shutdown is not safe while calls that a cancelled run has abandoned still run.
    os._exit(exit_code)


if __name__ == "__main__":
    main()
