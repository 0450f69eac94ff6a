"""Publishing without a secret: the job's identity, what the server mints for it, and every way in which that fails."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from identities import GITHUB_CLAIMS, OpenIDProvider, Refusal
from localchannel import Access, Answer, At, Call, Channel, Fault, LocalChannel, Publisher
from prefix_upload.auth import IdentityProvider, TrustedPublishing
from prefix_upload.http import Client, Patience
from support.building import STEM, conda_bytes, written
from support.running import CHANNEL, TOKEN
from support.workflow_commands import annotated, commands, places_that_show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.action import Action
    from support.running import Finished

MINT, UPLOAD, GRAPHQL = "/api/oidc/mint_token", "/upload/", "/api/graphql"
PUBLISHER = Publisher("octo/packages", "release.yml", "prefix-dev")


@dataclass
class Stage:
    """A job with an identity, a package, and a server that knows its workflow."""

    action: Action
    provider: OpenIDProvider
    server: LocalChannel
    workspace: Path
    variables: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)

    def run(self, **inputs: str) -> Finished:
        """A run without a token."""
        plain = {"token": "", "server_url": self.server.url, "glob": "*.conda"}
        return self.action(self.variables, **plain | self.inputs | inputs)

    def fail(self, *faults: Fault) -> None:
        """Scripts failures of the server."""
        self.server.fail(*faults)

    @property
    def requests(self) -> list[str]:
        """Where the server was asked, in order."""
        return [request.path for request in self.server.requests]


@pytest.fixture
def provider() -> Iterator[OpenIDProvider]:
    """Who knows the job."""
    with OpenIDProvider() as running:
        yield running


@pytest.fixture
def stage(action: Action, provider: OpenIDProvider, workspace: Path, tmp_path: Path) -> Iterator[Stage]:
    """With one package."""
    written(workspace / f"{STEM}.conda", conda_bytes())
    keys = {TOKEN: Access.READ_WRITE}
    folder, channels = tmp_path / "trusted", {CHANNEL: Channel()}
    with LocalChannel(folder, channels, keys, publishers=[PUBLISHER], verify=provider.verified) as server:
        yield Stage(action, provider, server, workspace, dict(provider.environment))


def test_it_publishes(stage: Stage) -> None:
    """One identity token, for this server only; one minted token, with which everything is asked and sent."""
    finished = stage.run()
    assert (finished.exit_code, finished.outputs["uploaded-count"]) == (0, "1"), finished.log
    assert stage.provider.audiences == ["127.0.0.1"]
    assert stage.requests.count(MINT) == 1
    (minted,) = stage.server.minted
    bearers = {request.headers["Authorization"] for request in stage.server.requests if request.path != MINT}
    assert bearers == {f"Bearer {minted}"}


def test_all_tokens_are_masked_before_anything_else_is_said(stage: Stage) -> None:
    """The runner is told each before a line that could hold it."""
    finished = stage.run()
    masked = [command.data for command in commands(finished.log) if command.name == "add-mask"]
    bare = [token.removeprefix("pfx-jwt.") for token in stage.server.minted]
    assert masked == [stage.provider.request_token, *stage.provider.tokens, *stage.server.minted, *bare]
    lines = finished.log.splitlines()
    for secret in masked:
        first = next(line for line in lines if secret in line)
        assert first.startswith("::add-mask::")


def test_nothing_is_asked_for_an_invalid_package(stage: Stage) -> None:
    """Nobody has to know who would have published it."""
    written(stage.workspace / "bad-1.0-h0_0.conda", b"text")
    assert stage.run().exit_code == 4
    assert stage.provider.requests == []
    assert stage.requests == []


@pytest.mark.parametrize("inputs", [{"token": TOKEN}, {"dry_run": "true"}], ids=["with an API key", "in a dry run"])
def test_the_identity_is_not_asked_for_without_need(stage: Stage, inputs: dict[str, str]) -> None:
    """An API key is enough, and so is nothing where only everybody's things are read."""
    assert stage.run(**inputs).exit_code == 0
    assert stage.provider.requests == []
    assert MINT not in stage.requests


# Renewal.


@pytest.mark.parametrize(("lifetime", "renewed_after"), [(600, 540), (60, 30), (20, 10)])
def test_a_token_is_renewed_before_it_expires(stage: Stage, lifetime: int, renewed_after: int) -> None:
    """A minute before, so that no upload runs into its end; one that lives no longer is used for half of its life."""
    stage.server._keys.lifetime = lifetime
    clock = [datetime.now(UTC).replace(microsecond=0)]
    credentials = trusted_publishing(stage, lambda: clock[0])
    first = credentials.bearer()
    clock[0] += timedelta(seconds=renewed_after - 2)
    assert credentials.bearer() == first
    clock[0] += timedelta(seconds=4)
    assert credentials.bearer() != first
    assert stage.requests == [MINT, MINT]


