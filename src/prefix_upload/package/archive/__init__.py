"""What is inside a conda package: read without unpacking, within limits, whatever the file holds."""

from prefix_upload.package.archive.reader import MAX_COMPARED_MEMBERS, Contents, PayloadFile, read
from prefix_upload.package.archive.streams import truncated_repr

__all__ = ["MAX_COMPARED_MEMBERS", "Contents", "PayloadFile", "read", "truncated_repr"]
