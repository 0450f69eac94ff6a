"""The trust configuration of a Sigstore instance, and the verification of what it certified."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sigstore.errors import Error
from sigstore.models import ClientTrustConfig
from sigstore.verify.policy import AnyOf, Identity

from prefix_upload.auth import GITHUB_COM
from prefix_upload.errors import Diagnostic, setting
from prefix_upload.settings import PRODUCTION, STAGING
from prefix_upload.urls import uses_secure_transport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sigstore import sign, verify
    from sigstore.dsse import Statement
    from sigstore.models import Bundle

_PAYLOAD_TYPE = "application/vnd.in-toto+json"


class CertifiedSigner:
    """A key with a certificate for the job's identity, and the means to verify its signatures.

    Args:
        signer: has the key and the certificate.
        verifier: trusts the Sigstore instance.
        claims: the claims of the identity token that the certificate was issued for.
        server_url: the GitHub server that runs the job.
    """

    def __init__(
        self, signer: sign.Signer, verifier: verify.Verifier, claims: Mapping[str, Any], server_url: str
    ) -> None:
        self.signer = signer
        # Not known before the first signature, which is made well before the certificate expires.
        self.valid_until = datetime.max.replace(tzinfo=UTC)
        self._verifier = verifier
        # The identity in the certificate, which Fulcio derives from the claims of GitHub's tokens, or of another
        # provider's (fulcio, `docs/oidc.md`). For a GitHub Enterprise Server, its operator configures the URL that
        # comes first; without that, it is github.com's (fulcio, `pkg/identity/ciprovider`).
        workflow = claims.get("job_workflow_ref")
        identities = (
            [f"{url}/{workflow}" for url in dict.fromkeys((server_url, GITHUB_COM))]
            if workflow
            else [str(claims.get("email") or claims.get("sub", ""))]
        )
        issuer = str(claims.get("iss", ""))
        self._policy = AnyOf([Identity(identity=identity, issuer=issuer) for identity in identities])

    def verify(self, bundle: Bundle, statement: Statement) -> None:
        """Verifies the bundle as clients do, and checks that it contains this statement.

        Raises:
            sigstore.errors.Error: the signature, certificate, log entry or identity is not valid.
            ValueError: the bundle contains a different statement.
        """
        payload_type, payload = self._verifier.verify_dsse(bundle, self._policy)
        if payload_type != _PAYLOAD_TYPE or payload != statement._contents:  # noqa: SLF001 - the bytes that were signed
            raise ValueError("the statement is not the one that was signed")


def load_trust_config(instance: str | Path) -> ClientTrustConfig:
    """The trust configuration of `production`, of `staging`, or of the private instance that a file describes.

    Raises:
        ValueError: the file cannot be read, or is not a trust configuration.
        sigstore.errors.Error: the configuration of a public instance cannot be fetched or verified.
    """
    if instance == PRODUCTION:
        return ClientTrustConfig.production()
    if instance == STAGING:
        return ClientTrustConfig.staging()
    try:
        return ClientTrustConfig.from_json(Path(instance).read_text(encoding="utf-8"))
    except (Error, ValueError, OSError, TypeError, AttributeError, LookupError, RecursionError) as error:
        # The first of pydantic's many lines has the number of errors.
        what = str(error).partition("\n")[0] or type(error).__name__
        raise ValueError(what) from error


def trust_config_errors(instance: str | Path) -> Iterator[Diagnostic]:
    """Yields a diagnostic if a private instance's file is not a trust configuration. Sends no request."""
    if isinstance(instance, Path):
        try:
            load_trust_config(instance)
        except ValueError as error:
            yield Diagnostic(
                f"Invalid {setting('sigstore-instance')}",
                f"The file in {setting('sigstore-instance')} is not a trust configuration: {error}.",
                "Use the trust configuration that the operator of your Sigstore instance provides (the one for "
                "'sigstore --trust-config'), or leave the input empty for the public instance.",
            )


def require_secure_transport(url: str) -> None:
    """Makes sure that an identity token cannot be read on its way to this URL.

    Raises:
        ValueError: the transport is not secure.
    """
    if not uses_secure_transport(url):
        raise ValueError(f"{url} would receive the identity token over unencrypted http")
