"""The two verifiers: sigstore's own, and the conda client's."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rattler import BuildString, PackageRecord, RepoDataRecord
from rattler.sigstore import Issuer, Publisher, TrustedRoot, VerificationPolicy, verify_attestation
from sigstore.models import Bundle
from sigstore.models import TrustedRoot as SigstoreRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

if TYPE_CHECKING:
    from pathlib import Path

PREDICATE_TYPE = "https://schemas.conda.org/attestations-publish-1.schema.json"


@dataclass(frozen=True)
class Expected:
    """What a user expects of a package's attestation.

    `channel` is the channel's address, `identity` the workflow's, `issuer` its provider's; `root` is a file with the
    trusted root.
    """

    package: Path
    channel: str
    identity: str
    issuer: str
    root: Path
    subdir: str = "noarch"


def verify_with_sigstore(bundle: str, expected: Expected) -> None:
    """Sigstore verifies the envelope; what the statement says is the caller's to compare.

    Raises:
        sigstore.errors.Error: It does not hold.
        AssertionError: It states something else.
    """
    verifier = Verifier(trusted_root=SigstoreRoot.from_file(str(expected.root)))
    policy = Identity(identity=expected.identity, issuer=expected.issuer)
    payload_type, payload = verifier.verify_dsse(Bundle.from_json(bundle), policy)
    sha256 = hashlib.sha256(expected.package.read_bytes()).hexdigest()
    assert payload_type == "application/vnd.in-toto+json"
    assert json.loads(payload) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": expected.package.name, "digest": {"sha256": sha256}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"targetChannel": expected.channel},
    }


def verify_with_conda_client(bundle: str, expected: Expected) -> None:
    """A client that has got the package from the channel.

    It finds a package's attestations by its record's `attestations_sha256` only, beside the package: in
    `<package>.sigs.<attestations_sha256>` (CEP 50). It follows a `file:` address as well, so no server is needed.

    Raises:
        rattler.exceptions.AttestationError: It does not hold, or states something else.
    """
    package = expected.package
    sidecar = f"[{bundle}]".encode()
    digest = hashlib.sha256(sidecar)
    package.with_name(f"{package.name}.sigs.{digest.hexdigest()}").write_bytes(sidecar)
    stem = package.name.removesuffix(".conda").removesuffix(".tar.bz2")
    name, version, build = stem.rsplit("-", 2)
    record = PackageRecord(
        name=name,
        version=version,
        build=BuildString(build),
        build_number=0,
        subdir=expected.subdir,
        sha256=hashlib.sha256(package.read_bytes()).digest(),
        attestations_sha256=digest.digest(),
    )
    publisher = Publisher(identity=expected.identity, issuer=Issuer(expected.issuer))
    outcome = asyncio.run(
        verify_attestation(
            RepoDataRecord(record, package.name, package.absolute().as_uri(), expected.channel),
            VerificationPolicy.require(publisher),
            trusted_root=TrustedRoot.from_path(expected.root),
        )
    )
    assert outcome.attestation is not None
