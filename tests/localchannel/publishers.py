"""Trusted publishing: `POST /api/oidc/mint_token`, and the keys that a request may come with."""

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from localchannel.exchange import Exchange, Refusal, Reply
from localchannel.store import Access

Verify = Callable[[str, str], Mapping[str, Any]]
"""Tells the claims of an identity token for an audience, or raises with a `message` saying why not."""


@dataclass(frozen=True)
class Publisher:
    """A workflow that may publish.

    Attributes:
        repository: Owner and name.
        workflow: The workflow's file name.
        environment: The environment that the job has to name; `None`: any, or none.
        access: What it may do.
    """

    repository: str
    workflow: str
    environment: str | None = None
    access: Access = Access.READ_WRITE

    def matches(self, claims: Mapping[str, Any]) -> bool:
        """Whether these are the claims of this workflow."""
        file = str(claims.get("workflow_ref", "")).partition("@")[0].rpartition("/")[2]
        is_environment = self.environment is None or self.environment == claims.get("environment")
        return (self.repository, self.workflow) == (claims.get("repository"), file) and is_environment


class Keys:
    """API keys and minted tokens, and what each may do."""

    def __init__(
        self,
        keys: Mapping[str, Access],
        publishers: Sequence[Publisher],
        verify: Verify | None,
        *,
        audience: str,
        lifetime: float,
    ) -> None:
        self._keys = dict(keys)
        self._publishers = publishers
        self._verify = verify
        self._audience = audience
        self._secret = secrets.token_hex(32)
        self._lock = threading.Lock()
        self._minted: dict[str, tuple[Access, float]] = {}
        self.lifetime = lifetime

    @property
    def minted(self) -> list[str]:
        """Every token so far."""
        with self._lock:
            return list(self._minted)

    def access(self, key: str | None) -> Access | None:
        """What the bearer may do; nothing if it is unknown or has expired."""
        with self._lock:
            access, expires = self._minted.get(key or "", (None, 0.0))
        if access is not None:
            return access if time.time() < expires else None
        return self._keys.get(key or "")

    def allow(self, key: str, access: Access) -> None:
        """An API key may do this from now on."""
        self._keys[key] = access

    def revoke(self) -> None:
        """No token that was minted so far is good for anything."""
        with self._lock:
            self._minted = {token: (access, 0.0) for token, (access, _) in self._minted.items()}

    def mint(self, exchange: Exchange) -> Reply:
        """A token for the workflow that the identity token in the body is about."""
        if self._verify is None:
            raise Refusal(404, "not found")
        try:
            id_token = json.loads(b"".join(exchange.body.chunks() if exchange.body else ()))["token"]
        except (ValueError, LookupError, TypeError):
            raise Refusal(400, "the body has no token") from None
        claims = self._claims(str(id_token))
        publisher = next((publisher for publisher in self._publishers if publisher.matches(claims)), None)
        if publisher is None:
            raise Refusal(401, "Failed to find OIDC publisher")
        expires = time.time() + self.lifetime
        claims = {"exp": int(expires), "jti": secrets.token_hex(8)}
        token = f"pfx-jwt.{jwt.encode(claims, self._secret, algorithm='HS256')}"
        with self._lock:
            self._minted[token] = (publisher.access, expires)
        return Reply(200, token.encode(), {"Content-Type": "text/plain"})

    def _claims(self, id_token: str) -> Mapping[str, Any]:
        assert self._verify is not None
        try:
            return self._verify(id_token, self._audience)
        except Exception as error:
            # The provider has its own way to refuse.
            raise Refusal(401, f"invalid identity token: {getattr(error, 'message', error)}") from error
