"""The login that `pixi auth login` and `rattler-build auth login` keep in a file.

Source: pixi's documentation, "Authentication": `RATTLER_AUTH_FILE` replaces the default file; the keys are hosts, or
`*.` and a domain. Logins in a keyring are not read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prefix_upload.errors import ConfigurationError, Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VARIABLE = "RATTLER_AUTH_FILE"
_DEFAULT = Path(".rattler", "credentials.json")


def login_file(environ: Mapping[str, str]) -> Path:
    """The file with the logins."""
    named = environ.get(_VARIABLE)
    return Path(named) if named else Path.home() / _DEFAULT


def stored_token(server_url: str, environ: Mapping[str, str]) -> str:
    """The token that a login has stored for a server; "" if there is none.

    Raises:
        ConfigurationError: the file can't be read, or is not such a file.
    """
    path = login_file(environ)
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        if not environ.get(_VARIABLE):
            return ""
        raise _error(path, str(error.strerror)) from error
    except OSError as error:
        raise _error(path, str(error.strerror)) from error
    except (ValueError, RecursionError) as error:
        raise _error(path, "it is not JSON") from error
    logins = content if isinstance(content, dict) else {}
    for key in _keys(urlsplit(server_url).hostname or ""):
        match logins.get(key):
            case {"BearerToken": str(token)}:
                return token
    return ""


def _keys(host: str) -> Iterator[str]:
    """Yields the keys that a host's login may have, the most specific one first."""
    yield host
    labels = host.split(".")
    for start in range(len(labels) - 1):
        yield f"*.{'.'.join(labels[start:])}"


def _error(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        Diagnostic(
            "Unreadable login",
            f"The file with logins, '{path}', can't be read: {reason}.",
            "Log in again with 'pixi auth login' or 'rattler-build auth login', or set PREFIX_API_KEY.",
        )
    )
