"""What the workflow asked for: raw input strings in, checked `Settings` out, all problems at once."""

from prefix_upload.settings.consistency import Job
from prefix_upload.settings.parsers import PRODUCTION, STAGING, Workspace, uses_secure_transport
from prefix_upload.settings.settings import DEFAULTS, IfNoFilesFound, Settings, parse, wants_summary

__all__ = [
    "DEFAULTS",
    "PRODUCTION",
    "STAGING",
    "IfNoFilesFound",
    "Job",
    "Settings",
    "Workspace",
    "parse",
    "uses_secure_transport",
    "wants_summary",
]
