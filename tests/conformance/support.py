"""Names, hashes and a bare HTTP client for the conformance tests."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

from localchannel import LocalChannel

KEY = "pfx_conformance"
READ_KEY = "pfx_read_only"
DELETE_KEY = "pfx_deletes"
CHANNEL = "ns/chan"
PRIVATE = "secret"

Build = Callable[..., Path]
"""Builds a package: `build("demo", subdir="noarch", archive=ArchiveType.Conda, content="…")`."""


def sha256(path: Path) -> str:
    """Hash of a file in lower-case hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def session() -> requests.Session:
    """A session without proxies, certificates and credentials from the environment."""
    new = requests.Session()
    new.trust_env = False
    return new


@dataclass
class Client:
    """A client without retries or opinions."""

    server: LocalChannel
    session: requests.Session = field(default_factory=session)

    def upload(
        self,
        package: Path,
        *,
        channel: str = CHANNEL,
        key: str | None = KEY,
        query: str = "",
        headers: Mapping[str, str | None] | None = None,
        timeout: float = 60,
    ) -> requests.Response:
        """Upload in the raw form; `headers` replace the right ones, `None` leaves one out."""
        right = {
            "Authorization": f"Bearer {key}" if key else None,
            "Content-Type": "application/octet-stream",
            "X-File-Name": package.name,
            "X-File-SHA256": sha256(package),
        }
        return self.session.post(
            f"{self.server.url}/api/v1/upload/{channel}{query}",
            data=package.read_bytes(),
            headers={name: value for name, value in {**right, **(headers or {})}.items() if value},
            timeout=timeout,
        )

    def query(self, query: str, variables: Mapping[str, object], key: str | None = None) -> requests.Response:
        """Ask GraphQL."""
        return self.session.post(
            f"{self.server.url}/api/graphql",
            json={"query": query, "variables": dict(variables)},
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=60,
        )

    def get(self, path: str, key: str | None = None, *, follow: bool = True) -> requests.Response:
        """Read below the server's root."""
        return self.session.get(
            f"{self.server.url}/{path}",
            headers={"Authorization": f"Bearer {key}"} if key else {},
            allow_redirects=follow,
            timeout=60,
        )
