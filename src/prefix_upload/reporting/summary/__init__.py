"""The job summary: what is on the channel now, what is not, and what to do."""

from prefix_upload.reporting.summary.page import MAX_SIZE, render
from prefix_upload.reporting.summary.verdict import verdict

__all__ = ["MAX_SIZE", "render", "verdict"]
