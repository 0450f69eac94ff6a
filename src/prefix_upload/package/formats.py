"""The formats of conda packages, and how much of a package is read."""

from __future__ import annotations

from enum import StrEnum

# The file name extensions of the two package formats (CEP 35).
PACKAGE_EXTENSIONS = (".conda", ".tar.bz2")


class ValidationLevel(StrEnum):
    """How much of a package is decoded: all of it (`FULL`), or nothing after `info/` (`METADATA`)."""

    FULL = "full"
    METADATA = "metadata"
