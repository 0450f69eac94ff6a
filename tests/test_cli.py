"""The command line: arguments, environment and logins in; lines, JSON and exit code out."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest
from ruamel.yaml import YAML

from identities import OpenIDProvider
from localchannel import Access, Answer, Channel, Fault, LocalChannel, Publisher
from prefix_upload.cancellation import Cancellation
from prefix_upload.cli import arguments, login, workspace
from prefix_upload.cli.main import main
from prefix_upload.cli.progress_bars import ProgressBars
from prefix_upload.cli.terminal import Terminal, as_flag
from prefix_upload.commands.table import COMMANDS
from prefix_upload.errors import ConfigurationError
from prefix_upload.report import Outcome
from prefix_upload.status import Status
from prefix_upload.steps import pattern_hints
from prefix_upload.steps.progress import Transfer
from support import building
from support.building import conda_bytes, written
from support.packages import make_package
from support.running import CHANNEL, REPOSITORY, TOKEN

if TYPE_CHECKING:
    from pathlib import Path

DEMO = "demo-1.0-h0_0.conda"
README = (REPOSITORY / "README.md").read_text()


@dataclass(frozen=True)
class Ended:
    """What a command left: exit code, standard output and standard error."""

    exit_code: int
    out: str
    err: str


class Shell(Protocol):
    """Runs a command in this process, in the workspace."""

    def __call__(self, *arguments: str) -> Ended:
        """Without a terminal."""


@pytest.fixture
def shell(workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A shell without credentials, whose home folder is empty."""
    home = workspace.parent / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in (*arguments.VARIABLES.values(), "RATTLER_AUTH_FILE", "PREFIX_DEV_ID_TOKEN", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(workspace)

    def run(*words: str) -> Ended:
        exit_code = main(words, Cancellation())
        captured = capsys.readouterr()
        return Ended(exit_code, captured.out, captured.err)

    return run


@pytest.fixture
def configured(shell: Shell, server: LocalChannel, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The same with channel, server and key in the environment."""
    monkeypatch.setenv("PREFIX_API_KEY", TOKEN)
    monkeypatch.setenv("PREFIX_CHANNEL", CHANNEL)
    monkeypatch.setenv("PREFIX_SERVER_URL", server.url)
    return shell


# Uploading.


def test_an_upload(configured: Shell, server: LocalChannel, workspace: Path) -> None:
    """It shows what happens, the hash, and a verdict."""
    package = building.package(workspace)
    ended = configured("upload", DEMO)
    assert ended.exit_code == 0, ended
    (sha256,) = server.files(CHANNEL).values()
    assert f"  {sha256}  {package.name}" in ended.out.splitlines()
    assert ended.out.splitlines()[-1] == f"{CHANNEL}: 1 uploaded"
    assert ended.err == ""


def test_flags_come_before_the_environment(configured: Shell, workspace: Path, tmp_path: Path) -> None:
    """Flags have the names of the inputs."""
    building.package(workspace)
    with LocalChannel(tmp_path / "other", {"octo/x": Channel()}, {"pfx_other_key_1234": Access.READ_WRITE}) as other:
        flags = ("--channel", "octo/x", "--server-url", other.url, "--token", "pfx_other_key_1234", "--glob", "*.conda")
        # `glob` is what the operands are; it has no flag of its own.
        assert configured("upload", *flags[:-2], "*.conda").exit_code == 0
        assert list(other.files("octo/x")) == [f"noarch/{DEMO}"]


def test_json(configured: Shell, server: LocalChannel, workspace: Path) -> None:
    """The rows of the output `packages` on standard output, everything else on standard error."""
    building.package(workspace)
    ended = configured("upload", "--json", "*.conda")
    (row,) = json.loads(ended.out)
    assert (row["file"], row["status"], row["subdir"]) == (DEMO, "uploaded", "noarch")
    assert server.sha256(CHANNEL, "noarch", DEMO) == row["sha256"]
    assert f"{CHANNEL}: 1 uploaded" in ended.err


def test_booleans_are_flags_without_a_value(configured: Shell, server: LocalChannel, workspace: Path) -> None:
    """As in a shell, not as in a workflow."""
    building.package(workspace)
    assert configured("upload", "--dry-run", DEMO).exit_code == 0
    assert server.uploads == []


def test_a_failure(configured: Shell, server: LocalChannel, workspace: Path) -> None:
    """The error is on the last lines, with what to do; settings are spelled as flags."""
    building.package(workspace)
    server.fail(Fault(Answer(401, "who?"), path="/upload/"))
    ended = configured("upload", DEMO)
    assert ended.exit_code == 5
    *_, error, advice = ended.out.splitlines()
    assert error == f"error: Token rejected: {DEMO}: The server rejected the upload (HTTP 401: who?)."
    assert advice.startswith("  Check the API key in PREFIX_API_KEY. It is wrong, revoked or expired.")


@pytest.mark.parametrize("name", ["nothing", "octo/nothing"])
def test_a_missing_channel(configured: Shell, workspace: Path, name: str) -> None:
    """As in the action."""
    building.package(workspace)
    ended = configured("upload", "--channel", name, DEMO)
    assert ended.exit_code == 5
    assert f"The channel '{name}' was not found." in ended.out


def test_contradictory_flags(configured: Shell, workspace: Path) -> None:
    """All problems of the arguments are reported together."""
    building.package(workspace)
    ended = configured("upload", "--force", "--skip-existing", "--retries", "many", DEMO)
    assert ended.exit_code == 2
    assert "--force and --skip-existing are both true" in ended.out
    assert "--retries" in ended.out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["upload", "--chanel", "x"], "unrecognized arguments: --chanel (did you mean --channel?)"),
        (["upload", "--dryrun"], "(did you mean --dry-run?)"),
        (["delete", "--dry-run", "--no-dry-run", DEMO], "--no-dry-run: not allowed with argument --dry-run"),
        (["uplaod"], "invalid choice: 'uplaod'"),
        ([], "required: command"),
        (["check", "--channel", "x"], "unrecognized arguments: --channel"),
    ],
)
def test_what_is_mistyped(shell: Shell, words: list[str], complaint: str) -> None:
    """Exit code 2, and what is probably meant."""
    ended = shell(*words)
    assert ended.exit_code == 2
    assert complaint in ended.err


@pytest.mark.parametrize("words", [["whoami", "old-key"], ["upload", "--force=old-key"], ["upload", "-told-key"]])
def test_a_key_that_looks_different_is_not_shown(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """It is the one in the environment."""
    monkeypatch.setenv("PREFIX_API_KEY", "old-key")
    ended = shell(*words)
    assert (ended.exit_code, "old-key" in ended.err + ended.out) == (2, False)


@pytest.mark.parametrize("command", ["check", "whoami"])
def test_a_folder_that_was_deleted(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """There is nothing that paths could be relative to."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    ended = shell(command)
    assert (ended.exit_code, "The current folder was deleted" in ended.out) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ["upload", "--api-key", "pfx_secret_123", DEMO],
        ["upload", "--api-key=pfx_secret_123", DEMO],
        ["upload", "--api-key=hush_secret_123", DEMO],
        ["--token", "hush_secret_123", "upload", DEMO],
        ["--token=pfx_secret_123", "upload", DEMO],
        ["whoami", "pfx_secret_123"],
    ],
)
def test_a_key_in_the_wrong_place_is_not_shown(shell: Shell, words: list[str]) -> None:
    """Other programs have other flags for it, and the log may be public."""
    ended = shell(*words)
    assert ended.exit_code == 2
    assert "secret" not in ended.out + ended.err


