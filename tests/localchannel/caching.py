"""Conditional requests (RFC 9110, section 13): what the client has already is not sent again."""

import hashlib

from localchannel.exchange import Exchange, Reply


def conditional(exchange: Exchange, content: bytes, media_type: str = "application/octet-stream") -> Reply:
    """The content with its `ETag`, or 304 if the client has it."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"Content-Type": media_type, "ETag": tag}
    known = exchange.request.headers.get("If-None-Match", "")
    if tag in (one.strip().removeprefix("W/") for one in known.split(",")):
        return Reply(304, headers=headers)
    return Reply(200, content, headers)
