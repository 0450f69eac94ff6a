"""README, `action.yml` and code say the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from container.runner import action
from documents import DOCUMENTS
from prefix_upload.commands.table import ACTIONS, COMMANDS, settings_of
from prefix_upload.errors import ConfigurationError, PrefixUploadError
from prefix_upload.report import Report
from prefix_upload.reporting.exit_codes import ExitCode
from prefix_upload.reporting.outputs import outputs
from prefix_upload.settings import INPUTS, inputs_of
from prefix_upload.status import Status
from support.doors import native_action
from support.readme import BLOCKS, OTHER_BLOCKS, README, actions, anchor, our_steps, parsed, workflow
from support.running import COMMAND, REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path
ANCHORS = {anchor(title) for title in re.findall(r"^#+ (.*)", README, re.MULTILINE)}


def _subclasses(error: type[PrefixUploadError]) -> list[type[PrefixUploadError]]:
    return [one for child in error.__subclasses__() for one in (child, *_subclasses(child))]


def table(first_heading: str) -> dict[str, list[str]]:
    """The rows of the README's table with this first heading, by what stands in backticks in their first cell."""
    _, _, rest = README.partition(f"\n| {first_heading} |")
    rows: dict[str, list[str]] = {}
    for line in rest.partition("\n\n")[0].splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows |= dict.fromkeys(re.findall(r"`([^`]+)`", cells[0]), cells[1:])
    return rows


def command_of(step: dict[str, Any]) -> str:
    """The command whose action a step uses."""
    match = re.fullmatch(r"org/prefix-upload(?:/native)?(?:/([a-z]+))?@v1", step["uses"])
    assert match is not None
    return match[1] or "upload"


@pytest.mark.parametrize("command", ACTIONS)
def test_each_action_has_the_inputs_of_its_command(command: str) -> None:
    """With the same defaults and descriptions."""
    expected = [(entry.name, entry.help, entry.required, entry.default) for entry in inputs_of(command)]
    declared = action(command)["inputs"].items()
    assert expected == [
        (name, one["description"], one.get("required", False), one.get("default", "")) for name, one in declared
    ]


def test_the_readme_has_the_inputs_of_each_action() -> None:
    """Those of the other actions are in one table, with the actions that they are for."""
    rows = table("Input of other actions")
    assert set(rows) == {entry.name for command in ACTIONS[1:] for entry in inputs_of(command)}


def test_inputs_and_defaults_agree() -> None:
    """The README has the inputs of the code, with the same defaults."""
    documented = {name: cells[0].strip("`") for name, cells in table("Input").items()}
    assert documented == {entry.name: "required" if entry.required else entry.default for entry in inputs_of("upload")}


def test_the_native_action_agrees() -> None:
    """It has the same inputs and outputs as `action.yml`, with the same descriptions and defaults."""
    native = native_action()
    outputs = {name: {"description": output["description"]} for name, output in native["outputs"].items()}
    assert (list(native["inputs"].items()), outputs) == (list(action()["inputs"].items()), action()["outputs"])
    assert (native["name"], native["description"]) == (action()["name"], action()["description"])


@pytest.mark.parametrize("command", COMMANDS)
def test_settings_have_the_values_of_the_inputs(command: str) -> None:
    """Each input of a command has a field, and each field an input; no two inputs have one name."""
    found = [entry.field for entry in inputs_of(command)]
    assert sorted(found) == sorted(settings_of(command).required_fields)


