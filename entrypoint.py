"""Starts the action: in the container, and for trying it out on a checkout."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from prefix_upload.cancellation import Cancellation

if __name__ == "__main__":
    cancellation = Cancellation()
    cancellation.watch()

    from prefix_upload.action import main  # after `watch`: loading it takes long enough for a signal to be lost

    exit_code = main(cancellation)
    sys.stdout.flush()
    os._exit(exit_code)  # at once: the interpreter's own end would wait for what a cancelled run has given up
