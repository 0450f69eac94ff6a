"""The demonstration: packages are built, published as in a workflow, refused where broken, verified and installed.

Everything is real but the addresses: `entrypoint.py` runs as the container runs it, the packages come from
rattler-build, and the clients that verify and install are sigstore's and pixi's. The channel server, and who knows the
workflow and certifies it, are the local ones of the tests.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path

from identities import PrivateSigstore
from identities.provider import IDENTITY, ISSUER
from identities.verifying import Expected, verify_with_conda_client, verify_with_sigstore
from localchannel import Channel, LocalChannel, Publisher
from support.building import package, written
from support.installing import install
from support.running import Finished, RunnerFiles, run

_CHANNEL = "demo/stable"
_PUBLISHER = Publisher("octo/packages", "release.yml", "prefix-dev")
_BOLD, _RED, _YELLOW, _FAINT, _PLAIN = (f"\x1b[{code}m" if sys.stdout.isatty() else "" for code in (1, 31, 33, 2, 0))


def main() -> None:
    """Runs the demonstration in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="prefix-upload-demo-") as scratch:
        folder = Path(scratch)
        with PrivateSigstore() as sigstore:
            channels, verify = {_CHANNEL: Channel()}, sigstore.provider.verified
            with LocalChannel(folder / "server", channels, {}, publishers=[_PUBLISHER], verify=verify) as server:
                _Demo(folder, server, sigstore).play()


class _Demo:
    def __init__(self, folder: Path, server: LocalChannel, sigstore: PrivateSigstore) -> None:
        self._folder = folder
        self._server = server
        self._sigstore = sigstore
        self._workspace = folder / "workspace"
        self._step = 0

    def play(self) -> None:
        _title("Building three packages with rattler-build")
        for name, subdir, extension in (
            ("hello", "noarch", ".conda"),
            ("hello-native", "linux-64", ".conda"),
            ("hello-classic", "osx-arm64", ".tar.bz2"),
        ):
            path = package(
                self._workspace / "output" / subdir, name, subdir=subdir, extension=extension, content=f"{name}!\n"
            )
            print(f"  {path.relative_to(self._workspace)}")
        written(self._workspace / "trust.json", self._sigstore.trust_config.encode())
        self._act("Publishing them without a secret, signed", expected=0)
        self._act("Running the same step again: nothing is uploaded twice", expected=0, with_summary=False)
        broken = self._workspace / "output" / "noarch" / "hello-2.0-h0_0.conda"
        broken.write_bytes(next(broken.parent.glob("hello-1.0-*.conda")).read_bytes())
        self._act("A renamed package: nothing is uploaded", expected=4, with_summary=False)
        _title("Verifying a package on the channel")
        self._verify("noarch", "hello-1.0-h0_0.conda")
        _title("Installing 'hello' from the channel with a conda client")
        prefix = install(f"{self._server.url}/{_CHANNEL}", "hello", self._folder / "client")
        print(f"  share/hello.txt says: {(prefix / 'share' / 'hello.txt').read_text()}")
        _title("Done: built, published, re-run, rejected, verified, installed")

    def _act(self, title: str, *, expected: int, with_summary: bool = True) -> None:
        _title(title)
        self._step += 1
        inputs = {
            "channel": _CHANNEL,
            "glob": "output/**/*.conda\noutput/**/*.tar.bz2",
            "server-url": self._server.url,
            "attestations": "true",
            "sigstore-instance": "trust.json",
        }
        sent_before = len(self._server.uploads)
        files = RunnerFiles.create(self._folder / "runner" / str(self._step))
        finished = run(self._workspace, inputs, files, **self._sigstore.provider.environment)
        _show_log(finished)
        print(f"{_FAINT}exit code {finished.exit_code}; uploads: {len(self._server.uploads) - sent_before}{_PLAIN}")
        if with_summary:
            print(f"\n{_FAINT}The job summary (Markdown):{_PLAIN}\n")
            print(finished.summary)
        if finished.exit_code != expected:
            sys.exit(f"The demonstration failed: exit code {expected} was expected.")

    def _verify(self, subdir: str, file: str) -> None:
        (bundle,) = json.loads(self._server.attestation(_CHANNEL, subdir, file) or "[]")
        package = written(self._folder / "verified" / file, (self._workspace / "output" / subdir / file).read_bytes())
        root = written(self._folder / "root.json", self._sigstore.trusted_root.encode())
        channel = f"{self._server.url}/{_CHANNEL}"
        expected = Expected(package, channel, IDENTITY, ISSUER, root, subdir)
        for client, verify in (("sigstore", verify_with_sigstore), ("the conda client", verify_with_conda_client)):
            verify(json.dumps(bundle), expected)
            print(f"  {client}: {file} was published to {channel}\n    by {IDENTITY}")


def _title(text: str) -> None:
    print(f"\n{_BOLD}=== {text} ==={_PLAIN}\n")


def _show_log(finished: Finished) -> None:
    """The log as GitHub shows it: groups and annotations for commands, and the mask not at all."""
    for line in finished.log.splitlines():
        match = re.fullmatch(r"::([a-z-]+)(?: title=([^,]*)[^:]*)?::(.*)", line)
        if match is None:
            print(line)
        elif match[1] == "group":
            print(f"{_BOLD}▾ {match[3]}{_PLAIN}")
        elif match[1] in {"error", "warning"}:
            color = _RED if match[1] == "error" else _YELLOW
            text = match[3].replace("%0A", "\n       ").replace("%25", "%")
            print(f"{color}{match[1].title()}: {match[2]}{_PLAIN}\n       {text}")


if __name__ == "__main__":
    main()
