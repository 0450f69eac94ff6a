"""What the workflow asked for: raw input strings in, checked `Settings` out, all problems at once."""

from prefix_upload.settings.consistency import Job
from prefix_upload.settings.parsers import PRODUCTION, STAGING, Workspace, is_confidential
from prefix_upload.settings.settings import DEFAULTS, IfNoFilesFound, Settings, parse, wants_summary

__all__ = [
    "DEFAULTS",
    "PRODUCTION",
    "STAGING",
    "IfNoFilesFound",
    "Job",
    "Settings",
    "Workspace",
    "is_confidential",
    "parse",
    "wants_summary",
]
