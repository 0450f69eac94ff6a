"""The workflows in the README, run by act: their jobs build, and artifacts go from job to job.

Only what GitHub or prefix.dev has to provide is replaced, by the scripts in `actions/` and a local server.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from ruamel.yaml import YAML

from container.act import Act, released
from identities.provider import IDENTITY, ISSUER
from identities.verifying import Expected, verify_with_conda_client, verify_with_sigstore
from localchannel import Access, Channel, LocalChannel, Publisher
from support.building import written
from support.installing import install
from support.readme import BLOCKS, OURS, workflow
from support.running import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from identities import PrivateSigstore

pytestmark = pytest.mark.container

_HERE = Path(__file__).parent
_VALIDATING = [block for block in BLOCKS if "dry-run: true" in block]
_PUBLISHING = [block for block in BLOCKS if block not in _VALIDATING]
# As the README calls it.
_CHANNEL = "my-namespace/my-channel"
# What `recipe/recipe.yaml` builds. The hash in a build string is that of the platform.
_NOARCH = "noarch/hello-data-1.0-h4616a5c_0.conda"
_NATIVE = {
    "linux-64": "linux-64/hello-1.0-hb0f4dca_0.conda",
    "linux-aarch64": "linux-aarch64/hello-1.0-he8cfe8b_0.conda",
    "osx-arm64": "osx-arm64/hello-1.0-h60d57d3_0.conda",
    "win-64": "win-64/hello-1.0-h9490d1a_0.conda",
}


@pytest.fixture
def server(sigstore: PrivateSigstore, tmp_path: Path) -> Iterator[LocalChannel]:
    """A server that knows the workflow as a trusted publisher, and an API key."""
    publishers = [Publisher("octo/packages", "release.yml", "prefix-dev")]
    keys, channels = {TOKEN: Access.READ_WRITE}, {_CHANNEL: Channel()}
    verify = sigstore.provider.verified
    with LocalChannel(tmp_path / "server", channels, keys, publishers=publishers, verify=verify) as running:
        yield running


@dataclass(frozen=True)
class Repository:
    """A repository with a recipe, and what its workflows need.

    Attributes:
        folder: the checkout.
        act: runs workflows with our action as it is released.
        server_url: the server to publish to.
        shared: the folder that all jobs see, with the artifacts of the last run.
    """

    folder: Path
    act: Act
    server_url: str
    shared: Path

    def run(self, block: str, event: str = "push") -> str:
        """Runs a workflow of the README once more, from the start. Returns its log."""
        shutil.rmtree(self.shared / "artifacts", ignore_errors=True)
        complete = workflow(block)
        for job in complete["jobs"].values():
            job["steps"] = [changed for step in job["steps"] for changed in self._localized(step)]
        workflows = self.folder / ".github" / "workflows"
        workflows.mkdir(parents=True, exist_ok=True)
        YAML().dump(complete, workflows / "release.yml")
        return self.act.run(self.folder, event)

    def _localized(self, step: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The step, but with a script for another action, and with our local server and Sigstore instance."""
        action, _, _ = step["uses"].rpartition("/")[2].partition("@")
        if action == "checkout":  # act has one
            return [step]
        if step["uses"] != OURS:
            script = {
                "run": f"python3 /actions/{action.replace('-', '_')}.py",
                "env": {"INPUTS": json.dumps(step["with"])},
            }
            return [{key: value for key, value in step.items() if key not in {"uses", "with"}} | script]
        inputs = {**step["with"], "server-url": self.server_url}
        if not inputs.get("attestations"):
            return [{**step, "with": inputs}]
        trust = {"run": "cp /shared/trust.json ."}
        return [trust, {**step, "with": inputs | {"sigstore-instance": "trust.json"}}]