def test_a_clock_that_is_wrong(stage: Stage) -> None:
    """A token that is said to have expired when it comes is used until the server does not take it."""
    credentials = trusted_publishing(stage, lambda: datetime.now(UTC) + timedelta(days=1))
    assert credentials.bearer() == credentials.bearer()


def trusted_publishing(stage: Stage, now: Callable[[], datetime]) -> TrustedPublishing:
    """The credentials of this job, by another clock."""
    patience = Patience(retries=0, timeout=10, sleep=lambda _: None, now=now, jitter=lambda: 0.0)

    def client(url: str, token: str | None) -> Client:
        return Client(url, lambda: token, connections=1, ca_bundle="", clock=lambda: 0.0)

    provider = client(stage.provider.url, stage.provider.request_token)
    identity = IdentityProvider(provider, "/idtoken", patience, lambda _: None)
    return TrustedPublishing(identity, client(stage.server.url, None), "127.0.0.1", patience, lambda _: None)


def test_a_token_that_is_not_taken_any_more_is_renewed(stage: Stage) -> None:
    """Once: the second one does it."""
    stage.fail(Fault(Call(stage.server.revoke), path=GRAPHQL, at=At.DONE))
    assert stage.run().exit_code == 0
    assert len(stage.server.minted) == 2
    assert [request.status for request in stage.server.uploads] == [401, 200]


def test_many_uploads_renew_together(stage: Stage) -> None:
    """Those that are refused at the same time share the one new token."""
    for number in range(20):
        stem = f"tool-{number}-1.0-h0_0"
        written(stage.workspace / f"{stem}.conda", conda_bytes(stem))
    stage.fail(Fault(Call(stage.server.revoke), path=GRAPHQL, at=At.DONE))
    finished = stage.run(concurrency="8")
    assert (finished.exit_code, finished.outputs["uploaded-count"]) == (0, "21")
    assert len(stage.server.minted) == 2


def test_a_private_channel_is_asked_with_another_token(stage: Stage) -> None:
    """Nobody else may read it, so that without a new token the upload could not be confirmed."""
    stage.server._store.channels[CHANNEL] = Channel(public=False)
    stage.fail(Fault(Call(stage.server.revoke), path=UPLOAD, at=At.DONE))
    finished = stage.run()
    assert finished.exit_code == 0
    assert annotated(finished.log, "warning") == []
    assert len(stage.server.minted) == 2


def test_passing_failures_are_waited_for(stage: Stage) -> None:
    """As for uploads: of the provider, and of the server that mints."""
    stage.provider.refusal = Refusal(503, "later", times=1)
    stage.fail(Fault(Answer(502, "<html>"), path=MINT))
    assert stage.run(retries="1").exit_code == 0


def test_a_server_that_takes_the_token_for_uploads_only(stage: Stage) -> None:
    """Its questions are asked as anybody may ask them."""
    denied = Answer(401, "minted tokens cannot be used here")

    def deny(request_number: int) -> None:
        for _ in range(request_number):
            stage.fail(Fault(denied, path=GRAPHQL), Fault(Call(lambda: None), path=GRAPHQL))

    deny(2)
    finished = stage.run()
    assert finished.exit_code == 0
    assert annotated(finished.log, "warning") == []
    asked = [request for request in stage.server.requests if request.path == GRAPHQL]
    assert [(request.status, "Authorization" in request.headers) for request in asked] == [
        (401, True),
        (200, False),
        (401, True),
        (200, False),
    ]


# Failures: each with its own message, and what to do.


@dataclass(frozen=True)
class Failure:
    """One way to fail.

    Attributes:
        what: What goes wrong.
        plan: Makes it go wrong.
        reads: Words of the message.
        remedy: Words of what to do, in the annotation or in the lines to paste.
        exit_code: 2 before anything is asked, 5 after that.
    """

    what: str
    plan: Callable[[Stage], object]
    reads: str
    remedy: str
    exit_code: int = 5


def without_identity(stage: Stage) -> None:
    """A job without `id-token: write`."""
    stage.variables.clear()


