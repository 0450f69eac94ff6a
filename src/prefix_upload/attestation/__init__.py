"""Publish attestations (CEP 27): who published these bytes under this name to this channel, signed and logged.

The only package that uses `sigstore`, which takes a third of a second and tens of megabytes to load: so it is imported
only where packages are to be signed.
"""

from prefix_upload.attestation.signer import Signer

__all__ = ["Signer"]
