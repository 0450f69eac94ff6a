from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from prefix_upload.errors import Diagnostic
from prefix_upload.package.model import CandidateFile
from prefix_upload.report import Attestation, Outcome, Report, Status
from prefix_upload.reporting import formats, summary
from support.packages import make_package
from support.rendered import OUR_ELEMENTS, elements
from support.workflow_commands import POISON

if TYPE_CHECKING:
    from pathlib import Path


def report(*outcomes: Outcome, **fields: Any) -> Report:
    """A report on the channel `octo/stable`."""
    known: dict[str, Any] = {"channel": "octo/stable", "server_url": "https://prefix.dev"}
    return Report(**known | {"outcomes": outcomes} | fields)


def uploaded(number: int = 0, **fields: Any) -> Outcome:
    """A package that was uploaded."""
    known: dict[str, Any] = {"file": make_package(number), "status": Status.UPLOADED}
    return Outcome(**known | fields)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (Status.UPLOADED, "1 uploaded"),
        (Status.OVERWRITTEN, "1 uploaded"),
        (Status.ALREADY_PRESENT, "1 already present"),
        (Status.SKIPPED, "1 skipped"),
        (Status.WOULD_UPLOAD, "1 would be uploaded"),
        (Status.INVALID, "1 invalid"),
        (Status.FAILED, "1 failed"),
        (Status.NOT_ATTEMPTED, "1 not attempted"),
    ],
)
def test_the_verdict_comes_first(status: Status, told: str) -> None:
    """A sign for good or bad, the channel, and how many files ended how; each status stands in the table."""
    whole = report(uploaded(status=status))
    heading, *_ = summary.render(whole).splitlines()
    assert heading.startswith("## ❌" if status.is_failure else "## ✅")
    assert summary.verdict(whole) == f"octo/stable: {told}"
    assert f" {status} | tool-0 | 1.0 | h0&#95;0 | noarch | 1.2 MB | `{0:064x}` |" in summary.render(whole)


def test_other_verdicts() -> None:
    """A dry run says so, and a run that never began does not claim a channel."""
    assert summary.render(report(dry_run=True)).startswith("## 🔎 octo")
    assert "Dry run: nothing was uploaded." in summary.render(report(dry_run=True))
    assert "Dry run" not in summary.render(report())
    problem = Diagnostic("Input 'x'", "It is wrong.", "Mend it.")
    ended = summary.render(Report(errors=(problem,)))
    assert ended.startswith("## ❌ prefix-upload&#58; nothing was published\n\n### What went wrong")
    assert "**What to do:** Mend it." in ended
    assert summary.verdict(report()) == "octo/stable: nothing to publish"


def test_failures_are_told_once_with_their_files() -> None:
    """Seven files that failed alike are one entry."""
    problem = Diagnostic("Upload failed", "No.", "Ask.")
    text = summary.render(report(*(uploaded(n, status=Status.FAILED, error=problem) for n in range(7))))
    assert text.count("**Upload failed**") == 1
    assert "and 2 more" in text


def test_the_page_of_an_advice_is_a_link() -> None:
    """It can be followed from the summary, while an address in a message from outside cannot."""
    problem = Diagnostic(
        "Refused", "See https://evil.test", "Ask.", page="https://prefix.dev/channels/@octo/x/settings"
    )
    text = summary.render(report(errors=(problem,)))
    assert "**What to do:** Ask. See <https://prefix.dev/channels/@octo/x/settings>" in text
    assert "https://evil.test" not in text


def test_warnings_of_all_kinds() -> None:
    """Those of the run, of an outcome and of a package."""
    noted = uploaded(warning=Diagnostic("Not confirmed", "Nobody knows."), file=make_package(warnings=("odd form",)))
    text = summary.render(report(noted, warnings=(Diagnostic("Pattern without match", "None."),)))
    for words in ("Pattern without match", "Not confirmed", "odd form"):
        assert words in text


