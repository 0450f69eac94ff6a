"""Publishing without a secret: the job's identity, what the server mints for it, and every way in which that fails."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from identities import GITHUB_CLAIMS, OpenIDProvider, Refusal
from localchannel import Access, Answer, At, Call, Channel, Fault, LocalChannel, Publisher, Truncate
from prefix_upload.auth import IdentityProvider
from prefix_upload.auth.trusted_publishing import TrustedPublishing
from prefix_upload.http import Client, RetryPolicy
from prefix_upload.http.server import Server
from support.building import STEM, conda_bytes, written
from support.keyless import Job
from support.running import CHANNEL, TOKEN
from support.workflow_commands import annotated, commands, places_that_show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from prefix_upload.http import Response
    from support.action import Action
    from support.running import Finished

MINT, UPLOAD, GRAPHQL = "/api/oidc/mint_token", "/upload/", "/api/graphql"
PUBLISHER = Publisher("octo/packages", "release.yml", "prefix-dev")


@pytest.fixture
def provider() -> Iterator[OpenIDProvider]:
    """Who knows the job."""
    with OpenIDProvider() as running:
        yield running


@pytest.fixture
def job(action: Action, provider: OpenIDProvider, workspace: Path, tmp_path: Path) -> Iterator[Job]:
    """With one package."""
    written(workspace / f"{STEM}.conda", conda_bytes())
    keys = {TOKEN: Access.READ_WRITE}
    folder, channels = tmp_path / "trusted", {CHANNEL: Channel()}
    with LocalChannel(folder, channels, keys, publishers=[PUBLISHER], verify=provider.verified) as server:
        yield Job(action, provider, server, workspace, dict(provider.environment))


def test_it_publishes(job: Job) -> None:
    """One identity token, for this server only; one minted token, with which everything is asked and sent."""
    finished = job.run()
    assert (finished.exit_code, finished.outputs["uploaded-count"]) == (0, "1"), finished.log
    assert job.provider.audiences == ["127.0.0.1"]
    assert job.requests.count(MINT) == 1
    (minted,) = job.server.minted
    bearers = {request.headers["Authorization"] for request in job.server.requests if request.path != MINT}
    assert bearers == {f"Bearer {minted}"}


def test_all_tokens_are_masked_before_anything_else_is_said(job: Job) -> None:
    """Each is masked before a line that could contain it."""
    finished = job.run()
    masked = [command.data for command in commands(finished.log) if command.name == "add-mask"]
    bare = [token.removeprefix("pfx-jwt.") for token in job.server.minted]
    assert masked == [job.provider.request_token, *job.provider.tokens, *job.server.minted, *bare]
    lines = finished.log.splitlines()
    for secret in masked:
        first = next(line for line in lines if secret in line)
        assert first.startswith("::add-mask::")


def test_nothing_is_asked_for_an_invalid_package(job: Job) -> None:
    """The identity of the publisher is not revealed."""
    written(job.workspace / "bad-1.0-h0_0.conda", b"text")
    assert job.run().exit_code == 4
    assert job.provider.requests == []
    assert job.requests == []


@pytest.mark.parametrize("inputs", [{"token": TOKEN}, {"dry_run": "true"}], ids=["with an API key", "in a dry run"])
def test_the_identity_is_not_asked_for_without_need(job: Job, inputs: dict[str, str]) -> None:
    """An API key is enough, and so is nothing where only everybody's things are read."""
    assert job.run(**inputs).exit_code == 0
    assert job.provider.requests == []
    assert MINT not in job.requests


# Renewal.