def from_a_fork(stage: Stage) -> None:
    """Its pull request gets nothing."""
    event = stage.workspace.parent / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"repo": {"full_name": "fork/packages"}}}}))
    stage.variables = {"GITHUB_EVENT_PATH": str(event), "GITHUB_EVENT_NAME": "pull_request"}


def minting(then: Answer) -> Callable[[Stage], object]:
    """What the server answers where it is asked for a token."""
    return lambda stage: stage.fail(Fault(then, path=MINT, times=None))


def is_another(**claims: str) -> Callable[[Stage], object]:
    """A job that is not the one whose workflow was registered."""

    def plan(stage: Stage) -> None:
        stage.provider.claims = {**GITHUB_CLAIMS, **claims}

    return plan


def provided(instead: bytes) -> Callable[[Stage], object]:
    """What the provider answers."""

    def plan(stage: Stage) -> None:
        stage.provider.instead = instead

    return plan


def refused(refusal: Refusal) -> Callable[[Stage], object]:
    """How the provider refuses."""

    def plan(stage: Stage) -> None:
        stage.provider.refusal = refusal

    return plan


def read_only(stage: Stage) -> None:
    """The publisher may read; the mint says nothing of that."""
    stage.server._keys._publishers = [Publisher("octo/packages", "release.yml", access=Access.READ)]


def removed_meanwhile(stage: Stage) -> None:
    """The publisher is gone, and its tokens with it, when the first upload begins."""

    def remove() -> None:
        stage.server.revoke()
        stage.server._keys._publishers = []

    stage.fail(Fault(Call(remove), path=GRAPHQL, at=At.DONE))


# A token's middle part, of JSON that nobody can parse.
RIDDLE = base64.urlsafe_b64encode(b"[" * 10_000).decode().rstrip("=")
NOT_GIVEN = "GitHub gave this job no identity token: "
NOT_MINTED = "The server mints no token for this job "
FAILURES = [
    Failure("no permissions", without_identity, "has no identity with which to publish", "id-token: write", 2),
    Failure(
        "half of the variables",
        lambda stage: stage.variables.pop("ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        "has no identity with which to publish",
        "id-token: write",
        2,
    ),
    Failure(
        "a request token that cannot be sent",
        lambda stage: stage.variables.update({"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t\u00f6k\u20acn"}),
        "has no identity with which to publish",
        "id-token: write",
        2,
    ),
    Failure("a fork", from_a_fork, "a pull request from a fork", "dry-run: ", 2),
    Failure(
        "not on GitHub",
        lambda stage: stage.variables.update({"GITHUB_ACTIONS": ""}),
        "outside GitHub Actions there is no identity",
        "Create an API key",
        2,
    ),
    Failure(
        "a host that looks like prefix.dev",
        lambda stage: stage.inputs.update({"server_url": "https://prefix.dev.evil.org"}),
        "looks like prefix.dev, but is not",
        "Write 'https://prefix.dev'",
        2,
    ),
    Failure(
        "a provider that is spoken to in the clear",
        lambda stage: stage.variables.update({"ACTIONS_ID_TOKEN_REQUEST_URL": "http://evil.example/"}),
        "has no identity with which to publish",
        "id-token: write",
        2,
    ),
    Failure("the provider is down", lambda stage: stage.provider.stop(), f"{NOT_GIVEN}", "githubstatus.com"),
    Failure("the provider refuses", refused(Refusal(403, "not for you")), "HTTP 403", "'id-token: write'"),
    Failure("the provider fails", refused(Refusal(500, "out of order")), "out of order", "Run the job again"),
    Failure("the provider gives text", provided(b"<html>"), "is no identity token", "Run the job again"),
    Failure("the provider gives null", provided(b'{"value": null}'), "is no identity token", "Run the job again"),
    Failure("the provider gives a riddle", provided(b"[" * 50_000), "is no identity token", "Run the job again"),
    Failure("the provider gives no token", provided(b'{"value": "a.b"}'), "is no identity token", "Run the job again"),
    Failure(
        "another repository",
        is_another(repository="octo/elsewhere"),
        "repository octo/elsewhere, workflow_ref octo/packages/.github/workflows/release.yml@refs/heads/main",
        "Register this workflow as a trusted publisher",
    ),
    Failure(
        "another workflow",
        is_another(workflow_ref="octo/packages/.github/workflows/nightly.yml@refs/heads/main"),
        "Failed to find OIDC publisher",
        "the file name of the workflow",
    ),
    Failure("another environment", is_another(environment="test"), "environment test", "the environment, if"),
    Failure("the server does not know it", minting(Answer(404, "nope")), "HTTP 404: nope", "pass an API key"),
    Failure("the server forbids it", minting(Answer(403, "disabled")), "HTTP 403: disabled", "trusted publishers"),
    Failure("the server cannot read it", minting(Answer(400, "what?")), "HTTP 400: what?", "'server-url'"),
    Failure(
        "the server is out of order",
        minting(Answer(503, "down")),
        f"{NOT_MINTED}(HTTP 503: down)",
        "Run the step again",
    ),
    Failure("the mint gives nothing", minting(Answer(200, "")), "something that is no token", "'server-url'"),
    Failure("the mint gives a page", minting(Answer(200, "<html> </html>")), "that is no token", "'server-url'"),
    Failure("the mint gives a riddle", minting(Answer(200, f"pfx-jwt.a.{RIDDLE}.c")), "refused it", "still registered"),
    Failure("the mint gives JSON", minting(Answer(200, '"pfx-jwt.x"')), "that is no token", "'server-url'"),
    Failure("the mint gives two lines", minting(Answer(200, "pfx-jwt.x\n")), "that is no token", "'server-url'"),
    Failure(
        "the mint is elsewhere",
        minting(Answer(307, "", {"Location": "https://elsewhere.example/"})),
        f"{NOT_MINTED}(HTTP 307",
        "sends us on to elsewhere.example: set 'server-url'",
    ),
    Failure(
        "the server is not there",
        lambda stage: stage.inputs.update({"server_url": "http://127.0.0.1:9"}),
        "The server cannot be asked for a token",
        "Check 'server-url'",
    ),
    Failure("a read-only publisher", read_only, "HTTP 403", "give it write access"),
    Failure("a publisher that is removed meanwhile", removed_meanwhile, NOT_MINTED, "Register this workflow"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.what)
def test_failures(stage: Stage, failure: Failure) -> None:
    """Each says what it is and what to do, sends no package, and shows no token."""
    failure.plan(stage)
    finished = stage.run()
    assert finished.exit_code == failure.exit_code, finished.log
    errors = [error.data for error in annotated(finished.log, "error")]
    assert any(failure.reads in error for error in errors), errors
    assert any(failure.remedy in error for error in errors), errors
    assert failure.remedy in re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), finished.summary)
    assert "Traceback" not in finished.log
    assert stage.server.files(CHANNEL) == {}
    assert shown(stage, finished) == []


