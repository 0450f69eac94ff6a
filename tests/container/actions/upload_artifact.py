"""Stands for actions/upload-artifact: keeps an artifact in a folder that all jobs see.

The name has to be new, and the paths in the artifact begin with the first wildcard, as the action's README says.
"""

import json
import os
import shutil
from itertools import takewhile
from pathlib import Path

inputs = json.loads(os.environ["INPUTS"])
pattern = Path(inputs["path"])
root = Path(*takewhile(lambda part: not set(part) & set("*?["), pattern.parts[:-1]))
files = [path for path in Path().glob(str(pattern)) if path.is_file()]
assert files or inputs.get("if-no-files-found") != "error", "no files found"
artifact = Path("/shared/artifacts", inputs.get("name", "artifact"))
artifact.mkdir(parents=True)
for path in files:
    copy = artifact / path.relative_to(root)
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, copy)
