"""Starts the action, in its container or from a checkout."""

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from prefix_upload.cancellation import Cancellation

if __name__ == "__main__":
    cancellation = Cancellation()
    cancellation.watch()

    # A stream that is closed is none for Python.
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 - until the end

    # Imports create little but what stays: searching that for garbage takes a tenth of the start-up time.
    gc.set_threshold(50_000)
    from prefix_upload.action import main  # after `watch`: signals have to be handled during this slow import

    exit_code = main(cancellation, *sys.argv[1:2])  # the command; without one, packages are uploaded
    with suppress(OSError):
        sys.stdout.flush()
    # Not `sys.exit`: the interpreter's shutdown is not safe while calls that a cancelled run has abandoned still run.
    os._exit(exit_code)
