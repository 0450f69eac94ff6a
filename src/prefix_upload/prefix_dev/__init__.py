"""The API of a prefix.dev server: queries about a channel, and uploads."""

from prefix_upload.prefix_dev.channel import Channel
from prefix_upload.prefix_dev.queries import Lookup
from prefix_upload.prefix_dev.records import BATCH_SIZE, Record
from prefix_upload.prefix_dev.upload_errors import conflict_error

__all__ = ["BATCH_SIZE", "Channel", "Lookup", "Record", "conflict_error"]
