"""The workflows in the README, run by act as they are: each job builds, and artifacts go from job to job."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from container.act import Act, released
from localchannel import Access, Channel, LocalChannel, Publisher
from support.readme import BLOCKS, OURS, actions, workflow
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


@pytest.fixture
def shared(sigstore: PrivateSigstore, tmp_path: Path) -> Path:
    """The folder that all jobs see: artifacts, and how to trust the private Sigstore instance."""
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "trust.json").write_text(sigstore.trust_config)
    return folder


@pytest.fixture
def act(image: str, job_image: str, sigstore: PrivateSigstore, shared: Path, tmp_path: Path) -> Act:
    """Runs workflows with our action as it is released, and with stand-ins for those that only GitHub has."""
    options = ["--container-options", f"--volume {shared}:/shared"]
    ours = released(tmp_path / "released", image)
    for action in actions():
        folder = ours if action == OURS else _HERE / "actions" / re.sub(r".*/|@.*", "", action)
        options += ["--local-repository", f"{action}={folder}"]
    return Act(job_image, tmp_path / "home", sigstore.provider.environment, {"PREFIX_API_KEY": TOKEN}, options)


@pytest.fixture
def repository(workspace: Path) -> Path:
    """A repository with a recipe."""
    shutil.copytree(_HERE / "recipe", workspace / "conda.recipe")
    (workspace / ".github" / "workflows").mkdir(parents=True)
    return workspace


def local(complete: Mapping[str, Any], server: LocalChannel) -> dict[str, Any]:
    """The workflow, but with the local server and, to sign, with the private Sigstore instance."""
    for job in complete["jobs"].values():
        job["steps"] = [changed for step in job["steps"] for changed in _localized(step, server.url)]
    return dict(complete)


def _localized(step: Mapping[str, Any], server_url: str) -> list[Mapping[str, Any]]:
    if step["uses"] != OURS:
        return [step]
    inputs = {**step["with"], "server-url": server_url}
    if not inputs.get("attestations"):
        return [{**step, "with": inputs}]
    trust = {"run": "cp /shared/trust.json ."}
    return [trust, {**step, "with": inputs | {"sigstore-instance": "trust.json"}}]


def expected(complete: Mapping[str, Any]) -> set[str]:
    """What the jobs of a workflow build: a package for each subdir of their matrix, and the noarch one."""
    subdirs: list[str] = []
    for job in complete["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        subdirs += matrix.get("subdir", []) + [row["subdir"] for row in matrix.get("include", [])]
    return {_NATIVE[subdir] for subdir in subdirs or ["linux-64"]} | {_NOARCH}


def statuses(log: str) -> list[str]:
    """The status of each package in the log, as often as a job has it."""
    return re.findall(r"\| +[+=?!-] ([a-z-]+) +\S+\.conda", log)


@pytest.mark.parametrize("block", _PUBLISHING, ids=range(len(_PUBLISHING)))
def test_a_workflow_that_publishes_and_its_second_run(
    block: str, act: Act, server: LocalChannel, shared: Path, repository: Path
) -> None:
    """Both runs build and succeed; the second one finds the same contents, and nothing is published twice."""
    complete = workflow(block)
    YAML().dump(local(complete, server), repository / ".github" / "workflows" / "release.yml")

    first = act.run(repository)
    published = server.files(_CHANNEL)
    assert set(published) == expected(complete)
    assert statuses(first).count("uploaded") == len(published)

    shutil.rmtree(shared / "artifacts", ignore_errors=True)
    second = act.run(repository)
    assert set(statuses(second)) == {"same-content"}
    assert server.files(_CHANNEL) == published
    assert len([upload for upload in server.uploads if upload.status == HTTPStatus.OK]) == len(published)

    # Each job builds the package for its subdir, and the noarch one.
    assert [log.count("built ") for log in (first, second)] == [len(published) - 1] * 2
    assert [log.count("attested ") for log in (first, second)] == ["actions/attest" in block, False]


@pytest.mark.parametrize("block", _VALIDATING, ids=range(len(_VALIDATING)))
def test_a_workflow_that_validates_and_its_second_run(
    block: str, act: Act, server: LocalChannel, repository: Path
) -> None:
    """Both runs build and succeed without an identity, and neither uploads anything."""
    complete = local(workflow(block), server)
    YAML().dump(complete, repository / ".github" / "workflows" / "validate.yml")
    for _ in range(2):
        log = replace(act, variables={}, secrets={}).run(repository, "pull_request")
        assert statuses(log) == ["would-upload"] * 2
    assert server.uploads == []
