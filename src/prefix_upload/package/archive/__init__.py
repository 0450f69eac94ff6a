"""Reads conda packages without extracting them, within limits, whatever the file contains."""

from prefix_upload.package.archive.contents import Contents, PayloadFile
from prefix_upload.package.archive.reader import read
from prefix_upload.package.archive.streams import truncated_repr

__all__ = ["Contents", "PayloadFile", "read", "truncated_repr"]
