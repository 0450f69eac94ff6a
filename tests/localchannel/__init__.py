"""A prefix.dev-like server on the loopback interface, with scripted failures.

It serves the tests, the demo and the benchmark, and a person who wants to try an upload by hand
(`python -m localchannel`).  Packages are checked and indexed by the conda world's own libraries, so nothing
here can agree with a mistake of the action by sharing its code.
"""

from localchannel.faults import Answer, At, Call, Cut, Delay, Drip, Fault, Interim, Stall, Truncate
from localchannel.journal import Request
from localchannel.publishers import Publisher
from localchannel.server import LocalChannel
from localchannel.store import Access, Channel

__all__ = [
    "Access",
    "Answer",
    "At",
    "Call",
    "Channel",
    "Cut",
    "Delay",
    "Drip",
    "Fault",
    "Interim",
    "LocalChannel",
    "Publisher",
    "Request",
    "Stall",
    "Truncate",
]
