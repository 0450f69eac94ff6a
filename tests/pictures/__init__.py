"""Pictures of the job summary: real runs against the local channel server, shown as GitHub shows Markdown."""

from support.running import REPOSITORY

FOLDER = REPOSITORY / "docs" / "images"
"""Where the pictures are, and the Markdown that they show."""
