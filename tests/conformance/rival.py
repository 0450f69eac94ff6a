"""Runs the conda world's own uploader: `python rival.py '<JSON arguments of upload_package_to_prefix>'`.

It is a program of its own because the uploader holds the interpreter's lock for as long as it works: a server
in the same process would never get to answer it.
"""

import json
import sys

from rattler_build import RattlerBuildError, upload_package_to_prefix


def main() -> int:
    """Upload; 1 and the error's text where that fails."""
    try:
        upload_package_to_prefix(**json.loads(sys.argv[1]))
    except RattlerBuildError as error:
        sys.stderr.write(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
