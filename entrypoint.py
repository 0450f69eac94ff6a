"""Starts the action: in the container, and for trying it out on a checkout."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from prefix_upload.main import main

if __name__ == "__main__":
    sys.exit(main())
