"""The order of a run, its threads, and what is said of what happened. No printing."""

from prefix_upload.publish.publication import Listener, Publication, Signs, Transfer
from prefix_upload.publish.telling import cancelled
from prefix_upload.publish.workers import Pool

__all__ = ["Listener", "Pool", "Publication", "Signs", "Transfer", "cancelled"]
