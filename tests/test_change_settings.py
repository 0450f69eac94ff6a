"""The inputs of the commands that change what is on a channel."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from prefix_upload.commands.table import ACTIONS, settings_of
from prefix_upload.errors import ConfigurationError
from prefix_upload.package.selectors import Glob
from prefix_upload.settings import Workspace, inputs_of
from prefix_upload.settings.change_settings import DeleteSettings, ReindexSettings, YankSettings
from prefix_upload.settings.parsing import parse

if TYPE_CHECKING:
    from prefix_upload.settings.settings import Settings

WORKSPACE = Workspace(Path("/github/workspace"))
PLAIN = {"channel": "octo/stable", "packages": "demo-1.0-h0_0.conda", "token": "pfx_key", "reason": "Broken"}


def deleting(**inputs: str) -> DeleteSettings:
    """The settings of a plain deletion with these inputs (hyphens as underscores)."""
    return parse(DeleteSettings, PLAIN | {name.replace("_", "-"): text for name, text in inputs.items()}, WORKSPACE)


def hint(kind: type[Settings], **inputs: str) -> str:
    """What to do about the one problem of these inputs."""
    with pytest.raises(ConfigurationError) as caught:
        parse(kind, PLAIN | {name.replace("_", "-"): text for name, text in inputs.items()}, WORKSPACE)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.hint


def test_the_defaults_delete_named_files_only() -> None:
    """There is no rule, at most 100 files go, and what is not named is a dry run."""
    settings = deleting()
    rules = (settings.keep_last, settings.older_than, settings.only_prerelease, settings.ignore)
    assert rules == (None, None, False, ())
    assert (settings.max_deletes, settings.is_dry_run, settings.channel) == (100, False, "octo/stable")


@pytest.mark.parametrize(
    ("packages", "dry_run", "expected"),
    [
        ("a-1-0.conda", "", False),
        ("a-1-0.conda\nnoarch/b-1-0.tar.bz2\n# c", "", False),
        ("a-1-0.conda\nb", "", True),
        ("a-1-*.conda", "", True),
        ("a ==1", "", True),
        ("*", "false", False),
        ("a-1-0.conda", "true", True),
    ],
)
def test_what_is_a_dry_run(packages: str, dry_run: str, expected: bool) -> None:
    """Everything that is not named, unless the input says otherwise."""
    assert deleting(packages=packages, dry_run=dry_run).is_dry_run is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30d", timedelta(days=30)), ("12h", timedelta(hours=12)), ("2 w", timedelta(weeks=2)), ("0d", timedelta(0))],
)
def test_ages(text: str, expected: timedelta) -> None:
    """In hours, days or weeks."""
    assert deleting(older_than=text).older_than == expected


@pytest.mark.parametrize("text", ["30", "d", "-1d", "1.5d", "30 days", "30D", "999999d", "1d 2h"])
def test_what_is_no_age(text: str) -> None:
    """The error says what is one."""
    assert "'30d'" in hint(DeleteSettings, older_than=text)


def test_patterns_to_ignore() -> None:
    """One per line, each once, without comments."""
    assert deleting(ignore="demo\n# x\n linux-64/* \ndemo").ignore == (Glob("demo"), Glob("linux-64/*"))
    assert "one per line" in hint(DeleteSettings, ignore="demo >1")


@pytest.mark.parametrize("text", ["x" * 501, "a\nb", "a\x1bb"])
def test_what_is_no_reason(text: str) -> None:
    """It is shown on one line."""
    assert "one line" in hint(YankSettings, reason=text)


def test_subdirs() -> None:
    """Separated by blanks, commas or line breaks."""
    settings = parse(ReindexSettings, PLAIN | {"subdirs": "linux-64, noarch\nwin-64 noarch"}, WORKSPACE)
    assert settings.subdirs == ("linux-64", "noarch", "win-64")
    assert parse(ReindexSettings, PLAIN, WORKSPACE).subdirs == ()


@pytest.mark.parametrize("command", ACTIONS[1:])
def test_all_problems_are_reported_at_once(command: str) -> None:
    """Each names its input."""
    names = [entry.name for entry in inputs_of(command)]
    with pytest.raises(ConfigurationError) as caught:
        parse(settings_of(command), dict.fromkeys(names, "no such\x07 ~ thing"), WORKSPACE)
    assert {one.title for one in caught.value.diagnostics} == {f"Invalid ⟨{name}⟩" for name in names}
    assert all(one.hint for one in caught.value.diagnostics)
