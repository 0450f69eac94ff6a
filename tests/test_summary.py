from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from prefix_upload.errors import Diagnostic
from prefix_upload.package.model import CandidateFile
from prefix_upload.report import Attestation, IndexOutcome, IndexStatus, Outcome, Report
from prefix_upload.reporting import formats, summary
from prefix_upload.status import Status
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
    ("status", "reported"),
    [
        (Status.UPLOADED, "1 uploaded"),
        (Status.OVERWRITTEN, "1 uploaded"),
        (Status.ALREADY_PRESENT, "1 already present"),
        (Status.SAME_CONTENT, "1 present from another build"),
        (Status.SKIPPED, "1 skipped"),
        (Status.WOULD_UPLOAD, "1 would be uploaded"),
        (Status.INVALID, "1 invalid; nothing was uploaded"),
        (Status.FAILED, "1 failed"),
        (Status.NOT_ATTEMPTED, "1 not attempted"),
    ],
)
def test_the_verdict_comes_first(status: Status, reported: str) -> None:
    """A sign for good or bad, the channel, and how many files ended how; the legend of the table has each status."""
    whole = report(uploaded(status=status))
    heading, *_ = summary.render(whole).splitlines()
    assert heading.startswith("## ❌" if status.is_failure else "## ✅")
    assert summary.verdict(whole) == f"octo/stable: {reported}"
    assert f"&nbsp;{status.replace('-', '&nbsp;')}\n\n###" in summary.render(whole)


def test_other_verdicts() -> None:
    """A dry run says so, and a run that never began does not claim a channel."""
    assert summary.render(report(dry_run=True)).startswith("## 🔎 octo")
    assert "Dry run: nothing was uploaded." in summary.render(report(dry_run=True))
    assert "Dry run" not in summary.render(report())
    problem = Diagnostic("Input 'x'", "It is wrong.", "Correct it.")
    ended = summary.render(Report(errors=(problem,)))
    assert ended.startswith("## ❌ prefix-upload&#58; nothing was published\n\n### What went wrong")
    assert "**What to do:** Correct it." in ended
    assert summary.verdict(report()) == "octo/stable: nothing to publish"
    present = uploaded(status=Status.ALREADY_PRESENT)
    assert summary.verdict(report(present, dry_run=True)) == "octo/stable: 1 already present (dry run)"


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


def test_an_example_follows_the_advice() -> None:
    """The hint ends with a colon before it, so the page comes last; a problem without files has a colon as well."""
    problem = Diagnostic("Refused", "No.", "Write:", "with:\n  x: y", "https://prefix.dev/x")
    text = summary.render(report(errors=(problem, problem)))
    bullet = "- **Refused**: No.<br>**What to do:** Write&#58;\n\n"
    bullet += "  ```yaml\n  with:\n    x: y\n  ```\n\n  See <https://prefix.dev/x>\n"
    assert bullet + bullet in text


def test_warnings_of_all_kinds() -> None:
    """Those of the run, of an outcome and of a package."""
    noted = uploaded(warning=Diagnostic("Not confirmed", "That is unknown."), file=make_package(warnings=("odd form",)))
    text = summary.render(report(noted, warnings=(Diagnostic("Pattern without match", "None."),)))
    for words in ("Pattern without match", "Not confirmed", "odd form"):
        assert words in text.lower() if words.islower() else words in text


def test_how_to_install() -> None:
    """With pixi and conda, of what is on the channel with these bytes, and only if there is anything."""
    text = summary.render(report(uploaded(1), uploaded(2, status=Status.FAILED)))
    assert "pixi workspace channel add https://prefix.dev/octo/stable\npixi add tool-1\n" in text
    assert "conda install --channel https://prefix.dev/octo/stable tool-1\n" in text
    assert "### Install" not in summary.render(report(uploaded(status=Status.WOULD_UPLOAD)))


