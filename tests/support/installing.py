"""A real conda client (rattler, which is also pixi's) that installs from a channel over HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import rattler

if TYPE_CHECKING:
    from pathlib import Path


def install(channel_url: str, spec: str, folder: Path, client: rattler.Client | None = None) -> Path:
    """Solves for the spec, installs it with nothing from an earlier cache, and returns the environment's folder."""
    prefix = folder / "prefix"
    asyncio.run(_install(channel_url, spec, folder, prefix, client or rattler.Client()))
    return prefix


async def _install(channel_url: str, spec: str, folder: Path, prefix: Path, client: rattler.Client) -> None:
    records = await rattler.solve(
        [rattler.Channel(channel_url)],
        [spec],
        platforms=["linux-64", "noarch"],
        gateway=rattler.Gateway(cache_dir=folder / "repodata", client=client),
    )
    await rattler.install(records, prefix, cache_dir=folder / "packages", show_progress=False, client=client)
