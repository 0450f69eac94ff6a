"""What to do about the findings of a file."""

from __future__ import annotations

from prefix_upload.errors import setting
from prefix_upload.package.formats import PACKAGE_EXTENSIONS
from prefix_upload.package.fs import LOCKS_FILES

# What people compress a package with once more.
_COMPRESSED = (".gz", ".xz", ".zst", ".bz2", ".zip")
_EXCLUDE = f"exclude it with a '!' line in {setting('glob')}"

REBUILD = f"Rebuild the package, or {_EXCLUDE}."
NOT_A_PACKAGE = f"This file is not meant for a channel: use a narrower pattern, or {_EXCLUDE}."
REBUILD_UNLESS_OTHER = f"If this is a conda package, rebuild it; if it is something else, {_EXCLUDE}."
RENAME = f"Rename the file, or {_EXCLUDE}."
DELETE_COPY = f"A file with that name exists beside it: delete this one, or {_EXCLUDE}."
ONE_OF_THEM = f"Decide which one to publish, and exclude the other with a '!' line in {setting('glob')}."
TOO_LARGE = f"Make the package smaller, raise {setting('max-size')}, or {_EXCLUDE}."
NO_FILE = f"Replace the link with the package itself, or {_EXCLUDE}."
ZIP_NAMED_TARBALL = "The file is a ZIP file: was a '.conda' file renamed to '.tar.bz2'? Restore its extension."
CHANGED = "Publish after everything that writes to the file has finished: in a later step or job than the build."


def unreadable(error: OSError, *, locks_files: bool = LOCKS_FILES) -> str:
    """What to do about a file that can't be read because of this error."""
    permissions = f"heck the permissions of the file and its folders, or {_EXCLUDE}."
    if locks_files and isinstance(error, PermissionError):
        return f"Another program may have the file open: let it finish, in a step before this one. Else c{permissions}"
    return f"C{permissions}"


def not_a_package(name: str) -> str:
    """What to do about a file whose name has no extension of a package."""
    if name.lower().endswith(PACKAGE_EXTENSIONS):
        return f"Extensions are lower case: rename the file, or {_EXCLUDE}."
    stem, dot, extension = name.lower().rpartition(".")
    if stem.endswith(PACKAGE_EXTENSIONS) and dot + extension in _COMPRESSED:
        return f"The package is compressed once more: decompress it, or {_EXCLUDE}."
    return NOT_A_PACKAGE