def test_the_install_example_names_five_packages() -> None:
    """The command has the first five names, each of them once, and the number of the others."""
    twice = (uploaded(file=make_package(0, version=version)) for version in ("1.0", "2.0"))
    text = summary.render(report(*twice, *(uploaded(number) for number in range(1, 7))))
    assert "pixi add tool-0 tool-1 tool-2 tool-3 tool-4 # and 2 more\n" in text


def test_attestations_are_linked() -> None:
    """An attestation links to its log entry if the log has a URL."""
    signed = Attestation(bundle="{}", log_index=7, url="https://search.example/?logIndex=7")
    alone = Attestation(bundle="{}", log_index=8)
    text = summary.render(report(uploaded(attestation=signed), uploaded(1, attestation=alone)))
    assert '| [log&nbsp;entry](https://search.example/?logIndex=7 "7") |\n' in text
    assert "| log&nbsp;entry&nbsp;8 |\n" in text


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
    ("count", "reported"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_949, "99.9 kB"),
        (99_960, "100 kB"),
        (123_456, "123 kB"),
        (999_950, "1.0 MB"),
        (1_500_000_000, "1.5 GB"),
        (10**16, "10000 TB"),
    ],
)
def test_sizes(count: int, reported: str) -> None:
    """Decimal units, as storage has them."""
    assert formats.format_size(count) == reported


@pytest.mark.parametrize(
    ("channel", "page"),
    [
        ("octo", "https://prefix.dev/channels/octo"),
        ("octo/stable", "https://prefix.dev/channels/@octo/stable"),
        ("", ""),
    ],
)
def test_pages_of_a_channel(channel: str, page: str) -> None:
    """A channel of a namespace has an `@` in its page's address, a namespace's own channel has none."""
    known = report(channel=channel)
    assert known.channel_page_url == page
    if channel:
        assert known.package_page_url(make_package()) == f"{page}/packages/tool-0"


def test_one_file_name_in_two_subdirs(tmp_path: Path) -> None:
    """Their checksums name the subdir too, so that `sha256sum -c` accepts both; a unique name stays as it is."""
    hashes = {}
    for subdir in ("linux-64", "osx-arm64"):
        path = tmp_path / subdir / make_package().file_name
        path.parent.mkdir()
        path.write_bytes(subdir.encode())
        hashes[subdir] = hashlib.sha256(subdir.encode()).hexdigest()
    twins = [uploaded(file=make_package(subdir=subdir, sha256=sha256)) for subdir, sha256 in hashes.items()]
    lines = list(formats.checksum_lines(report(*twins, uploaded(1))))
    assert lines[-1] == f"{1:064x}  tool-1-1.0-h0_0.conda"
    command = ["sha256sum", "--check", "--strict", "-"]
    check = subprocess.run(command, input="\n".join(lines[:2]) + "\n", cwd=tmp_path, text=True, check=False)  # noqa: S603 - coreutils
    assert check.returncode == 0


@pytest.mark.parametrize("status", [Status.UPLOADED, Status.OVERWRITTEN, Status.ALREADY_PRESENT, Status.SKIPPED])
def test_a_row_is_a_line(status: Status) -> None:
    """The name with its page, size without a line break, the first 12 digits of the hash, and the log entry."""
    log = Attestation(bundle="", log_index=1000, url="https://search.example/1000")
    rows = [
        line for line in summary.render(report(uploaded(status=status, attestation=log))).splitlines() if "|" in line
    ]
    page = "https://prefix.dev/channels/@octo/stable/packages/tool-0"
    entry = '[log&nbsp;entry](https://search.example/1000 "1000") |' if status.is_on_channel else ""
    assert rows[-1].endswith(f"| [tool-0]({page}) | 1.0 | h0&#95;0 | 1.2&nbsp;MB | `000000000000` | {entry}".rstrip())
    assert f"{0:064x}  " in summary.render(report(uploaded(status=status)))


def test_names_that_are_not_on_the_channel_have_no_page() -> None:
    """A link to them would lead nowhere."""
    assert "/packages/" not in summary.render(report(uploaded(status=Status.WOULD_UPLOAD), dry_run=True))