def test_each_failure_is_told_apart() -> None:
    """There are more than a dozen, and no message stands for all."""
    assert len({failure.what for failure in FAILURES}) == len(FAILURES) >= 12
    assert len({failure.reads for failure in FAILURES}) >= 12


def shown(stage: Stage, finished: Finished) -> list[str]:
    """The places that show a token, and the requests that take one elsewhere."""
    secrets = [stage.provider.request_token, *stage.provider.tokens]
    secrets += [token.removeprefix("pfx-jwt.") for token in stage.server.minted]
    found = places_that_show(secrets, finished)
    for request in stage.server.requests:
        bearer = request.headers.get("Authorization", "")
        if any(secret in bearer for secret in (stage.provider.request_token, *stage.provider.tokens)):
            found.append(f"header to {request.path}")
        if request.origin == "storage" and bearer:
            found.append("header to the storage")
    return found


def test_a_server_that_repeats_the_identity(stage: Stage) -> None:
    """What it says is shown, but for the token."""

    def repeat() -> None:
        stage.fail(Fault(Answer(401, f"bad token {stage.provider.tokens[-1]}"), path=MINT))

    # The token is known only once it was given: so the answer is scripted while it is being asked for.
    give = stage.provider.routes["GET /idtoken"]

    def give_and_repeat(request: object) -> object:
        value = give(request)  # type: ignore[arg-type]  # it is the service's request
        repeat()
        return value

    stage.provider.routes["GET /idtoken"] = give_and_repeat
    finished = stage.run()
    assert "bad token ***" in finished.log
    assert shown(stage, finished) == []


def test_a_server_that_repeats_the_minted_token(stage: Stage) -> None:
    """Also without what stands before it."""

    def repeat() -> None:
        (minted,) = stage.server.minted
        stage.fail(Fault(Answer(422, f"bad token {minted.removeprefix('pfx-jwt.')}"), path=UPLOAD))

    stage.fail(Fault(Call(repeat), path=GRAPHQL, at=At.DONE))
    finished = stage.run()
    assert "bad token ***" in finished.log
    assert shown(stage, finished) == []