def test_operands_and_flags_in_any_order(configured: Shell, server: LocalChannel, workspace: Path) -> None:
    """As with other programs."""
    building.package(workspace, "first")
    building.package(workspace, "second")
    assert configured("upload", "first*", "--retries", "0", "second*", "--json").exit_code == 0
    assert len(server.files(CHANNEL)) == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["upload", "--channel", "", DEMO], "argument --channel: the value is empty"),
        (["delete", "--keep-last=", "--no-dry-run", "demo"], "argument --keep-last: the value is empty"),
        (["delete", "--older-than", " ", "demo"], "argument --older-than: the value is empty"),
        (["upload", "", DEMO], "an argument is empty"),
        (["reindex", ""], "an argument is empty"),
    ],
)
def test_the_values_of_unset_variables(configured: Shell, words: list[str], complaint: str) -> None:
    """They would mean the default, such as another channel, or no rule that keeps files."""
    ended = configured(*words)
    assert ended.exit_code == 2
    assert complaint in ended.err


@pytest.mark.parametrize("command", COMMANDS)
def test_help(shell: Shell, command: str) -> None:
    """Each flag is explained, in plain text."""
    ended = shell(command, "--help")
    assert ended.exit_code == 0
    assert "`" not in ended.out
    assert command in shell("--help").out


def test_nothing_from_outside_acts_on_a_terminal(configured: Shell, server: LocalChannel, workspace: Path) -> None:
    """Neither escapes nor control characters of a server's message."""
    building.package(workspace)
    server.fail(Fault(Answer(400, "\x1b[31mred\x07\r\x9b2J\u202e"), path="/upload/"))
    text = configured("upload", DEMO).out
    assert r"\x1b[31mred\x07" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text), text


def test_the_key_is_not_shown(configured: Shell, server: LocalChannel, workspace: Path) -> None:
    """Not even if the server repeats it."""
    building.package(workspace)
    server.fail(Fault(Answer(400, f"bad key {TOKEN}"), path="/upload/"))
    ended = configured("upload", DEMO)
    assert "bad key ***" in ended.out
    assert TOKEN not in ended.out + ended.err


