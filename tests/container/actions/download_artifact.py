"""Stands for actions/download-artifact: brings what `upload_artifact.py` kept.

That is one artifact by its name, or all that match a pattern, each in a folder of its own.
"""

import json
import os
import shutil
from pathlib import Path

inputs = json.loads(os.environ["INPUTS"])
artifacts, folder = Path("/shared/artifacts"), Path(inputs.get("path", "."))
if "name" in inputs:
    shutil.copytree(artifacts / inputs["name"], folder, dirs_exist_ok=True)
else:
    for artifact in artifacts.glob(inputs.get("pattern", "*")):
        shutil.copytree(artifact, folder / artifact.name)
