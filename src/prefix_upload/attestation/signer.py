"""Signs packages with a Sigstore certificate."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import requests
from sigstore import sign, verify
from sigstore._internal.fulcio import ExpiredCertificate
from sigstore._internal.fulcio.client import FulcioClientError
from sigstore._internal.rekor import RekorClientError
from sigstore.dsse import DigestSet, Statement, StatementBuilder, Subject
from sigstore.errors import TUFError
from sigstore.oidc import ExpiredIdentity, IdentityToken

from prefix_upload.attestation.errors import MALFORMED, RefusedError, describe, response_to
from prefix_upload.attestation.trust import (
    CertifiedSigner,
    load_trust_config,
    require_secure_transport,
)
from prefix_upload.auth import GITHUB_COM
from prefix_upload.errors import AttestationError, AuthenticationError, setting
from prefix_upload.http import RequestError, Response, describe_failure
from prefix_upload.http.proxies import route_to
from prefix_upload.report import Attestation
from prefix_upload.settings import PRODUCTION, STAGING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sigstore.models import Bundle, ClientTrustConfig

    from prefix_upload.auth import IdentityProvider
    from prefix_upload.concurrency import Submit
    from prefix_upload.http import RetryPolicy
    from prefix_upload.package.model import Package

_Result = TypeVar("_Result")

# CEP 27, "Publish attestation".
_PREDICATE_TYPE = "https://schemas.conda.org/attestations-publish-1.schema.json"
# The only audience that Sigstore accepts (fulcio, `docs/oidc.md`).
_AUDIENCE = "sigstore"
# A certificate, valid for ten minutes, is replaced this long before it expires, because a later signature might be
# logged too late.
_MARGIN = timedelta(seconds=60)
_PUBLIC = frozenset({PRODUCTION, STAGING})
# Where users can look up an entry of the public log.
_LOG_PAGES = {PRODUCTION: "https://search.sigstore.dev/?logIndex={}"}


class Signer:
    """Signs packages for one channel with the job's identity. Safe to use from several threads.

    One certificate serves all packages, and is replaced before it expires. The library takes proxies and CA bundles
    from the environment (see `secure_environment`).

    Args:
        instance: `production`, `staging`, or the file that describes a private instance.
        channel_url: the channel's URL as conda clients know it, without a trailing slash.
        identity: provides the job's identity tokens.
        retry_policy: when to retry, and the current time.
        submit: runs the library's calls in the background, because its requests have no timeout.
        redact: removes secrets from what a server says, before it is shown.
    """

    def __init__(
        self,
        instance: str | Path,
        channel_url: str,
        identity: IdentityProvider,
        retry_policy: RetryPolicy,
        submit: Submit,
        *,
        redact: Callable[[str], str],
    ) -> None:
        self._instance = instance
        self._channel_url = channel_url
        self._identity = identity
        self._retry_policy = retry_policy
        self._submit = submit
        self._redact = redact
        self._lock = threading.Lock()
        self._config: ClientTrustConfig | None = None
        self._certified: CertifiedSigner | None = None

    def prepare(self) -> None:
        """Obtains a certificate, so that a failure shows before anything is sent.

        Raises:
            AuthenticationError: no certificate can be obtained.
        """
        self._current_certificate()

    def sign(self, package: Package) -> Attestation:
        """Signs a package and verifies the resulting attestation.

        Raises:
            AttestationError: the package could not be signed, or the attestation is not valid.
            AuthenticationError: no certificate can be obtained.
        """
        for _ in range(2):
            certified = self._current_certificate()
            try:
                return self._sign_with(package, certified)
            except ExpiredCertificate:
                certified.valid_until = self._retry_policy.now()
        raise _unsigned("every certificate expired before it was used; is the clock of this machine right?")

    def _sign_with(self, package: Package, certified: CertifiedSigner) -> Attestation:
        statement = self._statement(package)
        try:
            bundle = self._with_retries(lambda: certified.signer.sign_dsse(statement), "Sigstore's transparency log")
            certified.verify(bundle, statement)
            attestation = self._attestation(bundle)
        except RefusedError as error:
            raise _unsigned(str(error)) from error
        except MALFORMED as error:
            raise _unsigned(f"the signature could not be verified ({describe(error)})") from error
        certified.valid_until = bundle.signing_certificate.not_valid_after_utc
        return attestation

    def _statement(self, package: Package) -> Statement:
        """The statement to sign (CEP 27): one subject with the file's name and hash, and the target channel."""
        subject = Subject(name=package.file_name, digest=DigestSet(root={"sha256": package.sha256}))
        predicate = {"targetChannel": self._channel_url}
        return StatementBuilder([subject], _PREDICATE_TYPE, predicate).build()

    def _attestation(self, bundle: Bundle) -> Attestation:
        text = bundle.to_json()
        (entry,) = json.loads(text)["verificationMaterial"]["tlogEntries"]
        index = int(entry["logIndex"])
        return Attestation(bundle=text, log_index=index, url=_LOG_PAGES.get(str(self._instance), "").format(index))

    def _current_certificate(self) -> CertifiedSigner:
        """The current key and certificate, replaced if the certificate is about to expire."""
        with self._lock:
            if self._certified is None or self._retry_policy.now() + _MARGIN >= self._certified.valid_until:
                self._certified = self._certify()
            return self._certified

    def _certify(self) -> CertifiedSigner:
        try:
            config = self._config = self._config or self._with_retries(
                lambda: load_trust_config(self._instance), "Sigstore's repository of trust"
            )
            context = sign.SigningContext.from_trust_config(config)
            url = context._fulcio.url  # noqa: SLF001 - where the identity token is sent
            require_secure_transport(url)
            token = self._identity.id_token(_AUDIENCE)
            identity_token = IdentityToken(token.secret.reveal())
            signer = self._with_retries(lambda: sign.Signer(identity_token, context), route_to(url))
            verifier = verify.Verifier(trusted_root=config.trusted_root)
            return CertifiedSigner(signer, verifier, token.claims, self._identity.server_url)
        except RefusedError as error:
            raise self._no_certificate(str(error)) from error
        except ExpiredIdentity as error:
            raise self._no_certificate("the identity token expired first") from error
        except MALFORMED as error:
            raise self._no_certificate(describe(error)) from error

    def _no_certificate(self, why: str) -> AuthenticationError:
        message = f"Sigstore did not issue a signing certificate: {why}."
        if self._instance in _PUBLIC and self._identity.server_url != GITHUB_COM:
            host = urlsplit(self._identity.server_url).hostname
            return AuthenticationError(message, _ENTERPRISE_HINT.format(host))
        return AuthenticationError(message, _HINT, _STATUS_PAGE if self._instance in _PUBLIC else "")

    def _with_retries(self, work: Callable[[], _Result], server: str) -> _Result:
        """The result of `work`, which sends requests to a server of Sigstore and is retried after transient failures.

        Raises:
            RefusedError: a server refused the request, or the last attempt got no response.
        """
        try:
            result = self._retry_policy.call(partial(self._attempt, work, server))
        except RequestError as error:
            raise RefusedError(str(error)) from error
        if isinstance(result, Response):
            raise RefusedError(describe_failure(result))
        return result

    def _attempt(self, work: Callable[[], _Result], server: str, timeout: float) -> _Result | Response:
        try:
            return self._submit(work).result(timeout)
        except (requests.RequestException, TimeoutError) as error:
            raise RequestError(str(error) or f"timed out ({server})", may_have_arrived=False) from error
        except TUFError as error:
            raise RequestError(describe(error), may_have_arrived=False) from error
        except (FulcioClientError, RekorClientError) as error:
            return response_to(error, self._redact)


def _unsigned(why: str) -> AttestationError:
    return AttestationError(f"The package could not be signed, so it was not uploaded: {why}.", _HINT)


# What to do if Sigstore fails.
_HINT = f"Try again. If Sigstore is down, wait, or set {setting('attestations', 'false')}."
_STATUS_PAGE = "https://status.sigstore.dev"
_ENTERPRISE_HINT = (
    "The public Sigstore instance accepts identities of github.com, and this job runs on {}. Pass the trust "
    f"configuration of your own Sigstore instance as {setting('sigstore-instance')}, or set "
    f"{setting('attestations', 'false')}."
)
