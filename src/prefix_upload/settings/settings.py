"""The checked inputs of each command."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from prefix_upload.errors import Diagnostic, setting
from prefix_upload.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta
    from pathlib import Path

    from prefix_upload.package.formats import ValidationLevel
    from prefix_upload.patterns import Patterns
    from prefix_upload.secret import Secret
    from prefix_upload.settings.parsers import IfNoFilesFound


class Settings(Frozen):
    """What all commands have: the channel, and how to reach it. `timeout` is in seconds."""

    command: ClassVar[str]

    channel: str
    token: Secret | None
    server_url: str
    retries: int
    timeout: int
    summary: bool

    @property
    def channel_url(self) -> str:
        """The channel's URL for conda clients, which is also its name in a publish attestation (CEP 27)."""
        return f"{self.server_url}/{self.channel}"

    @property
    def audience(self) -> str:
        """The audience of identity tokens for the server."""
        from prefix_upload.auth.audience import audience_of  # noqa: PLC0415 - loads much else

        return audience_of(urlsplit(self.server_url).hostname or "")

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing on the channel is to be changed."""
        return False

    @property
    def needs_attestations(self) -> bool:
        """Whether packages are to be signed."""
        return False

    @property
    def connections(self) -> int:
        """The number of simultaneous connections to a server."""
        return 1

    def contradictions(self) -> Iterable[Diagnostic]:
        """Yields diagnostics for settings that contradict each other."""
        return ()


class LocalSettings(Settings):
    """What the commands have that work on local files. `max_size` is in bytes (`None`: no limit)."""

    patterns: Patterns
    if_no_files_found: IfNoFilesFound
    validation_level: ValidationLevel
    max_size: int | None


class UploadSettings(LocalSettings):
    """The settings of `upload`. `index_timeout` is in seconds.

    `sigstore_instance` is the name of a public instance, or the path of a file that describes a private one.
    `checksums_file` is a resolved path in the workspace (`None`: no file). `retain_last` and `retain_for` are `None` if
    there is no such rule.
    """

    command = "upload"

    skip_existing: bool
    force: bool
    dry_run: bool
    attestations: bool
    sigstore_instance: str | Path
    rollback_on_failure: bool
    wait_for_index: bool
    index_timeout: int
    retain_last: int | None
    retain_for: timedelta | None
    retain_releases: bool
    retain_max_deletes: int
    checksums_file: Path | None
    concurrency: int

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing is to be uploaded."""
        return self.dry_run

    @property
    def needs_attestations(self) -> bool:
        """Whether packages are to be signed."""
        return self.attestations

    @property
    def has_retention(self) -> bool:
        """Whether old versions are to be deleted."""
        return self.retain_last is not None or self.retain_for is not None

    @property
    def connections(self) -> int:
        """One for each upload."""
        return self.concurrency

    def contradictions(self) -> Iterable[Diagnostic]:
        """Yields diagnostics for settings that contradict each other."""
        if self.force and self.skip_existing:
            names = f"{setting('force')} and {setting('skip-existing')}"
            yield Diagnostic(
                f"Contradictory {names}",
                f"{names} are both true, but a file can't be both overwritten and kept.",
                "Set at most one of them to true.",
                page="#inputs",
            )
        if self.retain_releases and not self.has_retention:
            name, others = setting("retain-releases", "true"), f"{setting('retain-last')} and {setting('retain-for')}"
            yield Diagnostic(
                f"Contradictory {name}",
                f"{name} restricts which versions {others} delete, but both are empty, so nothing is deleted.",
                f"Set {setting('retain-last')} or {setting('retain-for')}, or remove {setting('retain-releases')}.",
                page="#retention",
            )
