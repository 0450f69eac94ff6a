"""A whole workflow, run by act: build on two platforms, publish in one job without a secret, read the outputs."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from container.act import Act, released
from identities.provider import IDENTITY, ISSUER
from identities.verifying import Expected, verify_with_conda_client, verify_with_sigstore
from localchannel import Access, Channel, LocalChannel, Publisher
from support.building import written
from support.installing import install
from support.running import CHANNEL, TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from identities import PrivateSigstore

pytestmark = pytest.mark.container

_WORKFLOW = Path(__file__).with_name("workflow")
# What `build.py` builds to be published, by subdir.
_FILES = {"linux-64": "hello-1.0-hb0f4dca_0.conda", "osx-arm64": "hello-1.0-h60d57d3_0.conda"}


@pytest.fixture
def checkout(workspace: Path, image: str) -> Path:
    """A repository that contains the action as a release has it."""
    released(workspace, image)
    (workspace / ".github" / "workflows").mkdir(parents=True)
    shutil.copy(_WORKFLOW / "publish.yml", workspace / ".github" / "workflows")
    shutil.copy(_WORKFLOW / "build.py", workspace)
    return workspace


@pytest.fixture
def server(sigstore: PrivateSigstore, tmp_path: Path) -> Iterator[LocalChannel]:
    """A server that knows the workflow as a trusted publisher, and an API key."""
    publishers = [Publisher("octo/packages", "release.yml", "prefix-dev")]
    keys, channels = {TOKEN: Access.READ_WRITE}, {CHANNEL: Channel()}
    verify = sigstore.provider.verified
    with LocalChannel(tmp_path / "server", channels, keys, publishers=publishers, verify=verify) as running:
        yield running


def test_build_publish_and_read_outputs(
    checkout: Path, job_image: str, server: LocalChannel, sigstore: PrivateSigstore, tmp_path: Path
) -> None:
    """The workflow ends green, its steps have the outputs, and what is on the channel can be verified and installed."""
    (checkout / "trust.json").write_text(sigstore.trust_config)
    act = Act(
        job_image,
        tmp_path / "home",
        sigstore.provider.environment,
        {"PREFIX_API_KEY": TOKEN},
        ["--bind", "--var", f"SERVER_URL={server.url}"],
    )
    log = act.run(checkout)
    assert sorted(server.files(CHANNEL)) == [f"{subdir}/{file}" for subdir, file in _FILES.items()]
    assert f"result=success uploaded=2 url={server.url}/channels/@{CHANNEL}" in log
    assert "subdirs ['linux-64', 'osx-arm64']" in log
    assert f"attested {sorted(_FILES.values())}" in log
    assert "second time present=2 uploaded=0" in log
    assert len(re.findall(r"hello-1.0-h\w+_0\.conda: OK", log)) == 2
    secrets = [TOKEN, sigstore.provider.request_token, *sigstore.provider.tokens, *server.minted]
    assert len(secrets) == 5
    assert [secret for secret in secrets if secret in log] == []
    root = written(tmp_path / "root.json", sigstore.trusted_root.encode())
    for subdir, file in _FILES.items():
        package = written(tmp_path / subdir / file, (checkout / "output" / subdir / file).read_bytes())
        expected = Expected(package, f"{server.url}/{CHANNEL}", IDENTITY, ISSUER, root, subdir)
        (bundle,) = json.loads(server.attestation(CHANNEL, subdir, file) or "[]")
        verify_with_sigstore(json.dumps(bundle), expected)
        verify_with_conda_client(json.dumps(bundle), expected)
    prefix = install(f"{server.url}/{CHANNEL}", "hello", tmp_path / "client")
    assert (prefix / "share" / "hello.txt").read_text() == "hello from linux-64\n"
