"""A whole workflow, run by act: build on two platforms, publish in one job without a secret, read the outputs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from identities.provider import IDENTITY, ISSUER
from identities.verifying import Expected, verify_with_conda_client, verify_with_sigstore
from localchannel import Access, Channel, LocalChannel, Publisher
from support.building import written
from support.installing import install
from support.running import CHANNEL, REPOSITORY, TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from identities import PrivateSigstore

pytestmark = pytest.mark.container

_WORKFLOW = Path(__file__).with_name("workflow")
_ACT = Path(sys.executable).with_name("act")
# What `build.py` builds to be published, by subdir.
_FILES = {"linux-64": "hello-1.0-hb0f4dca_0.conda", "osx-arm64": "hello-1.0-h60d57d3_0.conda"}


@pytest.fixture(scope="session")
def job_image(engine: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the jobs, with the builder at the version that is locked for the tests."""
    folder = tmp_path_factory.mktemp("job-image")
    locked = (REPOSITORY / "requirements" / "dev.txt").read_text()
    builder = re.search(r"^py-rattler-build==[^\n]*\\\n(?: +--hash=[^\n]*\n)+", locked, re.MULTILINE)
    assert builder is not None
    (folder / "builder.txt").write_text(builder[0])
    base = os.environ.get("BASE_IMAGE")
    arguments = ["--build-arg", f"BASE_IMAGE={base}"] if base else []
    file = _WORKFLOW / "job.Dockerfile"
    tag = "prefix-upload-job:test"
    command = [engine, "build", "--network", "host", *arguments, "--file", str(file), "--tag", tag, str(folder)]
    build = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - docker
    assert build.returncode == 0, build.stdout + build.stderr
    return tag


@pytest.fixture
def checkout(workspace: Path, image: str) -> Path:
    """A repository as a release has it: `runs.image` names an image instead of the Dockerfile."""
    action = (REPOSITORY / "action.yml").read_text()
    released, count = re.subn(r"(?m)^  image: Dockerfile$", f"  image: docker://{image}", action)
    assert count == 1
    (workspace / "action.yml").write_text(released)
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
    command = [str(_ACT), "push", "--platform", f"ubuntu-latest={job_image}", "--pull=false", "--network", "host"]
    command += ["--bind", "--secret", "PREFIX_API_KEY", "--var", f"SERVER_URL={server.url}"]
    for name, value in sigstore.provider.environment.items():
        command += ["--env", f"{name}={value}"]
    variables = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name == "PATH"}
    variables |= {"PREFIX_API_KEY": TOKEN, "HOME": str(tmp_path / "home")}
    run = subprocess.run(  # noqa: S603 - act
        command, cwd=checkout, env=variables, capture_output=True, text=True, check=False, timeout=240
    )
    log = run.stdout + run.stderr
    assert run.returncode == 0, log
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
