"""Publish attestations (CEP 27): who published these bytes under this name to this channel, signed and logged.

The only module that uses `sigstore`, which takes a third of a second and tens of megabytes to load: so it is imported
only where packages are to be signed.
"""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import requests
import urllib3
from cryptography import exceptions, x509
from sigstore import sign, verify
from sigstore._internal.fulcio import ExpiredCertificate
from sigstore._internal.fulcio.client import FulcioClientError
from sigstore._internal.rekor import RekorClientError
from sigstore.dsse import DigestSet, Statement, StatementBuilder, Subject
from sigstore.errors import Error, TUFError
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import ExpiredIdentity, IdentityToken
from sigstore.verify.policy import Identity

from prefix_upload.errors import AttestationError, AuthenticationError
from prefix_upload.http import RequestError, Response, reason
from prefix_upload.report import Attestation
from prefix_upload.settings import PRODUCTION, STAGING, uses_secure_transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from prefix_upload.auth import IdentityProvider
    from prefix_upload.concurrency import Submit
    from prefix_upload.http import RetryPolicy
    from prefix_upload.package.model import Package

_Result = TypeVar("_Result")

# CEP 27, "Publish attestation".
_PREDICATE_TYPE = "https://schemas.conda.org/attestations-publish-1.schema.json"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
# The only audience that Sigstore takes (fulcio, `docs/oidc.md`).
_AUDIENCE = "sigstore"
# A certificate is good for ten minutes; what is signed later than this before its end could be logged too late.
_MARGIN = timedelta(seconds=60)
# What the library raises for answers that are not what they should be: it reads them without a look at their shape.
_MALFORMED = (
    Error,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    OSError,
    urllib3.exceptions.HTTPError,
    x509.ExtensionNotFound,
    exceptions.UnsupportedAlgorithm,
)
# Where people look up an entry of the public log.
_LOG_PAGES = {PRODUCTION: "https://search.sigstore.dev/?logIndex={}"}


class Signer:
    """Signs packages for one channel with the job's identity. May be used by several threads at once.

    One certificate serves all packages; another one is asked for before it expires.

    Args:
        instance: `production`, `staging`, or the file that describes a private instance.
        channel_url: the channel as conda clients know it, without a slash at the end.
        identity: who this job is.
        patience: how long to keep trying.
        submit: starts each request of the library, which has no timeout of its own, in the background.

    The library finds proxies and certificates by the environment, which is completed for it.
    """

    def __init__(
        self,
        instance: str | Path,
        channel_url: str,
        identity: IdentityProvider,
        retry_policy: RetryPolicy,
        submit: Submit,
    ) -> None:
        self._instance = instance
        self._channel_url = channel_url
        self._identity = identity
        self._retry_policy = retry_policy
        self._submit = submit
        self._lock = threading.Lock()
        self._config: ClientTrustConfig | None = None
        self._certified: _Certified | None = None
        _complete(os.environ)

    def prepare(self) -> None:
        """Gets a certificate, so that a failure shows before anything is sent.

        Raises:
            AuthenticationError: there is none to be had, for any package.
        """
        self._current()

    def sign(self, package: Package) -> Attestation:
        """The attestation of a package, verified.

        Raises:
            AttestationError: it could not be signed, or what came of it does not hold.
            AuthenticationError: there is no certificate any more.
        """
        for _ in range(2):
            certified = self._current()
            try:
                return self._signed(package, certified)
            except ExpiredCertificate:
                certified.good_until = self._retry_policy.now()
        raise _unsigned("each certificate had expired before it was used; is the machine's clock right?")

    def _signed(self, package: Package, certified: _Certified) -> Attestation:
        statement = self._statement(package)
        try:
            bundle = self._trying(lambda: certified.signer.sign_dsse(statement))
            certified.verify(bundle, statement)
            attestation = self._attestation(bundle)
        except _RefusedError as error:
            raise _unsigned(str(error)) from error
        except _MALFORMED as error:
            raise _unsigned(f"what was signed does not hold ({_said(error)})") from error
        certified.good_until = bundle.signing_certificate.not_valid_after_utc
        return attestation

    def _statement(self, package: Package) -> Statement:
        """CEP 27: one subject, the file's name and hash; and the channel that it is for."""
        subject = Subject(name=package.file_name, digest=DigestSet(root={"sha256": package.sha256}))
        predicate = {"targetChannel": self._channel_url}
        return StatementBuilder([subject], _PREDICATE_TYPE, predicate).build()

    def _attestation(self, bundle: Bundle) -> Attestation:
        text = bundle.to_json()
        (entry,) = json.loads(text)["verificationMaterial"]["tlogEntries"]
        index = int(entry["logIndex"])
        return Attestation(bundle=text, log_index=index, url=_LOG_PAGES.get(str(self._instance), "").format(index))

    def _current(self) -> _Certified:
        """The key with its certificate, another one where that is about to expire."""
        with self._lock:
            if self._certified is None or self._retry_policy.now() + _MARGIN >= self._certified.good_until:
                self._certified = self._certify()
            return self._certified

    def _certify(self) -> _Certified:
        try:
            config = self._config = self._config or self._trying(lambda: _trust_config(self._instance))
            context = sign.SigningContext.from_trust_config(config)
            _require_secure_transport(context._fulcio.url)  # noqa: SLF001 - whom the identity is told to
            token = self._identity.id_token(_AUDIENCE)
            identity_token = IdentityToken(token.secret.reveal())
            signer = self._trying(lambda: sign.Signer(identity_token, context))
            return _Certified(signer, verify.Verifier(trusted_root=config.trusted_root), token.claims)
        except _RefusedError as error:
            raise _no_certificate(str(error)) from error
        except ExpiredIdentity as error:
            raise _no_certificate("it took so long that the identity token expired") from error
        except _MALFORMED as error:
            raise _no_certificate(_said(error)) from error

    def _trying(self, work: Callable[[], _Result]) -> _Result:
        """The result of something that asks Sigstore's servers, tried again where that fails in passing.

        Raises:
            _RefusedError: a server said no, or did not answer in the end.
        """
        try:
            told = self._retry_policy.call(partial(self._attempt, work))
        except RequestError as error:
            raise _RefusedError(str(error)) from error
        if isinstance(told, Response):
            raise _RefusedError(reason(told))
        return told

    def _attempt(self, work: Callable[[], _Result], timeout: float) -> _Result | Response:
        try:
            return self._submit(work).result(timeout)
        except (requests.RequestException, TimeoutError) as error:
            raise RequestError(str(error) or "nothing came in time", may_have_arrived=False) from error
        except TUFError as error:
            raise RequestError(_said(error), may_have_arrived=False) from error
        except (FulcioClientError, RekorClientError) as error:
            return _response_to(error)