def test_how_to_install() -> None:
    """With pixi and conda, of what is on the channel with these bytes, and only if there is anything."""
    text = summary.render(report(uploaded(1), uploaded(2, status=Status.FAILED)))
    assert "pixi workspace channel add https://prefix.dev/octo/stable\npixi add tool-1\n" in text
    assert "conda install --channel https://prefix.dev/octo/stable tool-1 " in text
    assert "### Install" not in summary.render(report(uploaded(status=Status.WOULD_UPLOAD)))


def test_the_install_example_names_five_packages() -> None:
    """The command has the first five names, each of them once."""
    twice = (uploaded(file=make_package(0, subdir=subdir)) for subdir in ("linux-64", "osx-64"))
    text = summary.render(report(*twice, *(uploaded(number) for number in range(1, 7))))
    assert "pixi add tool-0 tool-1 tool-2 tool-3 tool-4\n" in text


def test_attestations_are_linked() -> None:
    """An attestation links to its log entry if the log has a URL."""
    signed = Attestation(bundle="{}", log_index=7, url="https://search.example/?logIndex=7")
    alone = Attestation(bundle="{}", log_index=8)
    text = summary.render(report(uploaded(attestation=signed), uploaded(1, attestation=alone)))
    assert "<code>tool-0-1.0-h0&#95;0.conda</code>: [log entry 7](https://search.example/?logIndex=7)\n" in text
    assert "<code>tool-1-1.0-h0&#95;0.conda</code>: log entry 8\n" in text


def test_checksums_are_read_by_sha256sum(tmp_path: Path) -> None:
    """The real tool takes the lines."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    lines = list(
        formats.checksum_lines(report(uploaded(file=make_package(sha256=empty)), uploaded(1, status=Status.FAILED)))
    )
    (tmp_path / make_package().file_name).write_bytes(b"")
    command = ["sha256sum", "--check", "--strict", "-"]
    check = subprocess.run(command, input="\n".join(lines) + "\n", cwd=tmp_path, text=True, check=False)  # noqa: S603 - coreutils
    assert check.returncode == 0
    assert len(lines) == 1


def test_it_stays_within_its_bounds() -> None:
    """10,000 packages that failed each in its own way, with warnings: what is left out is counted."""
    outcomes = (
        uploaded(
            number,
            file=make_package(number, warnings=("w" * 200,)),
            status=Status.UPLOADED if number % 2 else Status.FAILED,
            error=None if number % 2 else Diagnostic("Upload failed", f"{number} " + "x" * 500),
        )
        for number in range(10_000)
    )
    text = summary.render(report(*outcomes))
    assert len(text.encode()) <= summary.MAX_SIZE
    assert text.startswith("## ❌")
    assert text.count(" more") >= 3
    assert set(elements(text)) >= {"table", "h3"}


def test_the_size_limit_is_in_bytes() -> None:
    """A summary with characters of four bytes stays within the limit, too."""

    def refused(number: int) -> Outcome:
        name = f"{number}" + "\U00020000" * 250
        file = CandidateFile(relative_path=name, file_name=name, findings=(name,))
        return Outcome(file=file, status=Status.INVALID, error=Diagnostic("Invalid package", name))

    text = summary.render(report(*map(refused, range(1000))))
    assert len(text.encode()) <= summary.MAX_SIZE
    assert text.count(" more") == 2


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_text_from_outside_stays_text(poison: str) -> None:
    """Wherever it stands, it adds no element to the summary, and breaks none."""

    def rendered(text: str) -> list[str]:
        problem = Diagnostic(text, text, text)
        invalid = CandidateFile(relative_path=text, file_name=text, findings=(text,))
        outcomes = (
            Outcome(file=invalid, status=Status.INVALID, error=problem, warning=problem),
            uploaded(file=make_package(warnings=(text,))),
        )
        return elements(summary.render(report(*outcomes, errors=(problem,), warnings=(problem,))))

    assert rendered(poison) == rendered("harmless")
    assert set(rendered(poison)) <= OUR_ELEMENTS


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (123_456, "123 kB"),
        (1_500_000_000, "1.5 GB"),
        (10**16, "10000 TB"),
    ],
)
def test_sizes(count: int, told: str) -> None:
    """Decimal units, as storage has them."""
    assert formats.format_size(count) == told