def test_each_input_belongs_to_commands() -> None:
    """That there are."""
    assert all(entry.commands and entry.commands <= set(COMMANDS) for entry in INPUTS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_follow_the_code(path: Path) -> None:
    """`make docs` writes them."""
    assert path.read_text() == DOCUMENTS[path]()


def test_outputs_agree() -> None:
    """The code and the README have the same outputs."""
    assert list(outputs(Report())) == list(table("Output"))


@pytest.mark.parametrize("command", ACTIONS)
def test_each_action_has_the_outputs_of_its_command(command: str) -> None:
    """All of them, and the README names each."""
    names = list(outputs(Report(command=command)))
    assert names == list(action(command)["outputs"])
    assert all(f"`{name}`" in README for name in names)


def test_statuses_agree() -> None:
    """The README explains each status."""
    assert set(table("`status`")) == set(Status)


def test_exit_codes_agree() -> None:
    """The README explains each exit code."""
    assert {int(code) for code in table("Exit code")} == set(ExitCode)


@pytest.mark.parametrize("command", ACTIONS[1:])
def test_each_action_runs_its_command(command: str) -> None:
    """In the same way as the action that uploads, in an image that is built from the same Dockerfile."""
    runs, first = action(command)["runs"], action()["runs"]
    assert runs == first | {"image": "../Dockerfile", "args": [*first["args"], command]}


def test_command_agrees() -> None:
    """The tests start the action with the arguments of `action.yml` and the Dockerfile."""
    runs = action()["runs"]
    assert list(COMMAND[1:-1]) == runs["args"][:-1]
    entrypoint = ", ".join(f'"{word}"' for word in (runs["entrypoint"], *runs["args"]))
    assert f"ENTRYPOINT [{entrypoint}]" in (REPOSITORY / "Dockerfile").read_text()


@pytest.mark.parametrize("block", [*BLOCKS, *OTHER_BLOCKS], ids=range(len(BLOCKS) + len(OTHER_BLOCKS)))
def test_workflows_use_declared_inputs_and_outputs(block: str) -> None:
    """Each workflow in the README parses, and names only inputs and outputs that there are."""
    found = our_steps(parsed(block))
    assert found
    for step in found:
        declared = action(command_of(step))["inputs"]
        required = {name for name, one in declared.items() if one.get("required")}
        assert required <= set(step["with"]) <= set(declared)
    assert set(re.findall(r"steps\.publish\.outputs\.([a-z-]+)", block)) <= set(action()["outputs"])


def test_the_first_workflow_needs_no_secret() -> None:
    """What people copy first is what is safest."""
    (step,) = our_steps(parsed(BLOCKS[0]))
    assert "token" not in step["with"]
    assert "secrets." not in BLOCKS[0]


def test_the_first_workflow_publishes_in_a_job_of_its_own() -> None:
    """The job that has the identity runs no code of the repository or of a build."""
    jobs = workflow(BLOCKS[0])["jobs"]
    assert jobs["publish"]["needs"] == "build"
    assert [step["uses"].partition("@")[0] for step in jobs["publish"]["steps"]] == [
        "actions/download-artifact",
        "org/prefix-upload",
    ]
    assert jobs["build"]["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_workflows_can_sign_in(block: str) -> None:
    """Each job that publishes has an API key or asks for its identity, and no job asks for more than it needs."""
    complete = workflow(block)
    assert complete["permissions"] == {}
    for job in complete["jobs"].values():
        uses = {step["uses"].partition("@")[0] for step in job["steps"]}
        needed = {"contents": "read"} if "actions/checkout" in uses else {}
        needed |= {"id-token": "write"} if any("dry-run" not in step["with"] for step in our_steps(job)) else {}
        needed |= {"attestations": "write"} if "actions/attest" in uses else {}
        assert job["permissions"] == needed


def test_workflows_use_each_action_in_one_version() -> None:
    """An update changes all of them."""
    names = [action.partition("@")[0] for action in actions()]
    assert len(names) == len(set(names))


def test_the_contents_list_every_section() -> None:
    """In their order, by their titles."""
    _, _, rest = README.partition("\n## Contents\n")
    contents, _, sections = rest.partition("\n## ")
    titles = re.findall(r"^## (.*)", f"## {sections}", re.MULTILINE)
    links = re.findall(r"\[([^\]]+)\]\(#([\w-]+)\)", contents)
    assert [(title.lower(), anchor(title)) for title in titles] == [(text.lower(), target) for text, target in links]


def test_links_within_the_readme_lead_somewhere() -> None:
    """Each is to a heading."""
    assert set(re.findall(r"\]\(#([\w-]+)\)", README)) <= ANCHORS


def test_troubleshooting_has_the_titles_of_messages() -> None:
    """Each title is one that the code has, and no error that a run can end with is missing."""
    sources = "\n".join(path.read_text() for path in (REPOSITORY / "src").rglob("*.py"))
    titles = set(re.findall(r'Diagnostic\(\s*"([^"]+)"', sources))
    # A configuration error consists of diagnostics with titles of their own.
    errors = {error.title for error in _subclasses(PrefixUploadError)} - {ConfigurationError.title}
    assert errors <= set(table("Message")) <= titles | errors


def test_hints_link_to_sections_of_the_readme() -> None:
    """Each section that a message links to is there."""
    sources = "\n".join(path.read_text() for path in (REPOSITORY / "src").rglob("*.py"))
    linked = set(re.findall(r'(?:page=|section_url\()"#([\w-]+)"', sources)) | {
        entry.see for entry in INPUTS if entry.see
    }
    assert "patterns" in linked
    assert linked <= ANCHORS
