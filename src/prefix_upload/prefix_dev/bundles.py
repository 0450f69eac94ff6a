"""The attestations that a server serves with a package."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from prefix_upload.prefix_dev.responses import LookupFailedError, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping


def has_bundle(body: bytes, bundle: Mapping[str, Any]) -> bool:
    """Whether a package's attestations, a JSON array of Sigstore bundles, contain this one.

    Raises:
        LookupFailedError: the body is not a JSON array.
    """
    try:
        served = json.loads(body)
    except (ValueError, RecursionError):
        raise LookupFailedError("the response is not JSON", Reason.MALFORMED) from None
    if not isinstance(served, list):
        raise LookupFailedError("the response is not a JSON array", Reason.MALFORMED)
    return bundle in served
