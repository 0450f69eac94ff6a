"""Credentials: bearer tokens that are sent to the server's own origin only."""

from prefix_upload.auth.ambient import AmbientIdentity
from prefix_upload.auth.credentials import Anonymous, ApiKey, Credentials
from prefix_upload.auth.identity import GITHUB_COM, IdentityProvider, IdToken, IdTokenRequest
from prefix_upload.secret import Secret

__all__ = [
    "GITHUB_COM",
    "AmbientIdentity",
    "Anonymous",
    "ApiKey",
    "Credentials",
    "IdToken",
    "IdTokenRequest",
    "IdentityProvider",
    "Secret",
]
