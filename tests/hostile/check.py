"""Validates one file and tells the verdict, as a process of its own: `python -I check.py FILE`.

Prints JSON: all findings and warnings, the processor seconds, and the peak of the memory in MB.
"""

import json
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from prefix_upload.package import validate
from prefix_upload.package.formats import ValidationLevel
from prefix_upload.package.model import Package


def main(path: Path) -> None:
    """Takes the file's folder for the workspace."""
    result = validate.check([path], validate.ValidationOptions(path.parent, ValidationLevel.FULL, None))
    used = resource.getrusage(resource.RUSAGE_SELF)
    reported = {
        "findings": [] if isinstance(result, Package) else result.findings,
        "warnings": result.warnings if isinstance(result, Package) else [],
        "seconds": used.ru_utime + used.ru_stime,
        "memory": _peak_memory(),
    }
    sys.stdout.write(json.dumps(reported))


def _peak_memory() -> float:
    # NOTE: unlike `ru_maxrss`, which also counts what the parent had before it started this program.
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1000


if __name__ == "__main__":
    main(Path(sys.argv[1]))
