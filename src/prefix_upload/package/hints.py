"""What to do about the findings of a file."""

from __future__ import annotations

from prefix_upload.errors import setting

_EXCLUDE = f"exclude it with a '!' line in {setting('glob')}"

REBUILD = f"Rebuild the package, or {_EXCLUDE}."
NOT_A_PACKAGE = f"This file is not meant for a channel: use a narrower pattern, or {_EXCLUDE}."
REBUILD_UNLESS_OTHER = f"If this is a conda package, rebuild it; if it is something else, {_EXCLUDE}."
RENAME = f"Rename the file, or {_EXCLUDE}."
DELETE_COPY = f"A file with that name exists beside it: delete this one, or {_EXCLUDE}."
ONE_OF_THEM = f"Decide which one to publish, and exclude the other with a '!' line in {setting('glob')}."
TOO_LARGE = f"Make the package smaller, raise {setting('max-size')}, or {_EXCLUDE}."
NO_FILE = f"Put the package itself in this place, or {_EXCLUDE}."
UNREADABLE = f"Check the permissions of the file and its folders, or {_EXCLUDE}."
CHANGED = "Publish when nothing writes to the file any more: after the build, in a step or job of its own."
