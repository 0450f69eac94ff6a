"""The trust configuration of a Sigstore instance, and the verification of what it certified."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sigstore.errors import Error
from sigstore.models import ClientTrustConfig
from sigstore.verify.policy import Identity

from prefix_upload.errors import AuthenticationError, setting
from prefix_upload.http.urls import uses_secure_transport
from prefix_upload.settings import PRODUCTION, STAGING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sigstore import sign, verify
    from sigstore.dsse import Statement
    from sigstore.models import Bundle

_PAYLOAD_TYPE = "application/vnd.in-toto+json"


class CertifiedSigner:
    """A key with a certificate for the job's identity, and the means to verify its signatures."""

    def __init__(self, signer: sign.Signer, verifier: verify.Verifier, claims: Mapping[str, Any]) -> None:
        self.signer = signer
        # Not known before the first signature, which is made well before the certificate expires.
        self.valid_until = datetime.max.replace(tzinfo=UTC)
        self._verifier = verifier
        # The identity in the certificate, which Fulcio derives from the claims of GitHub's tokens, or of another
        # provider's (fulcio, `docs/oidc.md`).
        workflow = claims.get("job_workflow_ref")
        identity = f"https://github.com/{workflow}" if workflow else claims.get("email") or claims.get("sub", "")
        self._policy = Identity(identity=str(identity), issuer=str(claims.get("iss", "")))

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
        AuthenticationError: the file cannot be read, or is not a trust configuration.
        sigstore.errors.Error: the configuration of a public instance cannot be fetched or verified.
    """
    if instance == PRODUCTION:
        return ClientTrustConfig.production()
    if instance == STAGING:
        return ClientTrustConfig.staging()
    try:
        return ClientTrustConfig.from_json(Path(instance).read_text(encoding="utf-8"))
    except (Error, ValueError, OSError) as error:
        # The first of pydantic's many lines has the number of errors.
        what = str(error).partition("\n")[0]
        raise AuthenticationError(
            f"The file in {setting('sigstore-instance')} is not a trust configuration: {what}.",
            "Use the trust configuration that the operator of your Sigstore instance provides (the one for "
            "'sigstore --trust-config'), or leave it empty for the public instance.",
        ) from error


def require_secure_transport(url: str) -> None:
    """Makes sure that an identity token cannot be read on its way to this URL.

    Raises:
        ValueError: the transport is not secure.
    """
    if not uses_secure_transport(url):
        raise ValueError(f"{url} would receive the identity token over unencrypted http")
