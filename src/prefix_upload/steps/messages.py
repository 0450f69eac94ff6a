"""The messages of a run, as diagnostics and outcomes. All functions are pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefix_upload.errors import RERUN_IS_SAFE, ChannelWideError, Diagnostic, setting
from prefix_upload.package.listing import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefix_upload.errors import ConflictError
    from prefix_upload.package.dependencies import Misfit
    from prefix_upload.package.model import CandidateFile, Package
    from prefix_upload.prefix_dev import Record, Storage

ENDED_BEFORE = Diagnostic("Not attempted", "Not uploaded, because the run ended first.")
WOULD_OVERWRITE = Diagnostic(
    "Would overwrite", "The channel has a file with this name and different bytes, which would be overwritten."
)
ENDED_DURING = Diagnostic(
    "Cancelled",
    "The run ended while this package was being uploaded. It may or may not be on the channel.",
    RERUN_IS_SAFE,
)
OTHERS_REFUSED = Diagnostic("Not attempted", "Not uploaded, because the server would not accept other packages.")
OTHERS_INVALID = Diagnostic("Not attempted", "Not uploaded, because other files are invalid.")


def invalid(file: CandidateFile) -> Diagnostic:
    """The error of an invalid file, with all its findings."""
    hint = " ".join(file.hints)
    return Diagnostic("Invalid package", f"{'; '.join(file.findings)}.", hint, page="#what-is-checked")


def left_alone(error: ConflictError) -> Diagnostic:
    """The warning about a package that was skipped because the channel has different bytes under its file name."""
    return Diagnostic("Skipped", f"{error.message} The file on the channel was kept.")


def same_content(package: Package, record: Record) -> Diagnostic:
    """The warning about a package that the channel has in other bytes."""
    return Diagnostic(
        "Same contents",
        f"The channel has another build of this package with the same contents, which was kept: its SHA-256 is "
        f"{record.sha256} there, {package.sha256} here.",
    )


def not_attempted(error: ChannelWideError) -> Diagnostic:
    """The error of a package that was not sent because of a channel-wide failure."""
    message = f"Not uploaded, because of an earlier failure: {error.message}"
    return Diagnostic("Not attempted", message, error.hint, page=error.page)


def too_large(package: Package, limit: int) -> Diagnostic:
    """The error of a package that is larger than a plan allows."""
    return Diagnostic(
        "Too large for the plan",
        f"The package has {package.size:,} bytes, and the plan of the channel's owner allows {limit:,}.",
        "Nothing was uploaded. Make the package smaller, leave it out, or change the plan.",
    )


def out_of_storage(needed: int, storage: Storage) -> Diagnostic:
    """The warning about packages that need more storage than a plan has left."""
    return Diagnostic(
        "Storage is running out",
        f"The packages need {needed:,} bytes, and the plan of the channel's owner has "
        f"{max(0, storage.limit - storage.used):,} left: {storage.used:,} of {storage.limit:,} are used.",
        "The server may refuse some of them. Delete packages that are not needed any more, or change the plan.",
    )


def dependency_missing(missing: Package) -> Diagnostic:
    """The error of a package that was not sent because one that it depends on was not uploaded."""
    return Diagnostic(
        "Not attempted",
        f"Not uploaded, because it depends on '{missing.label}', which failed.",
        f"Fix that package first. {RERUN_IS_SAFE}",
    )


def cycle_broken(cycle: Sequence[Package]) -> str:
    """The note about packages that depend on each other, so that none of them can come after all that it needs."""
    names = " → ".join(package.file_name for package in (*cycle, cycle[0]))
    return f"These packages depend on each other: {names}. {cycle[-1].file_name} is uploaded first."


def misfits(found: Sequence[Misfit]) -> Diagnostic:
    """The warning about dependencies on packages of the batch in versions that it does not have."""
    texts = []
    for misfit in found:
        others = listed([other.file_name for other in misfit.others], str)
        texts.append(f"'{misfit.package.label}' depends on '{misfit.spec}', but there is only {others}")
    return Diagnostic(
        "Dependencies do not match",
        f"Some packages depend on a version or build of others that this run does not have: {listed(texts, str)}.",
        "If the channels that users install from do not have it either, those packages can't be installed.",
    )


def server_down(packages: int) -> ChannelWideError:
    """The error of a server with which too many packages in a row were given up."""
    return ChannelWideError(
        f"{pluralize(packages, 'package')} in a row got no response, or a server error (5xx).",
        f"The server seems to be down. {RERUN_IS_SAFE}",
    )


def cannot_compare(errors: Iterable[Exception], *, is_dry_run: bool) -> Diagnostic:
    """The warning that queries about the channel failed, with the consequences."""
    reasons = "; ".join(dict.fromkeys(map(str, errors)))
    consequence = "" if is_dry_run else ", so packages that may be there are sent all the same"
    return Diagnostic(
        "Channel not compared",
        f"Could not look up what the channel already has ({reasons}){consequence}.",
        f"Before you publish, check {setting('channel')} and {setting('server-url')}." if is_dry_run else "",
    )


def token_rejected(error: ChannelWideError) -> Diagnostic:
    """The warning that the token would not have been of use, if a run had nothing to upload."""
    message = f"{error.message} Nothing had to be uploaded, so the run did not need it."
    return error.diagnostic._replace(message=message)


# The upload was accepted, but its record could not be read.
NOT_COMPARED = Diagnostic(
    "Not confirmed",
    "The server accepted the package, but its record could not be read, so the hashes were not compared.",
)
ATTESTATION_NOT_CONFIRMED = Diagnostic(
    "Attestation not confirmed",
    "The server accepted the attestation with the package, but it could not be read back.",
    "It should appear beside the package on the channel, as '<file>.v0.sigs'.",
    page="#attestations",
)
# The server shows the package's attestations, and this one is not among them.
ATTESTATION_DROPPED = Diagnostic(
    "Attestation dropped",
    "The server has the package, but not the attestation that was uploaded with it.",
    "The package can't be verified without it. Check the channel's settings, then delete the package there and "
    f"publish it again, or set {setting('attestations', 'false')}.",
    page="#attestations",
)


# Only prefix.dev's own rules are known: it accepts attestations from the trusted publisher that uploads them.
KEY_MAY_NOT_ATTEST = Diagnostic(
    "Attestation with an API key",
    f"{setting('attestations')} is true and {setting('token')} is set. The server may accept an attestation only from "
    "the trusted publisher that uploads it, as prefix.dev does.",
    f"If it does, remove {setting('token')}.",
)


# Only repodata lists the package, and the server serves a file of its name and size.
ONLY_INDEXED = Diagnostic(
    "Only in the index",
    "The channel's index lists the package with this hash, and a file of its size is there. The index may be out of "
    "date, and the server's own record could not be read.",
)


def withheld(record: Record) -> Diagnostic:
    """The warning about a package that is on the channel, but that solvers do not get."""
    return Diagnostic(
        "Not offered to solvers",
        f"The channel has the package, but it is {record.withheld}, so solvers do not choose it.",
        "If it should be used, undo that on the channel's page.",
    )


def not_answered(reason: str) -> Diagnostic:
    """The error of an upload that was accepted by a server that does not answer queries as prefix.dev does."""
    return Diagnostic(
        "Not confirmed",
        f"The server reported success, but it does not answer queries as a prefix.dev server does ({reason}), so the "
        "package may not be there.",
        f"Check {setting('server-url')}.",
    )


def not_confirmed(package: Package, record: Record) -> Diagnostic:
    """The record of an uploaded package does not have its hash."""
    what = "does not list it" if record.sha256 is None else f"lists different bytes, with SHA-256 {record.sha256}"
    return Diagnostic(
        "Not confirmed",
        f"The server accepted the package (SHA-256 {package.sha256}), but {what}.",
        "Check the channel: the package may have been deleted or overwritten. Then run it again.",
    )


def combined(warnings: Sequence[Diagnostic]) -> Diagnostic:
    """All warnings about a package as one."""
    return warnings[0]._replace(
        message=" ".join(warning.message for warning in warnings),
        hint=" ".join(warning.hint for warning in warnings if warning.hint),
        example="\n".join(warning.example for warning in warnings if warning.example),
        page=next((warning.page for warning in warnings if warning.page), ""),
    )


def pluralize(count: int, noun: str) -> str:
    """The number and the noun, in the plural unless the number is 1."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