class _RefusedError(Exception):
    """Sigstore's servers gave no certificate or no entry. The text says why."""


class _Certified:
    """A key with a certificate for the job's identity, and what verifies that it has signed."""

    def __init__(self, signer: sign.Signer, verifier: verify.Verifier, claims: Mapping[str, Any]) -> None:
        self.signer = signer
        # Not known before the first signature; certificates are good for longer than that takes.
        self.good_until = datetime.max.replace(tzinfo=UTC)
        self._verifier = verifier
        # What Fulcio makes of the claims of GitHub's tokens (fulcio, `docs/oidc.md`), or of another provider's.
        workflow = claims.get("job_workflow_ref")
        identity = f"https://github.com/{workflow}" if workflow else claims.get("email") or claims.get("sub", "")
        self._policy = Identity(identity=str(identity), issuer=str(claims.get("iss", "")))

    def verify(self, bundle: Bundle, statement: Statement) -> None:
        """Makes sure that anybody can verify the bundle, and that it states what it should.

        Raises:
            sigstore.errors.Error: signature, certificate, log entry or identity do not hold.
            ValueError: it states something else.
        """
        payload_type, payload = self._verifier.verify_dsse(bundle, self._policy)
        if payload_type != _PAYLOAD_TYPE or payload != statement._contents:  # noqa: SLF001 - the bytes that were signed
            raise ValueError("it states something else")


def _trust_config(instance: str | Path) -> ClientTrustConfig:
    if instance == PRODUCTION:
        return ClientTrustConfig.production()
    if instance == STAGING:
        return ClientTrustConfig.staging()
    try:
        return ClientTrustConfig.from_json(Path(instance).read_text(encoding="utf-8"))
    except (Error, ValueError, OSError) as error:
        # Of pydantic's many lines the first one says how much is wrong.
        what = str(error).partition("\n")[0]
        raise AuthenticationError(
            f"The file of the input 'sigstore-instance' is no trust configuration: {what}.",
            "Name the one that the operator of your Sigstore instance hands out ('sigstore --trust-config' takes the "
            "same), or leave the input out for the public instance.",
        ) from error


def _require_secure_transport(url: str) -> None:
    if not uses_secure_transport(url):
        raise ValueError(f"{url} would be told this job's identity over plain http, where it could be read on the way")


def _complete(environ: MutableMapping[str, str]) -> None:
    """Lets the library's sessions do what our own client does.

    The two ways to name certificates are worth the same, of which each of its parts knows one; and requests would
    replace the identity by what `~/.netrc` has for the host.
    """
    bundles = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
    bundle = next((environ[name] for name in bundles if environ.get(name)), None)
    for name in bundles:
        if bundle and not environ.get(name):
            environ[name] = bundle
    environ["NETRC"] = os.devnull


def _said(error: BaseException) -> str:
    """What went wrong and, if the library tells, why."""
    texts = [str(error) or type(error).__name__, str(error.__cause__ or "")]
    return ": ".join(text for text in texts if text)


def _response_to(error: FulcioClientError | RekorClientError) -> Response:
    """The server's answer, which the library's own message may not have.

    Raises:
        _RefusedError: it was a success that the library makes nothing of.
    """
    cause = error.__cause__ or error.__context__
    response = cause.response if isinstance(cause, requests.HTTPError) else None
    if response is None:
        raise _RefusedError(str(error)) from error
    return Response(response.status_code, response.headers, response.content, is_complete=True)


def _unsigned(why: str) -> AttestationError:
    return AttestationError(f"The package was not signed, and so not sent: {why}.", _HINT)


def _no_certificate(why: str) -> AuthenticationError:
    return AuthenticationError(f"Sigstore gave this job no signing certificate: {why}.", _HINT)


# Said where Sigstore does not do its part.
_HINT = "Run the step again. If Sigstore is not well (status.sigstore.dev), wait, or set 'attestations: false'."