@pytest.mark.parametrize(("lifetime", "renewed_after"), [(600, 540), (60, 30), (20, 10)])
def test_a_token_is_renewed_before_it_expires(job: Job, lifetime: int, renewed_after: int) -> None:
    """A minute before, so that no upload runs into its end; one that lives no longer is used for half of its life."""
    job.server._keys.lifetime = lifetime
    clock = [datetime.now(UTC).replace(microsecond=0)]
    credentials = trusted_publishing(job, lambda: clock[0])
    first = credentials.bearer()
    clock[0] += timedelta(seconds=renewed_after - 2)
    assert credentials.bearer() == first
    clock[0] += timedelta(seconds=4)
    assert credentials.bearer() != first
    assert job.requests == [MINT, MINT]


def test_an_identity_that_is_about_to_expire_is_not_sent_again(job: Job) -> None:
    """Before a retry, another one is asked for; one that is good for longer is sent again."""
    job.provider.lifetime = 150
    clock = [datetime.now(UTC)]
    pauses = iter([40, 100])

    def sleep(_: float) -> None:
        clock[0] += timedelta(seconds=next(pauses))

    job.fail(Fault(Answer(503), path=MINT, times=2))
    trusted_publishing(job, lambda: clock[0], retries=2, sleep=sleep).bearer()
    assert job.requests == [MINT] * 3
    assert len(job.provider.tokens) == 2


@pytest.mark.parametrize("bearer", ["pfx-jwt.a.b-c_d", "abcABC019-._~+/=="])
def test_a_token_of_token68_characters_is_taken(job: Job, bearer: str) -> None:
    """RFC 9110 says which they are."""
    job.fail(Fault(Answer(200, bearer), path=MINT))
    assert trusted_publishing(job, lambda: datetime.now(UTC)).bearer() == bearer


def test_the_audience_is_escaped(job: Job) -> None:
    """No character of the audience changes the rest of the URL."""
    client = Client(
        job.provider.url, lambda: job.provider.request_token, connections=1, ca_bundle="", clock=lambda: 0.0
    )
    retry_policy = RetryPolicy(
        retries=0, timeout=10, sleep=lambda _: None, now=lambda: datetime.now(UTC), jitter=lambda: 0.0, server=Server()
    )
    for path in ("/idtoken?", "/idtoken?api-version=2.0"):
        IdentityProvider(client, path, retry_policy, lambda _: None).id_token("::1&audience=prefix.dev/?#")
    assert job.provider.audiences == ["::1&audience=prefix.dev/?#"] * 2


def test_a_clock_that_is_wrong(job: Job) -> None:
    """A token that appears to have expired when it arrives is used until the server does not take it."""
    credentials = trusted_publishing(job, lambda: datetime.now(UTC) + timedelta(days=1))
    assert credentials.bearer() == credentials.bearer()


