"""Reads conda packages without extracting them, within limits, whatever the file contains."""

from prefix_upload.package.archive.collector import MemberCollector
from prefix_upload.package.archive.contents import Contents, PayloadFile
from prefix_upload.package.archive.reader import read
from prefix_upload.package.archive.tar_headers import Kind, Member

__all__ = ["Contents", "Kind", "Member", "MemberCollector", "PayloadFile", "read"]
