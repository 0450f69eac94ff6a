"""What tests of a channel ask for by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from prefix_upload.package.model import Package
    from prefix_upload.prefix_dev import Channel


class Connect(Protocol):
    """Makes a `Channel` of the local server."""

    def __call__(
        self,
        *,
        url: str = "",
        name: str = CHANNEL,
        token: str | None = TOKEN,
        retries: int = 2,
        timeout: float = 30,
        ca_bundle: str = "",
    ) -> Channel:
        """`url` is another server's, `token` may be `None`."""


class Build(Protocol):
    """Builds and validates a package."""

    def __call__(
        self, name: str = "demo", *, subdir: str = "noarch", extension: str = ".conda", content: str = "hello\n"
    ) -> Package:
        """Each content has a folder of its own."""
