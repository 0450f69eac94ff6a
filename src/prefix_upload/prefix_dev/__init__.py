"""The API of a prefix.dev server: queries about a channel, and uploads."""

from prefix_upload.prefix_dev.account import Limits, Storage
from prefix_upload.prefix_dev.attempts import is_settled
from prefix_upload.prefix_dev.channel import Channel
from prefix_upload.prefix_dev.lookup import Lookup
from prefix_upload.prefix_dev.poll import poll
from prefix_upload.prefix_dev.records import BATCH_SIZE, Record
from prefix_upload.prefix_dev.responses import Reason

__all__ = ["BATCH_SIZE", "Channel", "Limits", "Lookup", "Reason", "Record", "Storage", "is_settled", "poll"]