@pytest.mark.parametrize("end", [10**12, 10**18, 10**30, -(10**30), 1e300, "soon", None, []], ids=repr)
def test_a_token_with_an_invalid_expiry(job: Job, end: object) -> None:
    """A token with an invalid `exp` is used until the server rejects it."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": end}).encode()).decode().rstrip("=")
    job.fail(Fault(Answer(200, f"pfx-jwt.e30.{claims}.x"), path=MINT))
    credentials = trusted_publishing(job, lambda: datetime.now(UTC))
    assert credentials.bearer() == credentials.bearer() == f"pfx-jwt.e30.{claims}.x"
    assert job.requests == [MINT]


def trusted_publishing(
    job: Job, now: Callable[[], datetime], retries: int = 0, sleep: Callable[[float], None] = lambda _: None
) -> TrustedPublishing:
    """The credentials of this job, by another clock."""
    retry_policy = RetryPolicy(retries=retries, timeout=10, sleep=sleep, now=now, jitter=lambda: 0.0, server=Server())

    def client(url: str, token: str | None) -> Client:
        return Client(url, lambda: token, connections=1, ca_bundle="", clock=lambda: 0.0)

    provider = client(job.provider.url, job.provider.request_token)
    identity = IdentityProvider(provider, "/idtoken?api-version=2", retry_policy, lambda _: None)
    return TrustedPublishing(identity, client(job.server.url, None), "127.0.0.1", retry_policy, lambda _: None)


def test_a_token_that_is_not_taken_any_more_is_renewed(job: Job) -> None:
    """Once: the second one does it."""
    job.fail(Fault(Call(job.server.revoke), path=GRAPHQL, at=At.DONE))
    assert job.run().exit_code == 0
    assert len(job.server.minted) == 2
    assert [request.status for request in job.server.uploads] == [401, 200]


def test_many_uploads_renew_together(job: Job) -> None:
    """Those that are refused at the same time share the one new token."""
    for number in range(20):
        stem = f"tool-{number}-1.0-h0_0"
        written(job.workspace / f"{stem}.conda", conda_bytes(stem))
    job.fail(Fault(Call(job.server.revoke), path=GRAPHQL, at=At.DONE))
    finished = job.run(concurrency="8")
    assert (finished.exit_code, finished.outputs["uploaded-count"]) == (0, "21")
    assert len(job.server.minted) == 2


def test_a_private_channel_is_asked_with_another_token(job: Job) -> None:
    """It is not public, so that without a new token the upload could not be confirmed."""
    job.server._store.channels[CHANNEL] = Channel(public=False)
    job.fail(Fault(Call(job.server.revoke), path=UPLOAD, at=At.DONE))
    finished = job.run()
    assert finished.exit_code == 0
    assert annotated(finished.log, "warning") == []
    assert len(job.server.minted) == 2


def test_passing_failures_are_waited_for(job: Job) -> None:
    """As for uploads: of the provider, and of the server that mints."""
    job.provider.refusal = Refusal(503, "later", times=1)
    job.fail(Fault(Answer(502, "<html>"), path=MINT))
    assert job.run(retries="1").exit_code == 0


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_takes_the_token_for_uploads_only(job: Job, status: int) -> None:
    """Queries that are refused with the token are sent again anonymously, and later ones are at once."""
    job.fail(Fault(Answer(status, "minted tokens cannot be used here"), path=GRAPHQL))
    finished = job.run()
    assert finished.exit_code == 0
    assert annotated(finished.log, "warning") == []
    queries = [request for request in job.server.requests if request.path == GRAPHQL]
    assert [(request.status, "Authorization" in request.headers) for request in queries] == [
        (status, True),
        (200, False),
        (200, False),
    ]


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_answers_no_question(job: Job, status: int) -> None:
    """A token that is refused when it is new is not replaced by another one, however many packages there are."""
    for number in range(11):
        stem = f"tool-{number}-1.0-h0_0"
        written(job.workspace / f"{stem}.conda", conda_bytes(stem))
    refusal = Answer(status, "minted tokens cannot be used here")
    job.fail(Fault(refusal, path=GRAPHQL, times=None), Fault(refusal, path="repodata.json", times=None))
    finished = job.run()
    assert (finished.exit_code, finished.outputs["uploaded-count"]) == (0, "12")
    assert job.requests.count(MINT) == 1


def test_a_token_is_renewed_once_for_questions(job: Job) -> None:
    """A question that was answered before is asked with another token, and not again if that is refused as well."""
    job.server._store.channels[CHANNEL] = Channel(public=False)

    def refuse() -> None:
        job.fail(Fault(Answer(401, "not any more"), path=GRAPHQL, times=None))
        job.fail(Fault(Answer(401, "not any more"), path="repodata.json", times=None))

    job.fail(Fault(Call(refuse), path=UPLOAD, at=At.DONE))
    assert job.run().exit_code == 0
    assert job.requests.count(MINT) == 2


@pytest.mark.parametrize("access", [Access.READ_WRITE, Access.READ_WRITE_DELETE], ids=str)
def test_a_rollback(job: Job, access: Access) -> None:
    """Deletes with the minted token, if the publisher may; else the error names the access mode that it needs."""
    written(job.workspace / "zoo-1.0-h0_0.conda", conda_bytes("zoo-1.0-h0_0"))
    job.server.fail(Fault(Answer(422), file="zoo-1.0-h0_0.conda"))
    job.server._keys._publishers = [replace(PUBLISHER, access=access)]
    finished = job.run(rollback_on_failure="true", concurrency="1")
    assert finished.exit_code == 5
    (status,) = {row["status"] for row in json.loads(finished.outputs["packages"])} - {"failed"}
    if access is Access.READ_WRITE:
        assert status == "uploaded"
        (error,) = [each.data for each in annotated(finished.log, "error") if "may still be" in each.data]
        assert "the access mode READ_WRITE_DELETE" in error
        assert f'$PREFIX_API_KEY" {job.server.url}/api/v1/delete/{CHANNEL}/' in error
    else:
        assert status == "rolled-back"
        assert job.server.files(CHANNEL) == {}


def test_a_token_is_renewed_for_the_index_of_a_private_channel(job: Job) -> None:
    """The wait may take longer than a token lives."""
    job.server._store.channels[CHANNEL] = Channel(public=False)
    job.server.freeze_index(CHANNEL, parts=["repodata"])
    job.fail(Fault(Call(lambda: None), path="/noarch/repodata.json", times=3))
    job.fail(Fault(Call(job.server.revoke), path="/noarch/repodata.json"))
    finished = job.run(wait_for_index="true")
    assert finished.exit_code == 0, finished.log
    reads = [request for request in job.server.requests if request.path == f"/{CHANNEL}/noarch/repodata.json"]
    assert [request.status for request in reads][:4] == [401, 303, 401, 303]
    assert job.requests.count(MINT) == 2


def test_an_upload_that_cannot_be_confirmed(job: Job) -> None:
    """If the token is revoked after the upload, the package is published with a warning."""
    job.server._store.channels[CHANNEL] = Channel(public=False)
    job.fail(Fault(Call(lambda: remove_publisher(job)), path=UPLOAD, at=At.DONE))
    finished = job.run()
    assert (finished.exit_code, finished.outputs["uploaded-count"]) == (0, "1"), finished.log
    assert [warning.properties["title"] for warning in annotated(finished.log, "warning")] == ["Not confirmed"]


def test_a_truncated_token_is_not_used(job: Job) -> None:
    """If the minting response is truncated, the run fails without sending anything."""
    job.fail(Fault(Truncate(20), path=MINT, times=None))
    finished = job.run()
    assert finished.exit_code == 5
    assert "truncated or too large" in annotated(finished.log, "error")[0].data
    assert job.requests.count(MINT) == 1
    assert job.server.uploads == []


def test_a_403_does_not_renew_the_token(job: Job) -> None:
    """No other token is minted after a 403, and repodata confirms the upload."""
    job.fail(Fault(Answer(403, "no"), path=GRAPHQL, times=None))
    finished = job.run()
    assert finished.exit_code == 0
    assert len(job.server.minted) == 1


def test_token_requests_time_out_sooner_than_uploads(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests for identity tokens and minted tokens have a timeout of 60 seconds, even if uploads have more."""
    timeouts = {}
    send = Client._send

    def note(self: Client, method: str, url: str, *, timeout: float, **rest: Any) -> Response:
        timeouts[urlsplit(url).path] = timeout
        return send(self, method, url, timeout=timeout, **rest)

    monkeypatch.setattr(Client, "_send", note)
    assert job.run(timeout="300").exit_code == 0
    assert (timeouts["/idtoken"], timeouts[MINT], timeouts[f"/api/v1/upload/{CHANNEL}"]) == (60, 60, 300)


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
    plan: Callable[[Job], object]
    reads: str
    remedy: str
    exit_code: int = 5