@pytest.fixture
def repository(
    image: str, job_image: str, server: LocalChannel, sigstore: PrivateSigstore, workspace: Path, tmp_path: Path
) -> Repository:
    """A repository without a workflow."""
    shutil.copytree(_HERE / "recipe", workspace / "conda.recipe")
    shared = tmp_path / "shared"
    written(shared / "trust.json", sigstore.trust_config.encode())
    options = ["--container-options", f"--volume {shared}:/shared --volume {_HERE / 'actions'}:/actions"]
    options += ["--local-repository", f"{OURS}={released(tmp_path / 'released', image)}"]
    act = Act(job_image, tmp_path / "home", sigstore.provider.environment, {"PREFIX_API_KEY": TOKEN}, options)
    return Repository(workspace, act, server.url, shared)


def built_by(block: str) -> set[str]:
    """What the jobs of a workflow build: a package for each subdir of their matrix, and the noarch one."""
    subdirs: list[str] = []
    for job in workflow(block)["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        subdirs += matrix.get("subdir", []) + [row["subdir"] for row in matrix.get("include", [])]
    return {_NATIVE[subdir] for subdir in subdirs or ["linux-64"]} | {_NOARCH}


def statuses(log: str) -> list[str]:
    """The status of each package in the log, as often as a job has it."""
    return re.findall(r"\| +[+=?!-] ([a-z-]+) +\S+\.conda", log)


@pytest.mark.parametrize("block", _PUBLISHING, ids=range(len(_PUBLISHING)))
def test_a_workflow_that_publishes_and_its_second_run(
    block: str, repository: Repository, server: LocalChannel, sigstore: PrivateSigstore
) -> None:
    """Both runs build and succeed; the second one finds the same contents, and nothing is published twice."""
    first = repository.run(block)
    published = server.files(_CHANNEL)
    assert set(published) == built_by(block)
    assert statuses(first).count("uploaded") == len(published)

    second = repository.run(block)
    assert set(statuses(second)) == {"same-content"}
    assert server.files(_CHANNEL) == published
    assert len([upload for upload in server.uploads if upload.status == HTTPStatus.OK]) == len(published)

    logs = (first, second)
    # Each job builds the package for its subdir, and the noarch one.
    assert [log.count("built ") for log in logs] == [len(published) - 1] * 2
    assert [log.count("attested ") for log in logs] == ["actions/attest" in block, False]
    assert all(f"channel-url={server.url}/channels/@{_CHANNEL}" in log for log in logs)
    secrets = [TOKEN, sigstore.provider.request_token, *sigstore.provider.tokens, *server.minted]
    assert [secret for secret in secrets if secret in first + second] == []
    if "attestations: true" in block:
        _verify(repository, server, sigstore)


def _verify(repository: Repository, server: LocalChannel, sigstore: PrivateSigstore) -> None:
    """Real clients install a package from the channel, and verify who published it."""
    folder = repository.shared.parent / "client"
    prefix = install(f"{server.url}/{_CHANNEL}", "hello", folder)
    assert (prefix / "share" / "hello.txt").read_text() == "hello\n"
    root = written(folder / "root.json", sigstore.trusted_root.encode())
    for place in built_by(BLOCKS[0]):
        subdir, file = place.split("/")
        package = written(folder / place, requests.get(f"{server.url}/{_CHANNEL}/{place}", timeout=60).content)
        (bundle,) = json.loads(server.attestation(_CHANNEL, subdir, file) or "[]")
        expected = Expected(package, f"{server.url}/{_CHANNEL}", IDENTITY, ISSUER, root, subdir)
        verify_with_sigstore(json.dumps(bundle), expected)
        verify_with_conda_client(json.dumps(bundle), expected)


@pytest.mark.parametrize("block", _VALIDATING, ids=range(len(_VALIDATING)))
def test_a_workflow_that_validates_and_its_second_run(block: str, repository: Repository, server: LocalChannel) -> None:
    """Both runs build and succeed without an identity or a secret, and neither uploads anything."""
    powerless = replace(repository, act=replace(repository.act, variables={}, secrets={}))
    for _ in range(2):
        assert statuses(powerless.run(block, "pull_request")) == ["would-upload"] * 2
    assert server.uploads == []
