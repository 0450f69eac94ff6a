"""Text from outside takes effect nowhere: the same poison through every door, and a look at all that comes out."""

from __future__ import annotations

import json
import os
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from identities import Refusal
from localchannel import Answer, Channel, Fault, LocalChannel, Publisher
from localchannel.shards import packed
from prefix_upload.package import validate
from prefix_upload.report import Report
from prefix_upload.reporting.outputs import outputs
from support.building import STEM, conda_bytes, index_of, tar_member, written
from support.rendered import OUR_ELEMENTS, elements
from support.running import CHANNEL
from support.workflow_commands import OURS, POISON, commands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from identities import PrivateSigstore
    from support.action import Action
    from support.running import Finished

HARMLESS = "harmless"
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_BLANK = set("\u2800\u3164\u115f\ufe0f\u3000\u00a0")


def check(finished: Finished) -> None:
    """The runner sees our commands only, a terminal plain lines, a browser the summary's own elements."""
    reported = commands(finished.log)
    assert {command.name for command in reported} <= OURS
    assert {key for command in reported for key, value in command.properties.items() if value} <= {"title"}
    for line in finished.log.split("\n"):
        if line.startswith("::add-mask::"):
            continue  # it has to be the secret itself, and the runner does not show it
        assert not {unicodedata.category(char) for char in line} & _UNSEEN, line
        assert not set(line) & _BLANK, line
    assert set(finished.outputs) == set(outputs(Report()))
    assert finished.outputs["result"] == "failure" or finished.exit_code == 0
    for value in finished.outputs.values():
        assert value.isascii()
    json.loads(finished.outputs["packages"])
    assert set(elements(finished.summary)) <= OUR_ELEMENTS
    assert not set(finished.summary) & _BLANK - {"\ufe0f"}  # our own icons have it


def kinds(finished: Finished) -> Counter[str]:
    """How many commands of each kind there are."""
    return Counter(command.name for command in commands(finished.log))


def as_name(text: str) -> str:
    """The text as far as a file can be called so."""
    name = text.replace("/", "|").replace("\0", "|").encode("utf-8", "replace")
    return os.fsdecode(name[:150])


def package(folder: Path, **parts: Any) -> None:
    """A package called after the folder, so that each is another one to the channel."""
    written(folder / f"{folder.name}-1.0-h0_0.conda", conda_bytes(f"{folder.name}-1.0-h0_0", **parts))


def as_input(text: str) -> str:
    """The text as far as an environment variable can hold it."""
    return os.fsdecode(text.replace("\0", "").encode("utf-8", "replace"))


def file_name(text: str, workspace: Path, _: LocalChannel) -> None:
    """What an earlier step called its file."""
    written(workspace / f"{as_name(text)}-1.0-h0_0.conda", conda_bytes())


def folder_name(text: str, workspace: Path, _: LocalChannel) -> None:
    """The folder of a package that can be published."""
    package(workspace)
    (workspace / as_name(text)).mkdir()
    for path in workspace.glob("*.conda"):
        path.rename(workspace / as_name(text) / path.name)


def metadata(text: str, workspace: Path, _: LocalChannel) -> None:
    """What a package says of itself."""
    text = text.encode("utf-8", "replace").decode()
    index = index_of(STEM, name=text, version=text, build=text, build_number=text, subdir=text)
    package(workspace, index=index, metadata=json.dumps({text: text}).encode())


def member_names(text: str, workspace: Path, _: LocalChannel) -> None:
    """What the files in a package are called."""
    package(workspace, payload_members=[tar_member(f"../{as_name(text)}"[:90])])


def listed_paths(text: str, workspace: Path, _: LocalChannel) -> None:
    """Where a package's own list would install a file."""
    listed = json.dumps({"paths": [{"_path": f"../{text.encode('utf-8', 'replace').decode()}"}]})
    package(workspace, info_members=[tar_member("info/paths.json", listed.encode())])


def listed_types(text: str, workspace: Path, _: LocalChannel) -> None:
    """What a package's own list takes a file for."""
    listed = json.dumps({"paths": [{"_path": "a", "path_type": text.encode("utf-8", "replace").decode()}]})
    package(workspace, info_members=[tar_member("info/paths.json", listed.encode())])


def refusal(text: str, workspace: Path, server: LocalChannel) -> None:
    """Why the server does not take a package."""
    package(workspace)
    server.fail(Fault(Answer(422, text.encode("utf-8", "surrogatepass")), path="/upload/"))


def redirect(text: str, workspace: Path, server: LocalChannel) -> None:
    """Where the server sends an upload on to."""
    package(workspace)
    location = "".join(char for char in text if char.isprintable() and ord(char) < 256)
    server.fail(Fault(Answer(302, "", {"Location": f"https://{location}"}), path="/upload/"))


