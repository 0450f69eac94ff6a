"""Publish attestations: signed by a real signer, logged, sent, and accepted by two independent verifiers."""

from __future__ import annotations

import json
import random
import ssl
import subprocess
import sys
import tracemalloc
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import trustme
from rattler.exceptions import AttestationError
from sigstore.errors import Error

from identities import PrivateSigstore, Refusal
from identities.provider import IDENTITY
from identities.verifying import Expected, verify_with_conda_client, verify_with_sigstore
from localchannel import Access, Answer, Call, Channel, Cut, Fault, LocalChannel, Publisher
from support.building import STEM, conda_bytes, package, tar_member, written
from support.keyless import FILE, SigningJob
from support.running import CHANNEL, REPOSITORY, TOKEN
from support.workflow_commands import annotated, places_that_show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from identities.loopback import Request
    from support.action import Action, Pauses

UPLOAD, SIGS = "/upload/", ".sigs"
UNSIGNED = "could not be signed, so it was not uploaded: "
NO_CERTIFICATE = b'{"signedCertificateEmbeddedSct": {"chain": {"certificates": [null]}}}'
VERIFIERS = [verify_with_sigstore, verify_with_conda_client]


@pytest.fixture
def job(action: Action, sigstore: PrivateSigstore, workspace: Path, tmp_path: Path) -> Iterator[SigningJob]:
    """With one package."""
    written(workspace / "trust.json", sigstore.trust_config.encode())
    package(workspace)
    publishers = [Publisher("octo/packages", "release.yml")]
    keys, channels = {TOKEN: Access.READ_WRITE}, {CHANNEL: Channel()}
    verify = sigstore.provider.verified
    with LocalChannel(tmp_path / "attested", channels, keys, publishers=publishers, verify=verify) as server:
        inputs = {"attestations": "true", "sigstore_instance": "trust.json"}
        variables = dict(sigstore.provider.environment)
        yield SigningJob(action, sigstore.provider, server, workspace, variables, inputs, sigstore=sigstore)


@pytest.mark.parametrize("verify", VERIFIERS)
def test_what_the_server_stored_is_accepted(job: SigningJob, verify: Callable[[str, Expected], None]) -> None:
    """By sigstore's own verifier, and by the conda client's."""
    finished = job.run()
    assert finished.exit_code == 0, finished.log
    verify(job.served(), job.expected(job.workspace / FILE))


@pytest.mark.parametrize("verify", VERIFIERS)
def test_anything_else_is_rejected(job: SigningJob, verify: Callable[[str, Expected], None]) -> None:
    """Other bytes, another name, another channel, another workflow, another provider, another root."""
    job.run()
    bundle, right = job.served(), job.expected(job.workspace / FILE)
    elsewhere = job.workspace.parent / "elsewhere"
    content = right.package.read_bytes()
    with PrivateSigstore() as stranger:
        other_root = written(elsewhere / "root.json", stranger.trusted_root.encode())
    wrong = [
        replace(right, package=written(elsewhere / "bytes" / FILE, content + b"x")),
        replace(right, package=written(elsewhere / "other-1.0-h0_0.conda", content)),
        replace(right, channel=f"{job.server.url}/octo/other"),
        replace(right, identity=IDENTITY.replace("octo", "evil")),
        replace(right, issuer="https://gitlab.com"),
        replace(right, root=other_root),
    ]
    for expected in wrong:
        with pytest.raises((Error, AttestationError, AssertionError)):
            verify(bundle, expected)


def test_what_the_user_is_told(job: SigningJob) -> None:
    """The log index of each, in an output and in the summary."""
    finished = job.run()
    assert json.loads(finished.outputs["attestations"]) == {FILE: 1000}
    assert "| Signed |" in finished.summary
    assert "| log&nbsp;entry&nbsp;1000 |" in finished.summary
    assert annotated(finished.log, "warning") == []