def test_totals() -> None:
    """Number, size and time of all packages, and the channel's page."""
    line = summary.render(report(uploaded(1), uploaded(2), seconds=83.2)).splitlines()[2]
    page = "https://prefix.dev/channels/@octo/stable"
    assert line == f"2 packages, 2.5 MB in 1 min 23 s · Channel [octo&#47;stable]({page})"


def test_a_table_for_each_subdir() -> None:
    """Up to 20 packages are shown at once; more of them are folded, with their number, size and statuses."""
    subdirs = ("linux-64", "noarch")
    few = [uploaded(n, file=make_package(n, subdir=subdirs[n % 2])) for n in range(20)]
    text = summary.render(report(*few))
    assert [line for line in text.splitlines() if line.startswith("#")][1:3] == ["### linux-64", "### noarch"]
    assert "<details open>\n<summary><b>Checksums" in text
    many = [*few, uploaded(20, file=make_package(20, subdir="noarch"), status=Status.ALREADY_PRESENT)]
    text = summary.render(report(*many))
    assert "<summary><b>noarch</b>: 11 packages, 13.6 MB, 10 uploaded, 1 already present</summary>" in text
    assert text.count("<details>") == 3
    assert "<details open>" not in text


@pytest.mark.parametrize(("count", "is_open"), [(20, True), (21, False)])
def test_checksums_are_open_for_up_to_20_packages(count: int, is_open: bool) -> None:
    """Every hash counts, also those of packages that are not on the channel."""
    outcomes = [uploaded(n, status=Status.WOULD_UPLOAD if n else Status.UPLOADED) for n in range(count)]
    assert ("<details open>" in summary.render(report(*outcomes, dry_run=True))) is is_open


def test_checksums_if_nothing_is_on_the_channel() -> None:
    """The title says so, and they stay folded; a package is named like those that are there."""
    failed = uploaded(1, status=Status.FAILED)
    text = summary.render(report(failed))
    line = f"{1:064x}  tool-1-1.0-h0_0.conda"
    title = "<b>Checksums of packages that aren't on the channel</b>"
    assert f"<details>\n<summary>{title}</summary>\n\n```text\n{line}\n```" in text
    text = summary.render(report(uploaded(), failed))
    assert f"# Not on the channel with these bytes:\n# {line}\n" in text
    other = uploaded(1, file=make_package(1, subdir="linux-64"))
    assert f"# {1:064x}  noarch/tool-1-1.0-h0_0.conda\n" in summary.render(report(other, failed))


def test_failures_come_first_and_consequences_last() -> None:
    """In the list and in the tables, whatever the order of the files; what was not attempted is one line."""
    cause = Diagnostic("Upload failed", "Too large.")
    consequence = Diagnostic("Not attempted", "Not uploaded, because of an earlier failure.", "Ask.")
    waiting = [uploaded(n, status=Status.NOT_ATTEMPTED, error=consequence) for n in range(28)]
    failed = uploaded(28, status=Status.FAILED, error=cause)
    text = summary.render(report(*waiting, failed, uploaded(29)))
    places = [text.index(part) for part in ("Too large", "28 files not attempted", "### Failed", "<b>noarch</b>")]
    assert places == sorted(places)
    assert text.index("<b>noarch</b>") < text.index("<b>Not attempted</b>: 28 packages") < text.index("tool-0-1.0")
    assert text.count("because of an earlier failure") == 1
    assert "Ask." not in text


def test_a_package_with_a_warning() -> None:
    """Its row has a sign, which the legend explains; a yanked package is not offered for installation."""
    warning = Diagnostic("Not offered to solvers", "It is yanked.")
    yanked = uploaded(1, status=Status.ALREADY_PRESENT, warning=warning, is_offered=False)
    text = summary.render(report(uploaded(2), yanked))
    assert "| ☑️&nbsp;⚠️ | [tool-1]" in text
    assert "⚠️&nbsp;has&nbsp;a&nbsp;warning" in text
    assert "pixi add tool-2\n" in text
    assert "| ✅ | [tool-2]" in text


