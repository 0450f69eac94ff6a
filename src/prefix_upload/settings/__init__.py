"""Parses and checks the inputs, and reports all of their problems together."""

from prefix_upload.settings.input import Input
from prefix_upload.settings.inputs import INPUTS, inputs_of
from prefix_upload.settings.parsers import IfNoFilesFound, Workspace
from prefix_upload.settings.paths import PRODUCTION, STAGING

__all__ = [
    "INPUTS",
    "PRODUCTION",
    "STAGING",
    "IfNoFilesFound",
    "Input",
    "Workspace",
    "inputs_of",
]
