"""The transparency log (Rekor v1, as the public instance has it): `POST /api/v1/log/entries` for DSSE envelopes."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from identities.fulcio import key_id
from identities.loopback import LoopbackService, Refusal, Request

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence


def b64(data: bytes) -> str:
    """Base64 as text."""
    return base64.b64encode(data).decode("ascii")


def _canonical_json(value: Any) -> bytes:
    """RFC 8785, for what the log writes: ASCII strings and small integers only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def _leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def _split(leaves: Sequence[bytes]) -> int:
    """The largest power of two that is smaller than the number of leaves."""
    return 1 << (len(leaves) - 1).bit_length() - 1


def _tree_hash(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash (RFC 6962, section 2.1) over the hashes of the leaves."""
    if len(leaves) == 1:
        return leaves[0]
    k = _split(leaves)
    return hashlib.sha256(b"\x01" + _tree_hash(leaves[:k]) + _tree_hash(leaves[k:])).digest()


def _audit_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The proof of inclusion (RFC 6962, section 2.1.1) of the leaf at `index`."""
    if len(leaves) == 1:
        return []
    k = _split(leaves)
    if index < k:
        return [*_audit_path(index, leaves[:k]), _tree_hash(leaves[k:])]
    return [*_audit_path(index - k, leaves[k:]), _tree_hash(leaves[:k])]


@dataclass(frozen=True)
class Inclusion:
    """The proof that the tree of `tree_size` leaves has a certain one at `index`."""

    index: int
    tree_size: int
    root_hash: bytes
    hashes: list[bytes]
    checkpoint: str


class TransparencyLog(LoopbackService):
    """A Merkle tree with signed checkpoints, which takes what verifies."""

    origin = "rekor.private.test - 42"
    # The log's earlier trees (shards) had so many entries: an entry's index in the log is not its index in the tree.
    first_index = 1_000

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.public_key = self._key.public_key()
        self._id = key_id(self.public_key)
        self._entries: list[bytes] = []
        self._lock = threading.Lock()
        self.routes["POST /api/v1/log/entries"] = self._create

    def _create(self, request: Request) -> dict[str, Any]:
        body = _entry_body(json.loads(request.body))
        inclusion = self._append(body)
        entry = {
            "body": b64(body),
            "integratedTime": int(time.time()),
            "logID": self._id.hex(),
            "logIndex": self.first_index + inclusion.index,
        }
        verification = {
            # The SET: a promise of inclusion that vouches for the integrated time as well.
            "signedEntryTimestamp": b64(self._sign(_canonical_json(entry))),
            "inclusionProof": {
                "logIndex": inclusion.index,
                "treeSize": inclusion.tree_size,
                "rootHash": inclusion.root_hash.hex(),
                "hashes": [node.hex() for node in inclusion.hashes],
                "checkpoint": inclusion.checkpoint,
            },
        }
        return {_leaf_hash(body).hex(): {**entry, "verification": verification}}

    def _append(self, entry: bytes) -> Inclusion:
        with self._lock:
            if entry in self._entries:
                raise Refusal(409, "an equivalent entry already exists in the transparency log")
            self._entries.append(entry)
            leaves = [_leaf_hash(entry) for entry in self._entries]
        index, root_hash = len(leaves) - 1, _tree_hash(leaves)
        checkpoint = self._checkpoint(len(leaves), root_hash)
        return Inclusion(index, len(leaves), root_hash, _audit_path(index, leaves), checkpoint)

    def _sign(self, data: bytes) -> bytes:
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))

    def _checkpoint(self, tree_size: int, root_hash: bytes) -> str:
        """A checkpoint (C2SP tlog-checkpoint) as a signed note (C2SP signed-note)."""
        text = f"{self.origin}\n{tree_size}\n{b64(root_hash)}\n"
        # A hint at the key comes first. Rekor's is the start of the log's ID.
        signature = b64(self._id[:4] + self._sign(text.encode()))
        return f"{text}\n\N{EM DASH} {self.origin.split()[0]} {signature}\n"


def _entry_body(proposed: Any) -> bytes:
    """The entry as the log keeps it: hashes and signatures, not the payload."""
    if (proposed.get("kind"), proposed.get("apiVersion")) != ("dsse", "0.0.1"):
        raise Refusal(400, "only entries of kind dsse 0.0.1 are taken")
    content = proposed["spec"]["proposedContent"]
    (verifier,) = content["verifiers"]
    envelope = json.loads(content["envelope"])
    (signature,) = [signature["sig"] for signature in envelope["signatures"]]
    media_type, payload = envelope["payloadType"], base64.b64decode(envelope["payload"])
    # The pre-authentication encoding (PAE) of the DSSE protocol.
    signed = f"DSSEv1 {len(media_type)} {media_type} {len(payload)} ".encode() + payload
    _require_signature(base64.b64decode(verifier), base64.b64decode(signature), signed)
    spec = {
        "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(content["envelope"].encode()).hexdigest()},
        "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
        "signatures": [{"signature": signature, "verifier": verifier}],
    }
    return _canonical_json({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})


def _require_signature(certificate_pem: bytes, signature: bytes, signed: bytes) -> None:
    """Rekor takes an entry only if its signature verifies."""
    key = x509.load_pem_x509_certificate(certificate_pem).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Refusal(400, "the signature does not verify with the entry's certificate") from None