def test_one_certificate_serves_the_batch(job: SigningJob) -> None:
    """A hundred packages: one certificate, an entry in the log for each."""
    for number in range(99):
        stem = f"tool-{number}-1.0-h0_0"
        written(job.workspace / f"{stem}.conda", conda_bytes(stem))
    finished = job.run()
    assert finished.exit_code == 0, finished.log
    assert len(job.sigstore.authority.requests) == 1
    assert sorted(json.loads(finished.outputs["attestations"]).values()) == list(range(1000, 1100))
    assert job.sigstore.provider.audiences == ["127.0.0.1", "sigstore"]


def test_a_certificate_that_expires_soon_is_renewed(job: SigningJob) -> None:
    """What is signed at its end might be logged after it."""
    written(job.workspace / "other-1.0-h0_0.conda", conda_bytes("other-1.0-h0_0"))
    job.sigstore.authority.lifetime = timedelta(seconds=59)
    assert job.run(concurrency="1").exit_code == 0
    assert len(job.sigstore.authority.requests) == 2
    assert len(job.sigstore.provider.audiences) == 3


def test_a_key_to_upload_and_an_identity_to_sign(job: SigningJob) -> None:
    """Both are used, each for its part; that some servers take no such attestation is a warning."""
    finished = job.run(token=TOKEN)
    assert finished.exit_code == 0
    (warning,) = annotated(finished.log, "warning")
    assert "only from the trusted publisher that uploads it" in warning.data
    assert {request.headers["Authorization"] for request in job.server.uploads} == {f"Bearer {TOKEN}"}
    assert job.sigstore.provider.audiences == ["sigstore"]
    verify_with_sigstore(job.served(), job.expected(job.workspace / FILE))


def test_a_dry_run_signs_nothing(job: SigningJob) -> None:
    """The public log would tell of a package that was never published."""
    assert job.run(dry_run="true").exit_code == 0
    assert job.sigstore.log.requests == job.sigstore.authority.requests == []


def test_what_is_there_is_not_signed_again(job: SigningJob) -> None:
    """Nothing is sent, so there is nothing to sign."""
    job.run()
    finished = job.run()
    assert finished.outputs["present-count"] == "1"
    assert finished.outputs["attestations"] == "{}"
    assert len(job.sigstore.log.requests) == 1


def test_an_upload_whose_answer_was_lost_is_attested_once(job: SigningJob) -> None:
    """A retry sends the same attestation."""
    job.server.fail(Fault(Cut(), path=UPLOAD, at=100))
    finished = job.run(retries="1")
    assert finished.exit_code == 0
    assert len(job.server.uploads) == 2
    assert len(job.sigstore.log.requests) == 1
    verify_with_sigstore(job.served(), job.expected(job.workspace / FILE))


def test_the_form_is_streamed(job: SigningJob) -> None:
    """A large package is no more in memory than without an attestation."""
    size = 50_000_000
    stem = "large-1.0-h0_0"
    noise = tar_member("noise", random.Random(0).randbytes(size))
    written(job.workspace / f"{stem}.conda", conda_bytes(stem, payload_members=[noise], payload=None))
    del noise
    tracemalloc.start()
    try:
        assert job.run().exit_code == 0
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < size


def test_somebody_else_was_quicker(job: SigningJob) -> None:
    """The same bytes came without this attestation, so it is not reported as published."""
    path = job.workspace / FILE
    job.server.fail(Fault(Call(lambda: job.server.publish(CHANNEL, path)), path=UPLOAD))
    finished = job.run()
    assert (finished.exit_code, finished.outputs["present-count"]) == (0, "1")
    assert finished.outputs["attestations"] == "{}"


