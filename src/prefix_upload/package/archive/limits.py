"""Limits on the parts of a package, in bytes unless noted.

A package beyond a limit is invalid, except for the limits on what is compared with `info/paths.json`.
"""

from __future__ import annotations

GIB = 2**30
MIB = 2**20
# The expanded size of `info/`, and its number of members.
MAX_INFO_SIZE = 256 * MIB
MAX_INFO_MEMBERS = 100_000
# The expanded size of the payload, and its ratio to the compressed size. Beyond both, it is a decompression bomb.
MAX_PAYLOAD_SIZE = GIB
MAX_PAYLOAD_RATIO = 1_000
# The number of ZIP members in addition to the three of a `.conda` package.
MAX_OTHER_ENTRIES = 100
MAX_INDEX_SIZE = 4 * MIB
# A larger `paths.json`, or a payload with more members or more characters in their names, is not compared: real
# packages are far smaller.
MAX_PATHS_SIZE = 16 * MIB
# A list of files that is larger is a finding, because it is not known where the files would be installed.
MAX_CHECKED_PATHS_SIZE = 64 * MIB
MAX_FILES_SIZE = 16 * MIB
MAX_COMPARED_MEMBERS = 200_000
MAX_COMPARED_NAMES = 32 * MIB
# The number of opening brackets in a `paths.json` that is compared. Each of them becomes an object in memory.
MAX_PATHS_OBJECTS = MAX_COMPARED_MEMBERS + 10
MAX_METADATA_SIZE = MIB
# The number of match specs that are parsed. Packages that only depend on others have a few hundred.
MAX_CHECKED_SPECS = 5_000
# The number of payload members. It bounds the time to read a payload that consists of headers only.
MAX_PAYLOAD_MEMBERS = 1_000_000
# The number of paths at which members are extracted, with the folders above them, and the number of characters in the
# names of these folders. They bound memory and time; real packages have a tenth of it.
MAX_PATHS = 1_500_000
MAX_FOLDER_NAMES = 256 * MIB

# The number of findings of a package; further ones are dropped.
MAX_FINDINGS = 25


def is_too_large_to_compare(paths: bytes) -> bool:
    """Whether a `paths.json` is too large to be compared with the payload."""
    return len(paths) > MAX_PATHS_SIZE or paths.count(b"{") + paths.count(b"[") > MAX_PATHS_OBJECTS
