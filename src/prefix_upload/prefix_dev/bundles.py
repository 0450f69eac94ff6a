"""The attestations that a server serves with a package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefix_upload.prefix_dev.responses import LookupFailedError, Reason, json_value

if TYPE_CHECKING:
    from collections.abc import Mapping


def has_bundle(body: bytes, bundle: Mapping[str, Any]) -> bool:
    """Whether a package's attestations, a JSON array of Sigstore bundles, contain this one.

    Raises:
        LookupFailedError: the body is not a JSON array.
    """
    served = json_value(body)
    if not isinstance(served, list):
        raise LookupFailedError("the response is not a JSON array", Reason.MALFORMED)
    return bundle in served