def without_identity(job: Job) -> None:
    """A job without `id-token: write`."""
    job.variables.clear()


def from_a_fork(job: Job) -> None:
    """Its pull request gets nothing."""
    event = job.workspace.parent / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"repo": {"full_name": "fork/packages"}}}}))
    job.variables = {"GITHUB_EVENT_PATH": str(event), "GITHUB_EVENT_NAME": "pull_request"}


def minting(then: Answer) -> Callable[[Job], object]:
    """What the server answers where it is asked for a token."""
    return lambda job: job.fail(Fault(then, path=MINT, times=None))


def slowly(job: Job) -> None:
    """Identities live for no longer than an answer takes, and the server then takes none of them."""
    job.provider.lifetime = 0


def by_dependabot(job: Job) -> None:
    """Its runs get no identity, either."""
    job.variables = {"GITHUB_ACTOR": "dependabot[bot]"}


def from_a_fork_that_is_gone(job: Job) -> None:
    """GitHub then knows no repository of the pull request."""
    from_a_fork(job)
    event = job.workspace.parent / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"repo": None}}}))


def on_enterprise_server(job: Job) -> None:
    """Whose provider is out of order."""
    job.provider.refusal = Refusal(500, "out of order")
    job.variables["GITHUB_SERVER_URL"] = "https://github.corp.test"


