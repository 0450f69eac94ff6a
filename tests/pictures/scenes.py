"""The runs whose summaries are shown: each publishes packages to a local channel server, through `entrypoint.py`."""

from __future__ import annotations

import random
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from identities import PrivateSigstore
from localchannel import Access, Channel, LocalChannel, Publisher
from support.building import conda_bytes, index_of, tar_member, written
from support.running import TOKEN, RunnerFiles, run

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHANNEL = "demo/stable"
_LOG_PAGE = "https://search.sigstore.dev/?logIndex=184021557"
_README = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_ACTION_REPOSITORY": "org/prefix-upload",
    "GITHUB_ACTION_REF": "v1",
}


@dataclass(frozen=True)
class Scene:
    """A run.

    Attributes:
        title: what it shows.
        packages: the file names of the packages in the workspace, without extension, and their subdirs.
        published: those that the channel has already.
        renamed: a package of the workspace that somebody renamed to this.
        is_signed: whether the job attests its packages, for which it needs an identity instead of an API key.
        inputs: more inputs of the action.
    """

    title: str
    packages: Mapping[str, str]
    published: frozenset[str] = frozenset()
    renamed: str = ""
    is_signed: bool = False
    inputs: Mapping[str, str] = field(default_factory=dict)

    def summary(self) -> str:
        """The job summary of the run, with what differs between two runs replaced."""
        with tempfile.TemporaryDirectory() as scratch, PrivateSigstore() as sigstore:
            folder = Path(scratch)
            workspace, files = folder / "workspace", RunnerFiles.create(folder / "runner")
            with LocalChannel(
                folder / "server",
                {_CHANNEL: Channel()},
                {TOKEN: Access.READ_WRITE},
                publishers=[Publisher("octo/packages", "release.yml")],
                verify=sigstore.provider.verified,
            ) as server:
                self._prepare(workspace, server)
                inputs = {"channel": _CHANNEL, "glob": "output/**/*.conda", "token": TOKEN, "server-url": server.url}
                variables = dict(_README)
                if self.is_signed:
                    written(workspace / "trust.json", sigstore.trust_config.encode())
                    inputs |= {"token": "", "attestations": "true", "sigstore-instance": "trust.json"}
                    variables |= sigstore.provider.environment
                text = run(workspace, inputs | dict(self.inputs), files, **variables).summary
                text = text.replace(server.url, "https://prefix.dev")
        # The public instance has a page for each entry of its log.
        text = re.sub(r"log&nbsp;entry&nbsp;\d+", f"[log&nbsp;entry]({_LOG_PAGE})", text)
        return re.sub(r" in [\d.]+ s · ", " in 2.5 s · ", text).rstrip() + "\n"

    def _prepare(self, workspace: Path, server: LocalChannel) -> None:
        for stem, subdir in self.packages.items():
            path = written(workspace / "output" / subdir / f"{stem}.conda", _package(stem, subdir))
            if stem in self.published:
                server.publish(_CHANNEL, path)
        if self.renamed:
            first = next(iter(self.packages))
            written(workspace / "output" / "noarch" / f"{self.renamed}.conda", _package(first, "noarch"))


def _package(stem: str, subdir: str) -> bytes:
    """A package that is the same in every run, with content that does not compress."""
    content = random.Random(stem).randbytes(200_000 + 90_000 * len(stem))
    return conda_bytes(stem, index=index_of(stem) | {"subdir": subdir}, payload_members=[tar_member("data", content)])


_PACKAGES = {
    "hello-1.0-h0_0": "noarch",
    "hello-native-1.0-hb0f4dca_0": "linux-64",
    "hello-python-1.0-py312h7900ff3_0": "linux-64",
    "hello-native-1.0-h60d57d3_0": "osx-arm64",
    "hello-python-1.0-py312h81bd7bf_0": "osx-arm64",
}
SCENES = {
    "success": Scene(
        "A release: four packages are new, one is there already",
        _PACKAGES,
        frozenset({"hello-1.0-h0_0"}),
        is_signed=True,
    ),
    "failure": Scene(
        "A package that somebody renamed by hand: nothing is uploaded", _PACKAGES, renamed="hello-2.0-h0_0"
    ),
    "dry-run": Scene(
        "A dry run, as in a pull request",
        _PACKAGES,
        frozenset({"hello-1.0-h0_0"}),
        inputs={"dry-run": "true", "token": ""},
    ),
}
"""The scenes by the names of their pictures."""
