"""How large the parts of a package may be: beyond that, decoding ends with a finding (contract, section 5)."""

from __future__ import annotations

GIB = 2**30
MIB = 2**20
# What a package's `info/` may expand to …
MAX_INFO_SIZE = 256 * MIB
MAX_INFO_MEMBERS = 100_000
# … and its payload: beyond both of these it is a bomb.
MAX_PAYLOAD_SIZE = GIB
MAX_PAYLOAD_RATIO = 1_000
# … and how many further members its ZIP file may have.
MAX_OTHER_ENTRIES = 100
MAX_INDEX_SIZE = 4 * MIB
# Larger lists, or packages with more members, are not compared: they are beyond any real package.
MAX_PATHS_SIZE = 16 * MIB
MAX_COMPARED_MEMBERS = 200_000
MAX_COMPARED_NAMES = 32 * MIB
MAX_METADATA_SIZE = MIB
# The time to read this many headers is what a payload of nothing but headers may take.
MAX_PAYLOAD_MEMBERS = 1_000_000

MAX_FINDINGS = 25