def is_another(**claims: str) -> Callable[[Job], object]:
    """A job that is not the one whose workflow was registered."""

    def plan(job: Job) -> None:
        job.provider.claims = {**GITHUB_CLAIMS, **claims}

    return plan


def provided(instead: bytes) -> Callable[[Job], object]:
    """What the provider answers."""

    def plan(job: Job) -> None:
        job.provider.instead = instead

    return plan


def refused(refusal: Refusal) -> Callable[[Job], object]:
    """How the provider refuses."""

    def plan(job: Job) -> None:
        job.provider.refusal = refusal

    return plan


def read_only(job: Job) -> None:
    """The publisher may read; the mint says nothing of that."""
    job.server._keys._publishers = [Publisher("octo/packages", "release.yml", access=Access.READ)]


def remove_publisher(job: Job) -> None:
    """Removes the publisher and revokes its tokens."""
    job.server.revoke()
    job.server._keys._publishers = []


def removed_meanwhile(job: Job) -> None:
    """The publisher is removed when the first upload begins."""
    job.fail(Fault(Call(lambda: remove_publisher(job)), path=GRAPHQL, at=At.DONE))


def token_response(signature: str, claims: str = "e30") -> bytes:
    """A provider's response with a token that has this signature and these claims."""
    return f'{{"value": "e30.{claims}.{signature}"}}'.encode()