def test_how_to_install_on_each_platform() -> None:
    """Each command has only names that its platforms have; platforms with the same names share one."""
    files = [make_package(n, name=f"tool-{n}", subdir="linux-64") for n in range(7)]
    files += [make_package(n, name=f"tool-{n}", subdir="osx-arm64") for n in range(7)]
    files += [make_package(8, name="docs"), make_package(9, name="win", subdir="win-64")]
    text = summary.render(report(*(uploaded(file=file) for file in files)))
    commands = [line for line in text.splitlines() if line.startswith(("pixi add", "conda install"))]
    channel, tools = "https://prefix.dev/octo/stable", "tool-0 tool-1 tool-2 tool-3 tool-4"
    assert commands == [
        "pixi add docs",
        f"pixi add --platform linux-64 --platform osx-arm64 {tools} # and 2 more",
        "pixi add --platform win-64 win",
        f"conda install --channel {channel} docs",
        f"conda install --channel {channel} {tools} # and 2 more, on linux-64, osx-arm64",
        f"conda install --channel {channel} win # on win-64",
    ]


def test_a_dry_run_says_how_to_publish() -> None:
    """What would happen and what to change; not if something has to be fixed first."""
    planned = uploaded(status=Status.WOULD_UPLOAD)
    text = summary.render(report(planned, uploaded(1, status=Status.ALREADY_PRESENT), dry_run=True))
    assert "Dry run: nothing was uploaded." in text
    assert "### How to publish\n\nRun this step without ⟨dry-run: true⟩ to upload this package (1.2 MB)." in text
    assert f"# {0:064x}  tool-0-1.0-h0_0.conda" in text
    assert "How to publish" not in summary.render(report(planned, uploaded(1, status=Status.INVALID), dry_run=True))


def test_hundreds_of_subdirs_stay_within_bounds() -> None:
    """Each subdir has a table and a command of its own; what is left out is counted."""
    outcomes = (uploaded(n, file=make_package(n, name=f"tool-{n}", subdir=f"sub-{n}")) for n in range(5000))
    text = summary.render(report(*outcomes))
    assert len(text.encode()) <= summary.MAX_SIZE
    assert "more files" in text
    assert "more platforms" in text


def test_the_index_has_a_row_for_each_subdir() -> None:
    """With how long it took, and the packages that clients can't install; those are not in the command."""
    late = {f"tool-{n}-1.0-h0_0.conda": "<b>" for n in range(7)}
    index = (
        IndexOutcome("linux-64", IndexStatus.INSTALLABLE, 2, 3.25, {}),
        IndexOutcome("noarch", IndexStatus.LATE, 8, 600, late, Diagnostic("Late", "<b>No</b>.", "Wait.")),
        IndexOutcome("osx-64", IndexStatus.WRONG, 1, 0, {}),
        IndexOutcome("win-64", IndexStatus.UNFINISHED, 1, 1, {}),
    )
    text = summary.render(report(*(uploaded(n) for n in range(8)), index=index))
    assert text.startswith("## ❌ octo")
    assert "| linux-64 | ✅&nbsp;installable | 2 | 3.2&nbsp;s |  |\n" in text
    row = next(line for line in text.splitlines() if line.startswith("| noarch | ⌛"))
    assert "| 8 | 10&nbsp;min&nbsp;0&nbsp;s | <code>tool-0-" in row
    assert row.endswith(" and 2 more |")
    assert "- **Late**: &#60;b&#62;No" in text
    assert "\npixi add tool-7\n" in text
    assert summary.verdict(report(uploaded(), index=index)).endswith("1 uploaded; the index does not show all packages")
    assert set(elements(text)) <= OUR_ELEMENTS


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (10, "10 s"), (59.6, "1 min 0 s"), (3725, "62 min 5 s")]
)
def test_durations(seconds: float, text: str) -> None:
    """Minutes and seconds, with a decimal where that matters."""
    assert formats.format_duration(seconds) == text
