"""The CA bundle that certificates of servers are verified with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prefix_upload.errors import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MISSING_FILE_HINT = "Correct the path, or remove the variable."
"""What to do about a variable that names a file which is not there."""

# The first one that is set counts: the order of `requests`, which does not read the last.
_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def ca_bundle(environ: Mapping[str, str]) -> str:
    """The path of the CA bundle that the environment names; "" for the default."""
    return next((environ[name] for name in _VARIABLES if environ.get(name)), "")


def exists(path: str) -> bool:
    """Whether there is a file or folder; false for what cannot be a path."""
    return os.path.exists(path)  # noqa: PTH110 - `Path.exists` raises an OSError for a name that is too long


def ca_bundle_errors(environ: Mapping[str, str], hint: str) -> Iterator[Diagnostic]:
    """Yields a diagnostic, with this hint, if the CA bundle that counts does not exist."""
    name = next((name for name in _VARIABLES if environ.get(name)), None)
    if name is not None and not exists(environ[name]):
        yield Diagnostic(
            f"Invalid {name}",
            f"{name} is '{environ[name]}', but there is no such file here.",
            hint,
        )