# The payload of a token, with JSON that is nested too deeply.
RIDDLE = base64.urlsafe_b64encode(b"[" * 10_000).decode().rstrip("=")
NOT_GIVEN = "GitHub did not issue an identity token: "
NOT_MINTED = "The server did not mint a token "
FAILURES = [
    Failure("no permissions", without_identity, "no identity for trusted publishing", "id-token: write", 2),
    Failure(
        "half of the variables",
        lambda job: job.variables.pop("ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        "no identity for trusted publishing",
        "id-token: write",
        2,
    ),
    Failure(
        "a request token that cannot be sent",
        lambda job: job.variables.update({"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t\u00f6k\u20acn"}),
        "no identity for trusted publishing",
        "id-token: write",
        2,
    ),
    Failure(
        "a request token of two lines",
        lambda job: job.variables.update({"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "token\n"}),
        "no identity for trusted publishing",
        "id-token: write",
        2,
    ),
    Failure("a fork", from_a_fork, "requests from forks", "dry-run: ", 2),
    Failure("a fork that is gone", from_a_fork_that_is_gone, "requests from forks", "dry-run: ", 2),
    Failure("Dependabot", by_dependabot, "Runs that Dependabot starts get no identity", "dry-run: ", 2),
    Failure(
        "not on GitHub",
        lambda job: job.variables.update({"GITHUB_ACTIONS": ""}),
        "does not run on GitHub Actions",
        "Create an API key",
        2,
    ),
    Failure(
        "a host that looks like prefix.dev",
        lambda job: job.inputs.update({"server_url": "https://prefix.dev.evil.org"}),
        "looks like prefix.dev, but is not",
        "Use 'https://prefix.dev'",
        2,
    ),
    Failure(
        "a provider that is spoken to in the clear",
        lambda job: job.variables.update({"ACTIONS_ID_TOKEN_REQUEST_URL": "http://evil.example/"}),
        "no identity for trusted publishing",
        "id-token: write",
        2,
    ),
    Failure("the provider is down", lambda job: job.provider.stop(), f"{NOT_GIVEN}", "githubstatus.com"),
    Failure("the provider refuses", refused(Refusal(403, "not for you")), "HTTP 403", "'id-token: write'"),
    Failure("the provider fails", refused(Refusal(500, "out of order")), "out of order", "Run the job again"),
    Failure(
        "the provider of an enterprise server", on_enterprise_server, "order", "administrator of https://github.corp"
    ),
    Failure("an identity that expires", slowly, f"{NOT_MINTED}(HTTP 401", "identity token had expired"),
    Failure("the provider gives text", provided(b"<html>"), "is not an identity token", "Run the job again"),
    Failure("the provider gives null", provided(b'{"value": null}'), "is not an identity token", "Run the job again"),
    Failure("the provider gives a riddle", provided(b"[" * 50_000), "is not an identity token", "Run the job again"),
    Failure(
        "the provider gives no token", provided(b'{"value": "a.b"}'), "is not an identity token", "Run the job again"
    ),
    Failure(
        "the provider gives two lines",
        provided(token_response(r"b\n")),
        "is not an identity token",
        "Run the job again",
    ),
    Failure(
        "the provider gives an accent",
        provided(token_response("\u00e9")),
        "is not an identity token",
        "Run the job again",
    ),
    Failure(
        "the provider gives no claims",
        provided(token_response("b", "W10")),
        "is not an identity token",
        "Run the job again",
    ),
    Failure(
        "the provider gives no end",
        provided(token_response("b" * 2**16)),
        "truncated or too large",
        "Run the job again",
    ),
    Failure(
        "another repository",
        is_another(repository="octo/elsewhere"),
        "owner: octo, repository: elsewhere, workflow file: release.yml, environment: prefix-dev",
        "Register this workflow as a trusted publisher",
    ),
    Failure(
        "another workflow",
        is_another(workflow_ref="octo/packages/.github/workflows/nightly.yml@refs/heads/main"),
        "workflow file: nightly.yml",
        "that of the workflow that was triggered",
    ),
    Failure("another environment", is_another(environment="test"), "environment: test", "exactly the fields above"),
    Failure("no environment", is_another(environment=""), "environment: (none)", "/channels/@octo/stable/settings"),
    Failure("the server does not know it", minting(Answer(404, "nope")), "HTTP 404: nope", "Pass an API key"),
    Failure("the server forbids it", minting(Answer(403, "disabled")), "HTTP 403: disabled", "trusted publishers"),
    Failure("the server cannot read it", minting(Answer(400, "what?")), "HTTP 400: what?", "'server-url'"),
    Failure(
        "the server is out of order",
        minting(Answer(503, "down")),
        f"{NOT_MINTED}(HTTP 503: down)",
        "Re-run it",
    ),
    Failure("the mint gives nothing", minting(Answer(200, "")), "is not a token", "'server-url'"),
    Failure("the mint gives a page", minting(Answer(200, "<html> </html>")), "is not a token", "'server-url'"),
    *(
        Failure(f"the mint gives {text!r}", minting(Answer(200, text)), "is not a token", "'server-url'")
        for text in ("<html>", "{}", "null,", "a=b", "=", "pfx-jwt.x;y", "Forbidden!", "a\x7fb", "(none)", "t\u00f6ken")
    ),
    Failure(
        "the mint gives a riddle",
        minting(Answer(200, f"pfx-jwt.a.{RIDDLE}.c")),
        "rejected the upload",
        "still registered",
    ),
    Failure("the mint gives a lot", minting(Answer(200, "x" * 16385)), "is not a token", "'server-url'"),
    Failure("the mint gives JSON", minting(Answer(200, '"pfx-jwt.x"')), "is not a token", "'server-url'"),
    Failure("the mint gives two lines", minting(Answer(200, "pfx-jwt.x\n")), "is not a token", "'server-url'"),
    Failure(
        "the mint is elsewhere",
        minting(Answer(307, "", {"Location": "https://elsewhere.example/"})),
        f"{NOT_MINTED}(HTTP 307",
        "redirects to elsewhere.example. Set 'server-url'",
    ),
    Failure(
        "the server is not there",
        lambda job: job.inputs.update({"server_url": "http://127.0.0.1:9"}),
        "Could not request a token",
        "Check 'server-url'",
    ),
    Failure("a read-only publisher", read_only, "HTTP 403", "no write access"),
    Failure("a publisher that is removed meanwhile", removed_meanwhile, NOT_MINTED, "Register this workflow"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.what)
def test_failures(job: Job, failure: Failure) -> None:
    """Each says what it is and what to do, sends no package, and shows no token."""
    failure.plan(job)
    finished = job.run()
    assert finished.exit_code == failure.exit_code, finished.log
    errors = [error.data for error in annotated(finished.log, "error")]
    assert any(failure.reads in error for error in errors), errors
    assert any(failure.remedy in error for error in errors), errors
    assert failure.remedy in re.sub(
        r"&#(\d+);", lambda match: chr(int(match[1])), finished.summary.replace("<wbr>", "")
    )
    assert "Traceback" not in finished.log
    assert job.server.files(CHANNEL) == {}
    assert shown_secrets(job, finished) == []


def test_each_failure_is_told_apart() -> None:
    """There are more than a dozen, and no message stands for all."""
    assert len({failure.what for failure in FAILURES}) == len(FAILURES) >= 12
    assert len({failure.reads for failure in FAILURES}) >= 12


def shown_secrets(job: Job, finished: Finished) -> list[str]:
    """The places that show a token, and the requests that take one elsewhere."""
    secrets = [job.provider.request_token, *job.provider.tokens]
    secrets += [token.removeprefix("pfx-jwt.") for token in job.server.minted]
    found = places_that_show(secrets, finished)
    for request in job.server.requests:
        bearer = request.headers.get("Authorization", "")
        if any(secret in bearer for secret in (job.provider.request_token, *job.provider.tokens)):
            found.append(f"header to {request.path}")
        if request.origin == "storage" and bearer:
            found.append("header to the storage")
    return found


def test_a_server_that_repeats_the_identity(job: Job) -> None:
    """What it says is shown, but for the token."""

    def repeat() -> None:
        job.fail(Fault(Answer(401, f"bad token {job.provider.tokens[-1]}"), path=MINT))

    # The token is known only once it was given: so the answer is scripted while it is being asked for.
    give = job.provider.routes["GET /idtoken"]

    def give_and_repeat(request: object) -> object:
        value = give(request)  # type: ignore[arg-type]  # it is the service's request
        repeat()
        return value

    job.provider.routes["GET /idtoken"] = give_and_repeat
    finished = job.run()
    assert "bad token ***" in finished.log
    assert shown_secrets(job, finished) == []


def test_a_server_that_repeats_the_minted_token(job: Job) -> None:
    """Also without what stands before it."""

    def repeat() -> None:
        (minted,) = job.server.minted
        job.fail(Fault(Answer(422, f"bad token {minted.removeprefix('pfx-jwt.')}"), path=UPLOAD))

    job.fail(Fault(Call(repeat), path=GRAPHQL, at=At.DONE))
    finished = job.run()
    assert "bad token ***" in finished.log
    assert shown_secrets(job, finished) == []
