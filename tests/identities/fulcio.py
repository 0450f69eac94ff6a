"""The certificate authority (Fulcio), with its certificate transparency log."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from identities import der
from identities.loopback import LoopbackService, Refusal, Request

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from identities.provider import OpenIDProvider

_AUDIENCE = "sigstore"
_KEY_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
# Fulcio's extensions (docs/oid-info.md), 1.3.6.1.4.1.57264.1.<arc>, made of the claims of a GitHub Actions token. One
# for which a claim is missing is left out.
_CLAIM_EXTENSIONS = {
    1: "{iss}",
    2: "{event_name}",
    3: "{sha}",
    4: "{workflow}",
    5: "{repository}",
    6: "{ref}",
    8: "{iss}",
    9: "{server_url}/{job_workflow_ref}",
    10: "{job_workflow_sha}",
    11: "{runner_environment}",
    12: "{server_url}/{repository}",
    13: "{sha}",
    14: "{ref}",
    15: "{repository_id}",
    16: "{server_url}/{repository_owner}",
    17: "{repository_owner_id}",
    18: "{server_url}/{workflow_ref}",
    19: "{workflow_sha}",
    20: "{event_name}",
    21: "{server_url}/{repository}/actions/runs/{run_id}/attempts/{run_attempt}",
    22: "{repository_visibility}",
}
# The first extensions are the bare text, those from this arc on a DER UTF8String.
_FIRST_DER_ARC = 8


def public_key_der(key: Any) -> bytes:
    """A public key as logs and trusted roots have it."""
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def key_id(key: Any) -> bytes:
    """A log's ID (RFC 6962, section 3.2): the SHA-256 of its public key's DER."""
    return hashlib.sha256(public_key_der(key)).digest()


def _key_usage(*usages: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in usages for usage in _KEY_USAGES})


@dataclass(frozen=True)
class Authority:
    """A certificate of a CA, with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def create(cls, common_name: str, path_length: int, issuer: Authority | None = None) -> Authority:
        """A root, or what another authority vouches for."""
        key = ec.generate_private_key(ec.SECP384R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "private.test"),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )
        issuer_name = issuer.certificate.subject if issuer else subject
        issuer_key = issuer.key if issuer else key
        builder = _certificate(subject, key.public_key(), issuer_name, issuer_key, timedelta(days=1))
        constraints = x509.BasicConstraints(ca=True, path_length=path_length)
        builder = builder.add_extension(constraints, critical=True)
        builder = builder.add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        return cls(builder.sign(issuer_key, hashes.SHA384()), key)

    def builder(self, key: Any, lifetime: timedelta) -> x509.CertificateBuilder:
        """Begins a certificate without a subject, whose identity is in its extensions."""
        return _certificate(x509.Name([]), key, self.certificate.subject, self.key, lifetime)

    def sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        """Ends it."""
        return builder.sign(self.key, hashes.SHA384())


def _certificate(
    subject: x509.Name, key: Any, issuer: x509.Name, issuer_key: ec.EllipticCurvePrivateKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    # Whole seconds, as the log's integrated time, which must not lie before the start.
    now = datetime.now(UTC).replace(microsecond=0)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), now, now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(authority, critical=False)
    )


class CertificateTransparencyLog:
    """The log that Fulcio submits precertificates to; here it only makes their SCTs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.public_key = self._key.public_key()

    def sct_list(self, precertificate: x509.Certificate, issuer_key: Any) -> bytes:
        """A SignedCertificateTimestampList (RFC 6962, section 3.3) with one SCT.

        The signature (section 3.2) covers the TBSCertificate without the SCT extension, and binds it to the issuer by
        the hash of the issuer's key.
        """
        tbs = precertificate.tbs_certificate_bytes
        timestamp = struct.pack("!Q", int(time.time()) * 1000)
        no_extensions = struct.pack("!H", 0)
        entry = struct.pack("!H", 1) + key_id(issuer_key) + len(tbs).to_bytes(3, "big") + tbs
        signed = bytes([0, 0]) + timestamp + entry + no_extensions
        signature = self._key.sign(signed, ec.ECDSA(hashes.SHA256()))
        sha256_with_ecdsa = bytes([4, 3])  # RFC 5246, section 7.4.1.4.1
        sct = bytes([0]) + key_id(self.public_key) + timestamp + no_extensions
        sct += sha256_with_ecdsa + struct.pack("!H", len(signature)) + signature
        return struct.pack("!HH", len(sct) + 2, len(sct)) + sct


def _claim_extensions(claims: Mapping[str, object]) -> Iterator[x509.UnrecognizedExtension]:
    for arc, template in _CLAIM_EXTENSIONS.items():
        try:
            text = template.format_map(claims).encode()
        except KeyError:
            continue
        value = text if arc < _FIRST_DER_ARC else der.encode(der.UTF8_STRING, text)
        yield x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{arc}"), value)


def _subject_alternative_name(claims: Mapping[str, object], server_url: str) -> x509.SubjectAlternativeName:
    """The signer's identity: a workflow's address, or the subject."""
    workflow = claims.get("job_workflow_ref")
    uri = f"{server_url}/{workflow}" if workflow else str(claims["sub"])
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])


class CertificateAuthority(LoopbackService):
    """Gives the holder of an identity token a certificate that is good for minutes: `POST /api/v2/signingCert`."""

    def __init__(self, provider: OpenIDProvider, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.ct_log = CertificateTransparencyLog()
        self.lifetime = timedelta(minutes=10)
        # What Fulcio's operator configures as the start of a workflow's address.
        self.server_url = "https://github.com"
        self._provider = provider
        root = Authority.create("root", path_length=1)
        self._issuer = Authority.create("intermediate", path_length=0, issuer=root)
        self.chain = [self._issuer.certificate, root.certificate]
        self.routes["POST /api/v2/signingCert"] = self._signing_certificate

    def _signing_certificate(self, request: Request) -> dict[str, Any]:
        claims = self._provider.verified(request.authorization.removeprefix("Bearer "), _AUDIENCE)
        pem = base64.b64decode(json.loads(request.body)["certificateSigningRequest"])
        signing_request = x509.load_pem_x509_csr(pem)
        # The request's own signature is the proof that the caller holds the private key.
        if not signing_request.is_signature_valid:
            raise Refusal(400, "The signature supplied in the request could not be verified")
        certificates = [self._issue(signing_request.public_key(), claims), *self.chain]
        pems = [certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates]
        return {"signedCertificateEmbeddedSct": {"chain": {"certificates": pems}}}

    def _issue(self, key: Any, claims: Mapping[str, object]) -> x509.Certificate:
        builder = self._issuer.builder(key, self.lifetime)
        # The identity is in the SAN alone, which RFC 5280, section 4.1.2.6, then wants critical.
        builder = builder.add_extension(_subject_alternative_name(claims, self.server_url), critical=True)
        builder = builder.add_extension(_key_usage("digital_signature"), critical=True)
        code_signing = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
        builder = builder.add_extension(code_signing, critical=False)
        for extension in _claim_extensions({**claims, "server_url": self.server_url}):
            builder = builder.add_extension(extension, critical=False)
        # RFC 6962, section 3.1: the log signs the certificate as it is before the SCT goes in. (The precertificate's
        # poison extension is no part of what is signed: none here.)
        scts = self.ct_log.sct_list(self._issuer.sign(builder), self._issuer.key.public_key())
        extension = x509.UnrecognizedExtension(_SCT_LIST, der.encode(der.OCTET_STRING, scts))
        return self._issuer.sign(builder.add_extension(extension, critical=False))
