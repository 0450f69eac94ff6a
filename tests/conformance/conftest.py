"""What the conformance tests share: a server, packages from the real builder, and a bare HTTP client."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from rattler_build import ArchiveType, FileEntry, assemble_package

from conformance.support import CHANNEL, DELETE_KEY, KEY, PRIVATE, READ_KEY, Build, Client, session
from localchannel import Access, Channel, LocalChannel

_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback requests go straight, whatever the machine is set up for."""
    for name in _PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalChannel]:
    """A server with a public and a private channel."""
    channels = {CHANNEL: Channel(), PRIVATE: Channel(public=False)}
    keys = {KEY: Access.READ_WRITE, READ_KEY: Access.READ, DELETE_KEY: Access.READ_WRITE_DELETE}
    with LocalChannel(tmp_path / "server", channels, keys) as running:
        yield running


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Builds packages with the real builder."""

    def create_upload(
        name: str = "demo",
        *,
        subdir: str = "noarch",
        archive: ArchiveType = ArchiveType.Conda,
        content: str = "hello\n",
    ) -> Path:
        folder = tmp_path / "packages" / subdir / hashlib.sha256(content.encode()).hexdigest()[:8]
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / f"{name}.txt"
        source.write_text(content)
        output = assemble_package(
            name,
            "1.0",
            subdir,
            "h0_0",
            folder,
            files=[FileEntry.from_paths(source, f"share/{name}.txt")],
            noarch="generic" if subdir == "noarch" else None,
            archive_type=archive,
        )
        return output.path

    return create_upload


@pytest.fixture
def client(server: LocalChannel) -> Iterator[Client]:
    """A client of `server`."""
    with session() as own:
        yield Client(server, own)