def errors(text: str, workspace: Path, server: LocalChannel) -> None:
    """Why the channel does not tell what it has."""
    package(workspace)
    reported = json.dumps({"errors": [{"message": text}]})
    server.fail(Fault(Answer(200, reported), path="/api/graphql", times=None))
    server.fail(Fault(Answer(404, text.encode("utf-8", "surrogatepass")), path="repodata.json", times=None))


def index(text: str, workspace: Path, server: LocalChannel) -> None:
    """Why the index of the channel can't be read, where its shards are, and why there is no new one."""
    package(workspace)
    body = text.encode("utf-8", "surrogatepass")
    server.fail(Fault(Answer(404, body), path="repodata.json", times=None), Fault(Answer(403, body), path="/reindex/"))
    info = {"shards_base_url": text.encode("utf-8", "replace").decode()}
    server.fail(Fault(Answer(200, packed({"info": info, "shards": {"demo": bytes(32)}})), path="shards", times=None))


DOORS = (file_name, folder_name, metadata, member_names, listed_paths, listed_types, refusal, redirect, errors, index)
INPUTS = ("channel", "glob", "token", "server_url", "if_no_files_found", "force", "timeout", "validate", "max_size")


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_it_is_only_text(
    door: Callable[[str, Path, LocalChannel], None],
    poison: str,
    action: Action,
    workspace: Path,
    server: LocalChannel,
) -> None:
    """A run with poison says as much, of each kind, as one with a harmless word in its place."""
    door(HARMLESS, workspace / "harmless", server)
    inputs = {"wait_for_index": "true", "index_timeout": "3"} if door is index else {}
    harmless = action(glob="harmless/**", **inputs)
    server.heal()
    door(poison, workspace / "poisoned", server)
    poisoned = action(glob="poisoned/**", **inputs)
    check(harmless)
    check(poisoned)
    assert kinds(poisoned) == kinds(harmless)
    assert poisoned.exit_code == harmless.exit_code


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_inputs_are_only_text(name: str, poison: str, action: Action, workspace: Path) -> None:
    """What a workflow passes on may be somebody else's words, such as a branch's name."""
    written(workspace / f"{STEM}.conda", conda_bytes())
    check(action(**{name: as_input(poison)}))


def claims(text: str, sigstore: PrivateSigstore, _: LocalChannel) -> None:
    """What the job is called in its identity; no publisher is."""
    sigstore.provider.claims = dict.fromkeys(("sub", "repository", "workflow_ref", "ref", "environment"), text)


def provider(text: str, sigstore: PrivateSigstore, _: LocalChannel) -> None:
    """Why the job gets no identity."""
    sigstore.provider.refusal = Refusal(403, text)


def mint(text: str, _: PrivateSigstore, server: LocalChannel) -> None:
    """Why the server mints no token."""
    server.fail(Fault(Answer(403, text.encode("utf-8", "surrogatepass")), path="/mint_token", times=None))


def authority(text: str, sigstore: PrivateSigstore, _: LocalChannel) -> None:
    """Why there is no certificate."""
    sigstore.authority.refusal = Refusal(403, text)


def transparency_log(text: str, sigstore: PrivateSigstore, _: LocalChannel) -> None:
    """Why there is no entry."""
    sigstore.log.refusal = Refusal(400, text)


@pytest.mark.parametrize("door", [claims, provider, mint, authority, transparency_log], ids=lambda door: door.__name__)
@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_who_identifies_the_job_says_only_text(
    door: Callable[[str, PrivateSigstore, LocalChannel], None],
    poison: str,
    action: Action,
    workspace: Path,
    sigstore: PrivateSigstore,
    tmp_path: Path,
) -> None:
    """A run that fails for these words says them as text."""
    written(workspace / f"{STEM}.conda", conda_bytes())
    publishers = [Publisher("octo/packages", "release.yml")]
    channels = {CHANNEL: Channel()}
    verify = sigstore.provider.verified
    written(workspace / "trust.json", sigstore.trust_config.encode())
    with LocalChannel(tmp_path / "keyless", channels, {}, publishers=publishers, verify=verify) as server:
        door(poison, sigstore, server)
        inputs = {"server_url": server.url, "token": "", "attestations": "true", "sigstore_instance": "trust.json"}
        finished = action(sigstore.provider.environment, **inputs)
    assert finished.exit_code == 5
    check(finished)


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_tracebacks_are_only_text(
    poison: str, action: Action, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug may have any text in its message."""
    written(workspace / f"{STEM}.conda", conda_bytes())

    def fail(*_: object) -> None:
        raise RuntimeError(poison)

    monkeypatch.setattr(validate, "check", fail)
    finished = action()
    assert finished.exit_code == 1
    check(finished)
