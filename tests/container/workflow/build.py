"""What a build job does: one package for the subdir, and one that is not to be published."""

import sys
from pathlib import Path

from rattler_build import FileEntry, assemble_package

# The hash that rattler-build puts into build strings differs from platform to platform.
BUILDS = {"linux-64": "hb0f4dca_0", "osx-arm64": "h60d57d3_0"}

subdir = sys.argv[1]
output = Path("output", subdir)
output.mkdir(parents=True, exist_ok=True)
source = output / "hello.txt"
source.write_text(f"hello from {subdir}\n")
for name in ("hello", "left-out"):
    files = [FileEntry.from_paths(source, "share/hello.txt")]
    print(assemble_package(name, "1.0", subdir, BUILDS[subdir], output, files=files).path)
source.unlink()
