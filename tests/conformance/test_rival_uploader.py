"""The local channel against the conda world's own uploader and client."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import rattler
from rattler.networking import AuthenticationMiddleware
from rattler_build import ArchiveType

from conformance.support import CHANNEL, KEY, PRIVATE, Build, sha256
from identities import OpenIDProvider
from localchannel import Answer, At, Channel, Cut, Fault, LocalChannel, Publisher
from support.installing import install

RIVAL = Path(__file__).with_name("rival.py")
FILE = "demo-1.0-h0_0.conda"


class RivalError(Exception):
    """What the rival says when it fails."""


def upload(
    server: LocalChannel,
    *packages: Path,
    channel: str = CHANNEL,
    key: str | None = KEY,
    skip_existing: bool = False,
    force: bool = False,
    attestation_file: str | None = None,
) -> None:
    arguments = {
        "package_files": [str(package) for package in packages],
        "url": server.url,
        "channels": channel,
        "api_key": key,
        "skip_existing": skip_existing,
        "force": force,
        "attestation_file": attestation_file,
    }
    run = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, RIVAL, json.dumps(arguments)], capture_output=True, text=True, timeout=120, check=False
    )
    if run.returncode:
        raise RivalError(run.stderr)


def statuses(server: LocalChannel) -> list[int | None]:
    return [request.status for request in server.uploads]


def test_publishes_every_kind_of_package(server: LocalChannel, build: Build) -> None:
    """Packages of both formats land in the subdir of their metadata, byte for byte."""
    packages = {
        f"noarch/{FILE}": build(),
        "linux-64/native-1.0-h0_0.conda": build("native", subdir="linux-64"),
        "noarch/old-1.0-h0_0.tar.bz2": build("old", archive=ArchiveType.TarBz2),
    }
    upload(server, *packages.values())
    assert server.files(CHANNEL) == {name: sha256(path) for name, path in packages.items()}
    assert [request.file for request in server.uploads] == [path.name for path in packages.values()]


def test_existing_package_is_an_error(server: LocalChannel, build: Build) -> None:
    """A second upload of the same file name fails with 409."""
    package = build()
    server.publish(CHANNEL, package)
    with pytest.raises(RivalError, match="409"):
        upload(server, package)


def test_skip_existing_goes_on_with_the_next(server: LocalChannel, build: Build) -> None:
    """With skip-existing a 409 is passed over, also where the bytes on the channel are others."""
    first, second = build(content="old\n"), build("second")
    server.publish(CHANNEL, first)
    upload(server, build(content="new\n"), second, skip_existing=True)
    assert statuses(server) == [409, 200]
    assert server.sha256(CHANNEL, "noarch", FILE) == sha256(first)


def test_force_overwrites(server: LocalChannel, build: Build) -> None:
    """With force the new bytes replace the old ones."""
    server.publish(CHANNEL, build(content="old\n"))
    package = build(content="new\n")
    upload(server, package, force=True)
    assert server.sha256(CHANNEL, "noarch", FILE) == sha256(package)


def test_wrong_key_is_told(server: LocalChannel, build: Build) -> None:
    """An unknown key fails with 401 and the server's words."""
    with pytest.raises(RivalError, match=r"401.*missing or invalid API key"):
        upload(server, build(), key="wrong")


def test_unknown_channel_is_told(server: LocalChannel, build: Build) -> None:
    """A channel that does not exist fails with 404."""
    with pytest.raises(RivalError, match="404"):
        upload(server, build(), channel="nobody")


def test_early_answer_reaches_the_client(server: LocalChannel, build: Build) -> None:
    """An answer given before the body was read is seen as that answer, not as a broken connection."""
    server.fail(Fault(Answer(403, "read-only channel"), at=At.START))
    with pytest.raises(RivalError, match=r"403.*read-only channel"):
        upload(server, build(content="x" * 2_000_000))


def test_cut_connection_is_not_retried(server: LocalChannel, build: Build) -> None:
    """The rival gives up on a connection that ends without an answer, although the package is stored."""
    server.fail(Fault(Cut(), at=At.DONE))
    with pytest.raises(RivalError):
        upload(server, build())
    assert statuses(server) == [None]
    assert list(server.files(CHANNEL)) == [f"noarch/{FILE}"]


def test_published_package_installs(server: LocalChannel, build: Build, tmp_path: Path) -> None:
    """What was published can be solved for and installed over HTTP, through the redirects."""
    upload(server, build())
    prefix = install(f"{server.url}/{CHANNEL}", "demo", tmp_path)
    assert (prefix / "share/demo.txt").read_text() == "hello\n"
    served = [request for request in server.requests if request.origin == "storage"]
    assert {request.status for request in served} >= {200}


def test_a_workflow_publishes_without_a_key(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its identity is exchanged for a token, for which it names our host; an attestation lands beside the package."""
    bundle = tmp_path / "bundle.json"
    bundle.write_text('{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}')
    publishers = [Publisher("octo/packages", "release.yml")]
    channels = {CHANNEL: Channel()}
    with (
        OpenIDProvider() as provider,
        LocalChannel(tmp_path / "own", channels, {}, publishers=publishers, verify=provider.verified) as server,
    ):
        for name, value in ({"GITHUB_ACTIONS": "true"} | provider.environment).items():
            monkeypatch.setenv(name, value)
        package = build()
        upload(server, package, key=None, attestation_file=str(bundle))
        assert server.files(CHANNEL) == {f"noarch/{FILE}": sha256(package)}
        assert server.attestation(CHANNEL, "noarch", FILE) == f"[{bundle.read_text()}]"
        assert [request.headers["Authorization"] for request in server.uploads] == [f"Bearer {server.minted[0]}"]


def test_key_stays_with_the_server(
    server: LocalChannel, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A private channel installs with a key, which the storage's origin never gets to see."""
    login = tmp_path / "login.json"
    login.write_text(json.dumps({"127.0.0.1": {"BearerToken": KEY}}))
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(login))
    upload(server, build(), channel=PRIVATE)
    client = rattler.Client([AuthenticationMiddleware()])
    prefix = install(f"{server.url}/{PRIVATE}", "demo", tmp_path, client)
    assert (prefix / "share/demo.txt").is_file()
    queries = [request for request in server.requests if request.method == "GET" and request.origin == "api"]
    served = [request for request in server.requests if request.origin == "storage"]
    assert all("Authorization" in request.headers for request in queries)
    assert served
    assert not any("Authorization" in request.headers for request in served)
