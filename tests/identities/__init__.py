"""Who signs: GitHub's OpenID provider and a private Sigstore instance, on the loopback interface.

Nothing is mocked on the client's side. Keys, signatures, the Merkle tree and its proofs are real; only the roots of
trust are the tests' own. Each part listens on a port of its own, so that a test can let any single one refuse,
dawdle or be down.
"""

from identities.instance import PrivateSigstore
from identities.loopback import Refusal
from identities.provider import GITHUB_CLAIMS, OpenIDProvider

__all__ = ["GITHUB_CLAIMS", "OpenIDProvider", "PrivateSigstore", "Refusal"]