def test_no_token_is_shown(job: SigningJob) -> None:
    """Not even one that the authority repeats."""
    create = job.sigstore.authority.routes["POST /api/v2/signingCert"]

    def repeat(request: Request) -> object:
        create(request)
        raise Refusal(403, f"not this one: {request.authorization.removeprefix('Bearer ')}")

    job.sigstore.authority.routes["POST /api/v2/signingCert"] = repeat
    finished = job.run()
    assert "not this one: ***" in finished.log
    assert places_that_show(job.sigstore.provider.tokens, finished) == []


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_certificates_of_our_own(
    action: Action, server: LocalChannel, workspace: Path, tmp_path: Path, name: str
) -> None:
    """Either name for them is enough, for the library that signs as for us."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    package(workspace)
    with PrivateSigstore(context) as sigstore:
        written(workspace / "trust.json", sigstore.trust_config.encode())
        inputs = {"attestations": "true", "sigstore_instance": "trust.json", "glob": "*.conda"}
        finished = action(sigstore.provider.environment | {name: str(tmp_path / "ca.pem")}, **inputs)
    assert finished.exit_code == 0, finished.log
    assert server.attestation(CHANNEL, "noarch", FILE) is not None


@pytest.mark.parametrize("name", ["HTTP_PROXY", "all_proxy"])
def test_a_sigstore_on_this_machine_is_reached_directly(job: SigningJob, closed_url: str, name: str) -> None:
    """As a channel is: a proxy would get the identity in the clear."""
    job.variables[name] = closed_url
    finished = job.run()
    assert finished.exit_code == 0, finished.log
    assert job.server.attestation(CHANNEL, "noarch", FILE) is not None


def test_netrc_never_replaces_the_identity(job: SigningJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an earlier step has left there."""
    netrc = written(tmp_path / "home" / ".netrc", b"default login pwned password pwned\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert job.run().exit_code == 0
    (given,) = job.sigstore.authority.authorizations
    assert given == f"Bearer {job.sigstore.provider.tokens[-1]}"
    assert set(job.sigstore.log.authorizations) == {""}


def test_a_public_instance_that_cannot_be_reached(
    job: SigningJob, pauses: Pauses, closed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What to trust is asked for before the identity, and asked for again."""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("HTTPS_PROXY", closed_url)
    finished = job.run(sigstore_instance="staging", retries="1")
    assert finished.exit_code == 5
    (error,) = annotated(finished.log, "error")
    assert "Sigstore did not issue a signing certificate: " in error.data
    assert "TUF" in error.data
    assert len(pauses.seconds) == 1
    assert job.sigstore.provider.audiences == ["127.0.0.1"]
    assert job.server.uploads == []


# What the server makes of it.


def test_an_attestation_that_the_server_dropped(job: SigningJob) -> None:
    """Never silently: the package is there, and the run has failed."""
    job.server.fail(Fault(Answer(200, "[]"), path=SIGS, times=None))
    finished = job.run()
    assert finished.exit_code == 5
    (error,) = annotated(finished.log, "error")
    assert "not the attestation that was uploaded with it" in error.data
    assert finished.outputs["attestations"] == "{}"


def test_an_attestation_that_the_server_does_not_show(job: SigningJob) -> None:
    """Whether it is stored is unknown: that is a warning."""
    job.server.fail(Fault(Answer(404), path=SIGS, times=None))
    finished = job.run()
    assert finished.exit_code == 0
    (warning,) = annotated(finished.log, "warning")
    assert "it could not be read back" in warning.data


def test_an_attestation_that_takes_its_time(job: SigningJob) -> None:
    """It is looked for a few times."""
    job.server.fail(Fault(Answer(404), path=SIGS, times=4))
    finished = job.run()
    assert (finished.exit_code, annotated(finished.log, "warning")) == (0, [])


def test_a_server_that_is_silent_about_attestations(job: SigningJob) -> None:
    """It is not asked for each of many, and again and again."""
    for number in range(9):
        stem = f"tool-{number}-1.0-h0_0"
        written(job.workspace / f"{stem}.conda", conda_bytes(stem))
    job.server.fail(Fault(Cut(), path=SIGS, times=None))
    finished = job.run(concurrency="1")
    assert finished.exit_code == 0
    assert "it could not be read back" in finished.log
    assert sum(SIGS in request.path for request in job.server.requests) == 3


# Failures.


def refuse(part: str, refusal: Refusal) -> Callable[[SigningJob], object]:
    """The authority or the log refuses."""

    def plan(job: SigningJob) -> None:
        getattr(job.sigstore, part).refusal = refusal

    return plan


def answer(part: str, instead: bytes) -> Callable[[SigningJob], object]:
    """It answers with something else."""

    def plan(job: SigningJob) -> None:
        getattr(job.sigstore, part).instead = instead

    return plan


def silence(part: str) -> Callable[[SigningJob], object]:
    """It does not answer."""

    def plan(job: SigningJob) -> None:
        getattr(job.sigstore, part).is_silent = True

    return plan


def distrust(job: SigningJob) -> None:
    """The log's key is another one than the configuration has."""
    with PrivateSigstore() as stranger:
        config = json.loads(job.sigstore.trust_config)
        config["trustedRoot"]["tlogs"] = json.loads(stranger.trust_config)["trustedRoot"]["tlogs"]
    written(job.workspace / "trust.json", json.dumps(config).encode())


def speak_openly(job: SigningJob) -> None:
    """The configuration has an address that is neither https nor on loopback."""
    config = json.loads(job.sigstore.trust_config)
    config["signingConfig"]["caUrls"][0]["url"] = "http://fulcio.invalid"
    written(job.workspace / "trust.json", json.dumps(config).encode())


def expire(job: SigningJob) -> None:
    """Certificates end when they begin."""
    job.sigstore.authority.lifetime = timedelta(0)


@dataclass(frozen=True)
class Failure:
    """One way to fail. `signs` is whether that shows only when a package is signed."""

    what: str
    plan: Callable[[SigningJob], object]
    reads: str
    signs: bool = False


FAILURES = [
    Failure(
        "the authority is down", lambda job: job.sigstore.authority.stop(), "did not issue a signing certificate: "
    ),
    Failure("the authority refuses", refuse("authority", Refusal(403, "not you")), "not you"),
    Failure("the authority fails", refuse("authority", Refusal(500, "out of order")), "out of order"),
    Failure("the authority is silent", silence("authority"), "timed out (127.0.0.1:"),
    Failure(
        "the authority answers with a page", answer("authority", b"<html>"), "did not issue a signing certificate: "
    ),
    Failure("the authority answers with other JSON", answer("authority", b"{}"), "missing certificate chain"),
    Failure("certificates that have expired", expire, "is the clock of this machine right", signs=True),
    Failure("the authority answers with a list", answer("authority", b"[]"), "did not issue a signing certificate: "),
    Failure(
        "the authority gives no certificate",
        answer("authority", NO_CERTIFICATE),
        "did not issue a signing certificate: ",
    ),
    Failure("an authority that is spoken to in the clear", speak_openly, "over unencrypted http"),
    Failure(
        "the log is down",
        lambda job: job.sigstore.log.stop(),
        "could not be signed, so it was not uploaded: ",
        signs=True,
    ),
    Failure("the log refuses", refuse("log", Refusal(400, "malformed")), "malformed", signs=True),
    Failure("the log has it already", refuse("log", Refusal(409, "it exists")), "it exists", signs=True),
    Failure("the log is silent", silence("log"), "timed out (Sigstore's transparency log)", signs=True),
    Failure("the log answers with a page", answer("log", b"<html>"), UNSIGNED, signs=True),
    Failure("the log answers with other JSON", answer("log", b"{}"), "could not be verified", signs=True),
    Failure("the log answers with a list", answer("log", b"[]"), "could not be verified", signs=True),
    Failure("the log answers without an entry", answer("log", b'{"u": {}}'), "could not be verified", signs=True),
    Failure("the log answers with null", answer("log", b"null"), "could not be verified", signs=True),
    Failure("the log is another one", distrust, "could not be verified", signs=True),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.what)
def test_failures(job: SigningJob, failure: Failure) -> None:
    """What cannot be signed is not sent, and the reason is reported; it is not treated as a bug."""
    failure.plan(job)
    finished = job.run(retries="0", timeout="1")
    assert finished.exit_code == 5, finished.log
    errors = [error.data for error in annotated(finished.log, "error")]
    assert any(failure.reads in error for error in errors), errors
    assert any("Sigstore" in error for error in errors)
    assert job.server.uploads == []
    (row,) = json.loads(finished.outputs["packages"])
    assert row["status"] == ("failed" if failure.signs else "not-attempted")


@pytest.mark.parametrize("config", ["", "{}", "<html>", "[]", "null", "[" * 100_000, '{"trustedRoot": 5}', "\udcff"])
@pytest.mark.parametrize("dry_run", ["false", "true"])
def test_a_trust_configuration_that_is_none(job: SigningJob, config: str, dry_run: str) -> None:
    """It is reported with the other problems of the inputs, before anything is sent."""
    written(job.workspace / "trust.json", config.encode("utf-8", "surrogateescape"))
    finished = job.run(timeout="soon", dry_run=dry_run)
    assert finished.exit_code == 2, finished.log
    errors = [error.data for error in annotated(finished.log, "error")]
    assert sum("'sigstore-instance' is not a trust configuration: " in error for error in errors) == 1
    assert sum("'timeout' is 'soon'" in error for error in errors) == 1
    assert (job.server.requests, job.provider.requests) == ([], [])


# A GitHub Enterprise Server.

ENTERPRISE = "https://github.corp.test"


@pytest.mark.parametrize("certified", [ENTERPRISE, "https://github.com"])
@pytest.mark.parametrize("verify", VERIFIERS)
def test_an_enterprise_server_with_its_own_sigstore(
    job: SigningJob, verify: Callable[[str, Expected], None], certified: str
) -> None:
    """Its jobs sign, whichever address its Sigstore's operator has configured for workflows."""
    on_enterprise_server(job)
    job.sigstore.authority.server_url = certified
    finished = job.run()
    assert finished.exit_code == 0, finished.log
    expected = job.expected(job.workspace / FILE)
    identity = IDENTITY.replace("https://github.com", certified)
    verify(job.served(), replace(expected, identity=identity, issuer=job.provider.issuer))


def test_a_certificate_of_another_enterprise_server(job: SigningJob) -> None:
    """It is not accepted."""
    on_enterprise_server(job)
    job.sigstore.authority.server_url = "https://github.other.test"
    finished = job.run()
    assert finished.exit_code == 5
    assert "the signature could not be verified" in annotated(finished.log, "error")[0].data


def test_an_enterprise_server_and_the_public_sigstore(
    job: SigningJob, closed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the server, and does not send anybody to the pages of github.com."""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("HTTPS_PROXY", closed_url)
    on_enterprise_server(job)
    finished = job.run(sigstore_instance="production")
    (error,) = annotated(finished.log, "error")
    assert "this job runs on github.corp.test" in error.data
    assert "'sigstore-instance'" in error.data
    assert "status" not in error.data


def on_enterprise_server(job: SigningJob) -> None:
    """The job runs there."""
    job.provider.server_url = ENTERPRISE
    job.provider.issuer = f"{ENTERPRISE}/_services/token"
    job.variables = dict(job.provider.environment)


def test_a_failed_signature_fails_that_package(job: SigningJob) -> None:
    """The others are signed and sent."""
    for number in range(3):
        stem = f"tool-{number}-1.0-h0_0"
        written(job.workspace / f"{stem}.conda", conda_bytes(stem))
    job.sigstore.log.refusal = Refusal(400, "malformed", times=1)
    finished = job.run(concurrency="1")
    assert finished.exit_code == 5
    assert (finished.outputs["failed-count"], finished.outputs["uploaded-count"]) == ("1", "3")
    assert len(job.server.uploads) == 3


@pytest.mark.parametrize("part", ["authority", "log"])
def test_passing_failures_are_waited_for(job: SigningJob, part: str) -> None:
    """As for uploads."""
    getattr(job.sigstore, part).refusal = Refusal(503, "later", times=2)
    assert job.run(retries="2").exit_code == 0


# What it costs where it is not used.


def test_the_library_is_loaded_only_when_asked_for() -> None:
    """It takes longer to load than all the rest."""
    script = "import sys; sys.path.insert(0, 'src'); import prefix_upload.action; print(*sys.modules)"
    command = [sys.executable, "-I", "-c", script]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)  # noqa: S603 - this interpreter
    assert not {"sigstore", "cryptography", "pydantic", "tuf", STEM} & set(run.stdout.split())