class _Tty(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_bars() -> None:
    """Each upload has a bar while it is in progress, and lines are printed above the bars."""
    stream = _Tty()
    bars = ProgressBars(Terminal(stream, is_bold=False), as_flag)
    first, second = make_package(1, size=1_000_000), make_package(2, size=2_000_000)
    bars.phase("Upload 2 packages")
    bars.waiting([Transfer(first, started=0, sent=250_000), Transfer(second, started=0, sent=0)])
    bars.finished(Outcome(file=first, status=Status.UPLOADED))
    bars.waiting([Transfer(second, started=0, sent=500_000)])
    bars.close()
    text = stream.getvalue()
    assert text.startswith("Upload 2 packages\n")
    assert f"{first.file_name}" in text
    assert "0.2/1.0 MB" in text
    assert re.search(r"  \+ uploaded .*\n", text)


# Checking.


def test_a_check(shell: Shell, workspace: Path) -> None:
    """Needs neither a channel nor a server."""
    building.package(workspace)
    ended = shell("check", "*.conda")
    assert (ended.exit_code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "prefix-upload: 1 valid"


def test_a_check_that_fails(shell: Shell, workspace: Path) -> None:
    """With the reasons, as JSON too."""
    (workspace / "bad-1.0-h0_0.conda").write_text("no")
    ended = shell("check", "--json", "bad-1.0-h0_0.conda")
    assert ended.exit_code == 4
    (row,) = json.loads(ended.out)
    assert (row["status"], row["url"]) == ("invalid", None)
    assert row["error"].splitlines()[0].partition(". ")[0] in ended.err


def test_a_check_of_good_and_bad_files(shell: Shell, workspace: Path) -> None:
    """Each has its own verdict."""
    building.package(workspace)
    (workspace / "bad-1.0-h0_0.conda").write_text("no")
    rows = json.loads(shell("check", "--json", "*.conda").out)
    assert [row["status"] for row in rows] == ["invalid", "valid"]


LONG = "x" * 300  # more than a file system allows


@pytest.mark.parametrize(
    ("operand", "complaint"),
    [
        ("demo-1.o-h0_0.conda", "There is no file 'demo-1.o-h0_0.conda'."),
        ("/nowhere/*.conda", "'/nowhere/*.conda' is in a folder that does not exist."),
        (f"/{LONG}/*.conda", f"'/{LONG}/*.conda' is in a folder that does not exist."),
        (f"/{LONG}", f"There is no file '/{LONG}'."),
    ],
)
def test_an_operand_that_names_nothing(shell: Shell, workspace: Path, operand: str, complaint: str) -> None:
    """It is an error, whatever else there is."""
    building.package(workspace)
    ended = shell("check", DEMO, operand)
    assert ended.exit_code == 2
    assert complaint in ended.out


def test_a_trust_configuration_whose_name_is_too_long(shell: Shell, workspace: Path) -> None:
    """It is like any file that does not exist."""
    building.package(workspace)
    ended = shell("upload", "--channel", CHANNEL, DEMO, "--attestations", "--sigstore-instance", LONG)
    assert ended.exit_code == 2
    assert "there is no such file in the workspace" in ended.out


def test_no_file(shell: Shell) -> None:
    """As the action's `if-no-files-found`."""
    assert shell("check", "*.conda").exit_code == 3
    assert shell("check", "*.conda", "--if-no-files-found", "warn").exit_code == 0
    assert shell("check", "output/*.conda").exit_code == 3


def test_no_file_in_another_folder(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked for in the whole file system."""
    scanned: list[Path] = []
    monkeypatch.setattr(pattern_hints, "scan", scanned.append)
    ended = shell("check", "/etc/*.conda")
    assert (ended.exit_code, scanned) == (3, [])
    assert "No file matches 'etc/*.conda'." in ended.out
    assert "has no" not in ended.out


def test_where_packages_are(shell: Shell, workspace: Path, tmp_path: Path) -> None:
    """Relative to the current folder, or absolute: as the next command would find them."""
    building.package(workspace / "output", "one")
    other = building.package(tmp_path / "elsewhere", "other")
    rows = json.loads(shell("check", "--json", "output/*.conda", str(other)).out)
    assert sorted(row["path"] for row in rows) == sorted(["output/one-1.0-h0_0.conda", str(other)])


# What is on a channel.


def test_deleting(configured: Shell, server: LocalChannel, workspace: Path) -> None:
    """A file that is named is deleted; what a pattern selects is only shown, unless that is asked for."""
    for name in ("demo", "other"):
        server.publish(CHANNEL, building.package(workspace, name))
    assert configured("delete", "*").exit_code == 0
    assert len(server.files(CHANNEL)) == 2
    ended = configured("delete", DEMO)
    assert ended.exit_code == 0, ended
    assert list(server.files(CHANNEL)) == ["noarch/other-1.0-h0_0.conda"]
    ended = configured("delete", "other-*", "other")
    assert "Would delete 0 files" in ended.out


@pytest.mark.parametrize(
    ("operands", "exit_code", "complaint"),
    [
        (["demo", "1.0"], 2, "'1.0', which looks like a version without a name"),
        (["demo", "!demo-1*"], 2, "'!' does not exclude here"),
        (["demo", "dema"], 5, "The channel has no file that matches 'dema'."),
    ],
)
def test_selectors_that_are_mistyped(
    configured: Shell, server: LocalChannel, workspace: Path, operands: list[str], exit_code: int, complaint: str
) -> None:
    """Nothing is deleted then."""
    for version in ("1.0", "2.0"):
        stem = f"demo-{version}-h0_0"
        server.publish(CHANNEL, written(workspace / f"{stem}.conda", conda_bytes(stem)))
    ended = configured("delete", "--no-dry-run", *operands)
    assert ended.exit_code == exit_code, ended
    assert complaint in ended.out
    assert len(server.files(CHANNEL)) == 2


def test_flags_that_are_repeated(configured: Shell, server: LocalChannel, workspace: Path) -> None:
    """Patterns add up; of other values, the first one would be lost."""
    for version in ("1.0", "2.0", "3.0"):
        stem = f"demo-{version}-h0_0"
        server.publish(CHANNEL, written(workspace / f"{stem}.conda", conda_bytes(stem)))
    rows = json.loads(configured("delete", "--json", "demo", "--ignore", "demo-2*", "--ignore", "demo-9*").out)
    assert [row["file"] for row in rows] == [DEMO]
    ended = configured("delete", "demo", "--keep-last", "1", "--keep-last", "2")
    assert (ended.exit_code, "--keep-last: given more than once" in ended.err) == (2, True)


def test_yanking_and_unyanking(configured: Shell, server: LocalChannel, workspace: Path) -> None:
    """With a reason, which the channel shows."""
    server.publish(CHANNEL, building.package(workspace))
    assert configured("yank", DEMO).exit_code == 2
    assert configured("yank", DEMO, "--reason", "broken").exit_code == 0
    assert server.state(CHANNEL, "noarch", DEMO) == ("broken", False)
    assert configured("unyank", DEMO).exit_code == 0
    assert server.state(CHANNEL, "noarch", DEMO) == (None, False)


def test_reindexing(configured: Shell, server: LocalChannel) -> None:
    """A subdir is an operand."""
    assert configured("reindex", "noarch").exit_code == 0
    assert server.requests[-1].path == f"/api/v1/reindex/{CHANNEL}/noarch"


def test_json_of_a_plan(configured: Shell, server: LocalChannel, workspace: Path) -> None:
    """The rows of the output `packages`."""
    for version in ("1.0", "2.0"):
        stem = f"demo-{version}-h0_0"
        server.publish(CHANNEL, written(workspace / f"{stem}.conda", conda_bytes(stem)))
    (row,) = json.loads(configured("delete", "--json", "demo").out)
    assert (row["file"], row["status"]) == (DEMO, "would-delete")


# Where files are.


@pytest.mark.parametrize(
    ("pattern", "folder", "relative"),
    [
        ("a.conda", "current", "a.conda"),
        ("../out/*.conda", ".", "out/*.conda"),
        ("{root}/out/**/*.conda", ".", "out/**/*.conda"),
        ("sub/../*.conda", "current", "*.conda"),
        ("{root}/current/*.conda", "current", "*.conda"),
        ("../x*/a.conda", ".", "x*/a.conda"),
        ("odd[1].conda", "current", r"odd\[1\].conda"),
        ("!../out/*", ".", "!out/*"),
        (".", ".", "current"),
    ],
)
def test_patterns_lead_anywhere(tmp_path: Path, pattern: str, folder: str, relative: str) -> None:
    """The workspace is the deepest folder that contains the current one and all files; real names are no patterns."""
    current = tmp_path / "current"
    current.mkdir()
    (tmp_path / "out").mkdir()
    for name in ("odd[1].conda", "a.conda"):
        (current / name).touch()
    found, (pattern,) = workspace.patterns_below(current, [pattern.format(root=tmp_path)])
    assert found == (tmp_path / folder).resolve()
    assert pattern == relative


ODD_FOLDERS = ["w*", "w?", "w[1]", "w{a,b}", "#h", "!x", "~t", " b", "b ", "a\\b", "-f", "w]"]
IN_ODD_FOLDERS = [
    (name, operand, is_current)
    for name in ODD_FOLDERS
    for operand in ("*.conda", DEMO)
    for is_current in (True, False)
    if is_current or operand == DEMO or not set("*?[{").intersection(name)  # those are patterns that the user wrote
]


@pytest.mark.parametrize(("name", "operand", "is_current"), IN_ODD_FOLDERS)
def test_the_name_of_a_real_folder_is_no_pattern(
    shell: Shell, workspace: Path, monkeypatch: pytest.MonkeyPatch, name: str, operand: str, is_current: bool
) -> None:
    """The packages of that folder are found, with or without others, and those of no other folder."""
    building.package(workspace / name)
    for other in ("w-secret", "w1", "wa", "wb", "other"):
        building.package(workspace / other, other)
    if is_current:
        monkeypatch.chdir(workspace / name)
    here, other = ("./", "../other/*.conda") if is_current else (f"./{name}/", "other/*.conda")
    rows = json.loads(shell("check", "--json", f"{here}{operand}").out)
    assert [row["file"] for row in rows] == [DEMO]
    rows = json.loads(shell("check", "--json", f"{here}{operand}", other).out)
    assert [row["file"] for row in rows] == [DEMO, "other-1.0-h0_0.conda"]
    rows = json.loads(shell("check", "--json", "--if-no-files-found", "ignore", other, f"!{here}{operand}").out)
    assert [row["file"] for row in rows] == ["other-1.0-h0_0.conda"]


@pytest.mark.parametrize("operand", ["*.conda\n", " *.conda", "*.conda ", f"{DEMO}\n", f" ./{DEMO}"])
def test_white_space_around_an_operand(shell: Shell, workspace: Path, operand: str) -> None:
    """It is no part of the pattern: a variable that a shell was given may end with a line break."""
    building.package(workspace)
    assert shell("check", operand).exit_code == 0


@pytest.mark.parametrize("operand", ["!missing/", "!missing/*", "!missing/**/"])
def test_an_exclusion_of_what_is_not_there(shell: Shell, workspace: Path, operand: str) -> None:
    """It excludes nothing."""
    building.package(workspace)
    assert shell("check", DEMO, operand).exit_code == 0


@pytest.mark.parametrize("name", ["x].conda", "x}.conda", "x[.conda", "x!.conda"])
def test_an_odd_name_of_a_file(shell: Shell, workspace: Path, name: str) -> None:
    """It is that file, which has another name than its package."""
    building.package(workspace).rename(workspace / name)
    ended = shell("check", name)
    assert (ended.exit_code, "the file was renamed" in ended.out) == (4, True)
    assert shell("check", "missing/").out.splitlines()[1] == "error: No such file: There is no file 'missing/'."


@pytest.mark.parametrize(
    ("operand", "complaint"), [("!", "An operand is empty"), ("a\nb", "Pass each of them as an argument")]
)
def test_an_operand_that_is_no_line(shell: Shell, workspace: Path, operand: str, complaint: str) -> None:
    """It is an error, not left out."""
    building.package(workspace)
    ended = shell("check", DEMO, operand)
    assert ended.exit_code == 2
    assert complaint in ended.out


def test_a_package_elsewhere(configured: Shell, server: LocalChannel, tmp_path: Path) -> None:
    """Outside of the current folder."""
    package = building.package(tmp_path / "elsewhere")
    assert configured("upload", str(package)).exit_code == 0
    assert list(server.files(CHANNEL)) == [f"noarch/{DEMO}"]


def test_a_link_to_a_folder(configured: Shell, server: LocalChannel, tmp_path: Path, workspace: Path) -> None:
    """'..' after it is the folder above where it leads to, as for all programs, not where the link is."""
    building.package(workspace)
    package = building.package(tmp_path / "elsewhere", content="elsewhere\n")
    (package.parent / "sub").mkdir()
    (workspace / "link").symlink_to(package.parent / "sub")
    for pattern in (f"link/../{DEMO}", "link/../*.conda"):
        assert configured("upload", "--force", pattern).exit_code == 0
        assert server.sha256(CHANNEL, "noarch", DEMO) == hashlib.sha256(package.read_bytes()).hexdigest()


def test_other_files_are_relative_to_the_current_folder(configured: Shell, tmp_path: Path, workspace: Path) -> None:
    """Wherever the packages are."""
    package = building.package(tmp_path / "elsewhere")
    trust = workspace / "trust.json"
    trust.write_text("{}")
    flags = ("--checksums-file", "SHA256SUMS", "--sigstore-instance", trust.name)
    ended = configured("upload", str(package), *flags)
    assert ended.exit_code == 0, ended
    assert (workspace / "SHA256SUMS").read_text().endswith(f"  {DEMO}\n")
    assert configured("upload", str(package), "--checksums-file", "../SHA256SUMS").exit_code == 0
    assert (workspace.parent / "SHA256SUMS").exists()


# Credentials.


def test_no_credentials(shell: Shell, workspace: Path) -> None:
    """The error says where they could come from."""
    building.package(workspace)
    ended = shell("upload", "--channel", "octo", DEMO)
    assert ended.exit_code == 2
    assert "PREFIX_API_KEY" in ended.out
    assert "pixi auth login" in ended.out


def test_a_job_without_an_identity(shell: Shell, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In GitHub Actions, a permission is missing."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    building.package(workspace)
    ended = shell("upload", "--channel", CHANNEL, DEMO)
    assert (ended.exit_code, "permission 'id-token: write'" in ended.out) == (2, True)


@pytest.mark.parametrize("is_default", [True, False])
def test_a_stored_login(
    configured: Shell, server: LocalChannel, workspace: Path, monkeypatch: pytest.MonkeyPatch, is_default: bool
) -> None:
    """The file of `pixi auth login`, or the one that `RATTLER_AUTH_FILE` names."""
    building.package(workspace)
    monkeypatch.delenv("PREFIX_API_KEY")
    file = workspace.parent / "home" / ".rattler" / "credentials.json"
    if not is_default:
        file = workspace.parent / "logins.json"
        monkeypatch.setenv("RATTLER_AUTH_FILE", str(file))
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"127.0.0.1": {"BearerToken": TOKEN}}))
    assert configured("upload", DEMO).exit_code == 0
    assert server.uploads[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("key", "host", "found"),
    [
        ("*.prefix.dev", "prefix.dev", True),
        ("*.prefix.dev", "repo.prefix.dev", True),
        ("prefix.dev", "prefix.dev", True),
        ("prefix.dev", "evil-prefix.dev", False),
        ("*.prefix.dev", "prefix.dev.evil.org", False),
        ("repo.prefix.dev", "prefix.dev", False),
    ],
)
def test_the_host_of_a_login(tmp_path: Path, key: str, host: str, found: bool) -> None:
    """A wildcard stands for a domain and what is below it."""
    file = tmp_path / "logins.json"
    file.write_text(json.dumps({key: {"BearerToken": "pfx_x"}, "other": {"CondaToken": "y"}}))
    token = login.stored_token(f"https://{host}", {"RATTLER_AUTH_FILE": str(file)})
    assert token == ("pfx_x" if found else "")


@pytest.mark.parametrize("content", [None, "{", "[" * 100_000])
def test_an_unreadable_login(tmp_path: Path, content: str | None) -> None:
    """An error that names the file."""
    file = tmp_path / "logins.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"logins\.json"):
        login.stored_token("https://prefix.dev", {"RATTLER_AUTH_FILE": str(file)})


@pytest.mark.parametrize("content", ["[]", '{"prefix.dev": "x"}', '{"prefix.dev": {"BearerToken": 1}}'])
def test_a_file_without_a_login(tmp_path: Path, content: str) -> None:
    """Nothing is found in it."""
    file = tmp_path / "logins.json"
    file.write_text(content)
    assert login.stored_token("https://prefix.dev", {"RATTLER_AUTH_FILE": str(file)}) == ""


def test_whoami(configured: Shell, server: LocalChannel) -> None:
    """The owner of the key, and their channels."""
    ended = configured("whoami")
    assert (ended.exit_code, ended.out.splitlines()) == (0, [f"local on {server.url}", f"  {CHANNEL}"])


def test_whoami_with_a_bad_key(configured: Shell) -> None:
    """An error, as in the action."""
    ended = configured("whoami", "--token", "pfx_wrong_123456")
    assert ended.exit_code == 5
    assert "does not accept the API key in --token" in ended.out


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (Answer(200, "<html>please log in</html>"), "error: Unexpected response: "),
        (Answer(200, "null"), "error: Unexpected response: "),
        (Answer(200, '{"errors": [{"message": "query is too complex"}]}'), "query is too complex"),
        (Answer(401, "who?"), "error: Token rejected: "),
        (Answer(403, "forbidden"), "error: Token rejected: "),
        (Answer(200, '{"data": null, "errors": [{"message": "Unauthorized"}]}'), "error: Token rejected: "),
        (Answer(503, "maintenance"), "error: Server unavailable: "),
        (Answer(200, '{"data": {"viewer": null}}'), "error: Token rejected: "),
    ],
    ids=repr,
)
def test_whoami_without_an_answer(configured: Shell, server: LocalChannel, answer: Answer, complaint: str) -> None:
    """The key is only blamed if the server does not know it."""
    server.fail(Fault(answer, path="/api/graphql", times=None))
    ended = configured("whoami", "--retries", "0")
    assert ended.exit_code == 5
    assert complaint in ended.out
    assert len(ended.out.splitlines()) >= 2  # with what to do about it


def test_whoami_without_channels(configured: Shell, server: LocalChannel) -> None:
    """The owner is shown all the same."""
    body = {"data": {"viewer": {"login": "me", "channels": None}}, "errors": [{"message": "Not allowed"}]}
    server.fail(Fault(Answer(200, json.dumps(body)), path="/api/graphql"))
    ended = configured("whoami")
    assert (ended.exit_code, ended.out) == (0, f"me on {server.url}\n")


def test_whoami_without_a_key(shell: Shell) -> None:
    """There is nothing to ask."""
    ended = shell("whoami")
    assert ended.exit_code == 2
    assert "PREFIX_API_KEY" in ended.out


def test_whoami_without_a_server(configured: Shell, closed_url: str) -> None:
    """An error that names the host."""
    ended = configured("whoami", "--server-url", closed_url, "--retries", "0")
    assert ended.exit_code == 5
    assert "Connection refused (127.0.0.1:" in ended.out


# Trusted publishing outside GitHub.


def test_the_identity_of_a_gitlab_job(
    shell: Shell, tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitLab puts it into a variable; if the server does not know it, the error has the fields of GitLab's form."""
    building.package(workspace)
    with OpenIDProvider() as provider:
        claims = {
            "namespace_path": "octo",
            "project_path": "octo/packages",
            "ci_config_ref_uri": "gitlab.com/octo/packages//ci/release.yml@refs/heads/main",
        }
        monkeypatch.setenv("PREFIX_DEV_ID_TOKEN", provider.id_token("127.0.0.1", **claims))
        folder = tmp_path / "trusted"
        with LocalChannel(folder, {CHANNEL: Channel()}, {}, publishers=[], verify=provider.verified) as server:
            ended = shell("upload", "--channel", CHANNEL, "--server-url", server.url, DEMO)
    assert ended.exit_code == 5
    assert "namespace: octo, project: packages, workflow file: ci/release.yml, environment: prefix-dev" in ended.out
    assert os.environ["PREFIX_DEV_ID_TOKEN"] not in ended.out


def test_attestations_outside_github(shell: Shell, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no identity for Sigstore, and nothing is published without the attestation that was asked for."""
    building.package(workspace)
    monkeypatch.setenv("PREFIX_DEV_ID_TOKEN", "a.b.c")
    ended = shell("upload", "--attestations", "--channel", CHANNEL, DEMO)
    assert ended.exit_code == 2
    assert "--attestations needs the identity of a GitHub Actions job" in ended.out


def test_attestations_in_a_dry_run(configured: Shell, workspace: Path) -> None:
    """As in the action, it only reads, so it needs no identity."""
    building.package(workspace)
    assert configured("upload", "--attestations", "--dry-run", DEMO).exit_code == 0


def test_attestations_with_a_key(shell: Shell, workspace: Path) -> None:
    """prefix.dev would accept none."""
    building.package(workspace)
    ended = shell("upload", "--attestations", "--token", TOKEN, "--channel", CHANNEL, DEMO)
    assert ended.exit_code == 2
    assert "error: Contradictory --token and --attestations" in ended.out


def test_a_trust_configuration_that_is_none(shell: Shell, workspace: Path) -> None:
    """It is reported before a request is sent, also in a dry run."""
    building.package(workspace)
    trust = written(workspace / "trust.json", b"{}")
    options = ("--attestations", "--dry-run", "--sigstore-instance", trust.name)
    ended = shell("upload", *options, "--channel", CHANNEL, DEMO)
    assert ended.exit_code == 2
    assert "The file in --sigstore-instance is not a trust configuration" in ended.out


def test_a_host_that_looks_like_the_server_gets_no_identity(
    shell: Shell, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the action."""
    building.package(workspace)
    monkeypatch.setenv("PREFIX_DEV_ID_TOKEN", "a.b.c")
    ended = shell("upload", "--server-url", "https://prefix.dev.example", "--channel", CHANNEL, DEMO)
    assert ended.exit_code == 2
    assert "'prefix.dev.example', which looks like prefix.dev, but is not" in ended.out


def test_a_proxy_that_the_identity_provider_cannot_be_reached_through(
    shell: Shell, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is reported although the server itself needs no proxy."""
    building.package(workspace)
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "https://identities.example/token?x=1")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret-of-the-job")
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.example")
    ended = shell("upload", "--server-url", "http://127.0.0.1:1", "--channel", CHANNEL, DEMO)
    assert ended.exit_code == 2
    assert "HTTPS_PROXY names a SOCKS proxy" in ended.out


# What is printed.


def _piped(script: str, server: LocalChannel, workspace: Path, **variables: str) -> str:
    """What a script in a shell prints, in which `prefix-upload` stands for the program."""
    environ = {"PATH": os.defpath, "PYTHONPATH": str(REPOSITORY / "src"), "HOME": str(workspace)}
    environ |= {"PREFIX_API_KEY": TOKEN, "PREFIX_CHANNEL": CHANNEL, "PREFIX_SERVER_URL": server.url} | variables
    script = script.replace("prefix-upload", f"'{sys.executable}' -m prefix_upload")
    command = ["/bin/bash", "-c", script]
    run = subprocess.run(command, env=environ, cwd=workspace, capture_output=True, text=True, timeout=60)  # noqa: S603, PLW1510 - its output matters
    assert "Traceback" not in run.stderr, run.stderr
    return run.stdout


def test_characters_that_the_output_does_not_have(server: LocalChannel, workspace: Path) -> None:
    """They are escaped. A server's message, or a name, does not end the run."""
    building.package(workspace)
    server.fail(Fault(Answer(422, "größer → no"), path="/upload/"))
    out = _piped(f"prefix-upload upload {DEMO}; echo $?", server, workspace, PYTHONIOENCODING="ascii")
    assert r"gr\xf6\xdfer \u2192 no" in out
    assert out.splitlines()[-1] == "5"


def test_a_reader_that_goes(server: LocalChannel, workspace: Path) -> None:
    """What is under way goes on, and the exit code says how it ended."""
    for number in range(3):
        building.package(workspace, f"demo{number}")
    script = "prefix-upload upload --concurrency 1 '*.conda' | head -1; echo ${PIPESTATUS[0]}"
    assert _piped(script, server, workspace).splitlines() == ["Validate 3 files", "0"]
    assert len(server.files(CHANNEL)) == 3


def test_streams_that_are_closed(server: LocalChannel, workspace: Path) -> None:
    """The exit code is all that is left."""
    building.package(workspace)
    for number, closed in enumerate((">&-", "2>&-", ">&- 2>&-")):
        out = _piped(f"prefix-upload upload --json {DEMO} {closed}; echo $?", server, workspace)
        assert out.splitlines()[-1] == "0", (number, out)


def test_json_that_can_not_be_written(server: LocalChannel, workspace: Path) -> None:
    """An error, since whoever reads it gets nothing."""
    building.package(workspace)
    out = _piped(f"prefix-upload upload --json {DEMO} 2>&1 > /dev/full; echo $?", server, workspace)
    assert "error: Could not write: The rows of the packages could not be written" in out
    assert out.endswith("\n5\n")
    assert len(server.files(CHANNEL)) == 1


# The recipes of the README.


def test_the_recipe_for_a_shell(server: LocalChannel, workspace: Path, tmp_path: Path) -> None:
    """Pasted into a shell, but for the installation and the address of the server."""
    building.package(workspace / "output" / "noarch")
    (recipe,) = re.findall(r"```sh\n(pip install .*?)```", README, re.DOTALL)
    first, *script = recipe.replace("pfx_…", TOKEN).replace("my-namespace/my-channel", CHANNEL).splitlines()
    assert first.startswith("pip install ")
    _run_script(script, workspace, tmp_path, PREFIX_SERVER_URL=server.url)
    assert list(server.files(CHANNEL)) == [f"noarch/{DEMO}"]


def test_the_recipe_for_gitlab(workspace: Path, tmp_path: Path) -> None:
    """The script of the job, with the identity that GitLab gives to it."""
    building.package(workspace / "output" / "noarch")
    (recipe,) = re.findall(r"```yaml\n# \.gitlab-ci\.yml\n(.*?)```", README, re.DOTALL)
    job = YAML(typ="safe").load(recipe)["publish"]
    first, *script = job["script"]
    assert first.startswith("pip install ")
    (variable,) = job["id_tokens"]
    script = [line.replace("my-namespace/my-channel", CHANNEL) for line in script]
    publisher = Publisher("octo/packages", "release.yml")
    with (
        OpenIDProvider() as provider,
        LocalChannel(
            tmp_path / "x", {CHANNEL: Channel()}, {}, publishers=[publisher], verify=provider.verified
        ) as server,
    ):
        variables = {variable: provider.id_token("127.0.0.1"), "PREFIX_SERVER_URL": server.url}
        _run_script(script, workspace, tmp_path, **variables)
        assert list(server.files(CHANNEL)) == [f"noarch/{DEMO}"]


def _run_script(script: list[str], folder: Path, tmp_path: Path, **variables: str) -> None:
    """Runs lines in a shell that finds the program."""
    program = written(tmp_path / "bin" / "prefix-upload", b'#!/bin/sh\nexec "$PYTHON" -m prefix_upload "$@"\n')
    program.chmod(0o755)
    environ = {"PATH": f"{program.parent}:{os.defpath}", "PYTHON": sys.executable, "HOME": str(tmp_path)}
    environ |= {"PYTHONPATH": str(REPOSITORY / "src")} | variables
    command = ["/bin/sh", "-e", "-c", "\n".join(script)]
    subprocess.run(command, env=environ, cwd=folder, check=True, timeout=60)  # noqa: S603 - the README's


# As a program.


def test_as_a_module() -> None:
    """`python -m prefix_upload`."""
    environ = {"PYTHONPATH": str(REPOSITORY / "src"), "PATH": os.defpath}
    command = [sys.executable, "-m", "prefix_upload", "--version"]
    run = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert run.stdout.startswith("prefix-upload ")


def test_it_can_be_installed(tmp_path: Path) -> None:
    """The package has the program, and finds all of its modules."""
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    source = tmp_path / "source"
    shutil.copytree(REPOSITORY / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements"):
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, source / name)
    subprocess.run([*pip, "--target", str(target), str(source)], check=True)  # noqa: S603 - this interpreter
    environ = {"PYTHONPATH": str(target), "PATH": os.defpath}
    for words in (["--version"], ["upload", "--help"], ["check", "--if-no-files-found", "warn", "*.conda"]):
        command = [str(target / "bin" / "prefix-upload"), *words]
        subprocess.run(command, env=environ, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - ours


def test_help_loads_next_to_nothing() -> None:
    """It has to be there at once."""
    script = "import sys; sys.path.insert(0, 'src'); import prefix_upload.cli.main; print(*sys.modules)"
    command = [sys.executable, "-I", "-c", script]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert not {"requests", "dataclasses", "zstandard", "wcmatch", "json"} & set(run.stdout.split())
