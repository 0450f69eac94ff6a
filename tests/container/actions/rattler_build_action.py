"""Stands for prefix-dev/rattler-build-action: builds a recipe with the rattler-build of the job's image."""

import argparse
import json
import os
import shlex
from pathlib import Path

from rattler_build import PlatformConfig, RenderConfig, Stage0Recipe

inputs = json.loads(os.environ["INPUTS"])
assert inputs.get("upload-artifact") is False, "this one uploads nothing"
parser = argparse.ArgumentParser()
parser.add_argument("--target-platform", default="linux-64")
arguments = parser.parse_args(shlex.split(inputs.get("build-args", "")))
config = RenderConfig(platform=PlatformConfig(target_platform=arguments.target_platform))
recipe = Stage0Recipe.from_file(Path(inputs.get("recipe-path", "conda.recipe/recipe.yaml")))
# Without channels, so that no network is needed.
results = recipe.run_build(output_dir=Path("output"), channels=[], render_config=config)
print("built", *(path for result in results for path in result.packages))
