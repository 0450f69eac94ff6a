"""Fixtures that most tests share."""

from __future__ import annotations

import itertools
import os
import signal
import socket
from types import MappingProxyType
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import settings

from identities import PrivateSigstore
from localchannel import Access, Channel, LocalChannel
from prefix_upload.action import main
from prefix_upload.cancellation import SIGNALS, Cancellation
from support.action import Pauses
from support.running import CHANNEL, TOKEN, RunnerFiles, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from support.action import Action
    from support.running import Finished

# What a machine may have set up for HTTP clients.
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
SURROUNDINGS = (*PROXIES, "requests_ca_bundle", "curl_ca_bundle", "ssl_cert_file", "ssl_cert_dir", "netrc")


def pytest_configure() -> None:
    """Makes sure that SIGINT can be tested, and that examples may take as long as the machine does for them.

    Shells start background jobs with SIGINT ignored, and programs inherit that.
    """
    settings.register_profile("any machine", settings(), deadline=None)
    settings.load_profile("any machine")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies, certificates and passwords of the machine take no part."""
    for name in SURROUNDINGS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """An empty checkout."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalChannel]:
    """A local channel server with one public channel and one key that may write to it, and delete from it."""
    channels = {CHANNEL: Channel()}
    with LocalChannel(tmp_path / "server", channels, {TOKEN: Access.READ_WRITE_DELETE}) as running:
        yield running


@pytest.fixture
def sigstore() -> Iterator[PrivateSigstore]:
    """Who gives a job its identity, and certifies it."""
    with PrivateSigstore() as running:
        yield running


@pytest.fixture
def closed_url() -> str:
    """An address at which no server listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def pauses() -> Pauses:
    """The pauses that `action` makes."""
    return Pauses()


@pytest.fixture
def handlers() -> Iterator[None]:
    """Puts the handlers of the signals back."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def action(
    tmp_path: Path,
    workspace: Path,
    server: LocalChannel,
    pauses: Pauses,
    handlers: None,  # noqa: ARG001 - puts back what each run sets
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Action:
    """The whole action against the local server, in this process; each call is a step of its own."""
    numbers = itertools.count()

    def run(
        variables: Mapping[str, str] = MappingProxyType({}), /, *, command: str = "upload", **inputs: str
    ) -> Finished:
        files = RunnerFiles.create(tmp_path / "runner" / str(next(numbers)))
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        plain = {"channel": CHANNEL, "token": TOKEN, "server-url": server.url, "retries": "0"}
        if command == "upload":
            plain |= {"glob": "**/*.conda\n**/*.tar.bz2", "if-no-files-found": "error"}
        # What a run leaves in the environment ends with it.
        with mock.patch.dict(os.environ), monkeypatch.context() as step:
            for name in [name for name in os.environ if name.startswith(("INPUT_", "GITHUB_", "RUNNER_", "ACTIONS_"))]:
                step.delenv(name)
            for name, value in (environment(workspace, plain | given, files) | dict(variables)).items():
                step.setenv(name, value)
            step.setattr("prefix_upload.action.time", pauses)
            capsys.readouterr()
            cancellation = Cancellation(pauses)
            cancellation.watch()
            exit_code = main(cancellation, command)
        log, errors = capsys.readouterr()
        assert errors == ""  # where nothing is made harmless
        return files.finished(exit_code, log)

    return run
