"""Parses and checks the inputs, and reports all of their problems together."""

from prefix_upload.settings.inputs import DEFAULTS, INPUTS, Input
from prefix_upload.settings.parsers import IfNoFilesFound, Workspace
from prefix_upload.settings.paths import PRODUCTION, STAGING
from prefix_upload.settings.settings import Settings, parse, wants_summary

__all__ = [
    "DEFAULTS",
    "INPUTS",
    "PRODUCTION",
    "STAGING",
    "IfNoFilesFound",
    "Input",
    "Settings",
    "Workspace",
    "parse",
    "wants_summary",
]
