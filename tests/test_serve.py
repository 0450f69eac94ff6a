"""The local channel server as a person uses it: `make serve`."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from localchannel import Channel, LocalChannel
from support.building import package
from support.running import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def channels(tmp_path: Path) -> Iterator[LocalChannel]:
    """A server with a namespace's own channel, another one with a package, and a private one."""
    names = {"octo": Channel(), "octo/stable": Channel(), "octo/secret": Channel(public=False)}
    with LocalChannel(tmp_path / "server", names, {}) as server:
        server.publish("octo/stable", package(tmp_path, "one"))
        yield server


def page(server: LocalChannel, path: str) -> str:
    """The text of a page."""
    with urlopen(server.url + path) as response:  # noqa: S310 - loopback
        assert response.headers.get_content_type() == "text/html"
        return str(response.read().decode())


def test_pages_list_what_is_there(channels: LocalChannel) -> None:
    """From the front page one can click through to the files."""
    front = page(channels, "/")
    assert '<a href="/channels/octo">octo</a> (0)' in front
    assert '<a href="/channels/@octo/stable">octo/stable</a> (1)' in front
    assert "octo/secret</a> (private)" in front
    sha256 = channels.sha256("octo/stable", "noarch", "one-1.0-h0_0.conda")
    for path in ("/channels/@octo/stable", "/channels/@octo/stable/packages/one"):
        assert f"<code>{sha256}</code>" in page(channels, path)
    assert "/octo/stable/noarch/one-1.0-h0_0.conda" in page(channels, "/channels/@octo/stable")
    assert "Nothing yet" in page(channels, "/channels/octo")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/channels/none", 404), ("/channels/octo/packages/none", 404), ("/channels/@octo/secret", 401)],
)
def test_pages_that_are_not_shown(channels: LocalChannel, path: str, status: int) -> None:
    """A channel or a package that does not exist, and a channel that not everybody may read."""
    with pytest.raises(OSError, match=str(status)):
        page(channels, path)


def test_the_command_of_the_banner_works_in_any_folder(tmp_path: Path) -> None:
    """Pasted into a shell, it publishes the packages of the current folder."""
    package(tmp_path / "somewhere")
    command = [sys.executable, "-m", "localchannel"]
    environment = {"PYTHONPATH": str(REPOSITORY / "tests"), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - ours
        assert server.stdout is not None
        banner = "".join(iter(server.stdout.readline, "Ctrl-C stops it.\n"))
        match = re.search(r"^env .*\\\n.*$", banner, re.MULTILINE)
        assert match is not None
        pasted = subprocess.run(  # noqa: S602 - what a person pastes
            match[0],
            shell=True,
            cwd=tmp_path / "somewhere",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        server.terminate()
    assert (pasted.returncode, pasted.stdout.splitlines()[-1]) == (0, "demo: 1 uploaded")
