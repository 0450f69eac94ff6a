"""Publish attestations (CEP 27): signed and logged statements of who published which bytes to which channel.

This is the only package that uses `sigstore`, which takes a third of a second and tens of megabytes to load. It is
imported only if packages are to be signed.
"""

from prefix_upload.attestation.signer import Signer

__all__ = ["Signer"]
