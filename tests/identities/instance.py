"""A private Sigstore instance: its services together, and the configuration by which clients find and trust them."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from cryptography.hazmat.primitives.serialization import Encoding

from identities.fulcio import CertificateAuthority, key_id, public_key_der
from identities.provider import OpenIDProvider
from identities.rekor import TransparencyLog, b64

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

_OPERATOR = "private.test"


class PrivateSigstore:
    """For the length of a `with` block.

    Args:
        tls: Serve everything over TLS.

    Attributes:
        provider: Tells who is asking.
        authority: Makes certificates.
        log: Has an entry of each signature.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._valid_from = datetime.now(UTC) - timedelta(minutes=1)
        self.provider = OpenIDProvider(tls)
        self.authority = CertificateAuthority(self.provider, tls)
        self.log = TransparencyLog(tls)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for service in (self.provider, self.authority, self.log):
            self._stack.enter_context(service)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def trust_config(self) -> str:
        """What a signer needs to know, as JSON."""
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
                "trustedRoot": self._trusted_root(),
                "signingConfig": self._signing_config(),
            }
        )

    @property
    def trusted_root(self) -> str:
        """What a verifier needs to know, as JSON."""
        return json.dumps(self._trusted_root())

    def _trusted_root(self) -> dict[str, Any]:
        certificates = [{"rawBytes": b64(link.public_bytes(Encoding.DER))} for link in self.authority.chain]
        authority = {
            "subject": {"organization": _OPERATOR, "commonName": "sigstore"},
            "uri": self.authority.url,
            "certChain": {"certificates": certificates},
            "validFor": self._valid_for,
        }
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self._trusted_log(self.log.url, self.log.public_key)],
            "ctlogs": [self._trusted_log("http://ct.private.test", self.authority.ct_log.public_key)],
            "certificateAuthorities": [authority],
        }

    def _trusted_log(self, url: str, key: Any) -> dict[str, Any]:
        public_key = {
            "rawBytes": b64(public_key_der(key)),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": self._valid_for,
        }
        return {
            "baseUrl": url,
            "hashAlgorithm": "SHA2_256",
            "publicKey": public_key,
            "logId": {"keyId": b64(key_id(key))},
        }

    def _signing_config(self) -> dict[str, Any]:
        return {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [self._service(self.authority.url)],
            "oidcUrls": [self._service(self.provider.url)],
            "rekorTlogUrls": [self._service(self.log.url)],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaUrls": [],
            "tsaConfig": {"selector": "ANY"},
        }

    def _service(self, url: str) -> dict[str, Any]:
        return {"url": url, "majorApiVersion": 1, "validFor": self._valid_for, "operator": _OPERATOR}

    @property
    def _valid_for(self) -> dict[str, str]:
        return {"start": self._valid_from.strftime("%Y-%m-%dT%H:%M:%SZ")}
