"""A job that publishes without an API key, by its identity."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from identities.provider import IDENTITY, ISSUER
from identities.verifying import Expected
from support.building import written
from support.running import CHANNEL

if TYPE_CHECKING:
    from pathlib import Path

    from identities import OpenIDProvider, PrivateSigstore
    from localchannel import Fault, LocalChannel
    from support.action import Action
    from support.running import Finished

FILE = "demo-1.0-h0_0.conda"
"""The package of the job."""


@dataclass
class Job:
    """A job with an identity, a package in its workspace, and a server that knows its workflow.

    `inputs` and `variables` are those of each run.
    """

    action: Action
    provider: OpenIDProvider
    server: LocalChannel
    workspace: Path
    variables: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)

    def run(self, **inputs: str) -> Finished:
        """A run without a token."""
        plain = {"token": "", "server_url": self.server.url, "glob": "*.conda"}
        return self.action(self.variables, **plain | self.inputs | inputs)

    def fail(self, *faults: Fault) -> None:
        """Scripts failures of the server."""
        self.server.fail(*faults)

    @property
    def requests(self) -> list[str]:
        """The paths that the server was asked for, in order."""
        return [request.path for request in self.server.requests]


@dataclass
class SigningJob(Job):
    """One that signs its packages, with a Sigstore instance of its own."""

    sigstore: PrivateSigstore = field(kw_only=True)

    def expected(self, path: Path) -> Expected:
        """What a verifier should find."""
        root = written(self.workspace.parent / "root.json", self.sigstore.trusted_root.encode())
        return Expected(path, f"{self.server.url}/{CHANNEL}", IDENTITY, ISSUER, root)

    def served(self, file: str = FILE) -> str:
        """The one attestation that the channel has of a package."""
        text = self.server.attestation(CHANNEL, "noarch", file)
        assert text is not None
        (bundle,) = json.loads(text)
        return json.dumps(bundle)
