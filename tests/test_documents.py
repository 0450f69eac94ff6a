"""README, `action.yml` and code say the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from container.runner import action
from documents import DOCUMENTS
from prefix_upload.report import Report, Status
from prefix_upload.reporting.exit_codes import ExitCode
from prefix_upload.reporting.outputs import outputs
from prefix_upload.settings import INPUTS, Settings
from support.running import COMMAND, REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

README = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"```yaml\n(?!# \.gitlab-ci)(.*?)```", README, re.DOTALL)


def table(first_heading: str) -> dict[str, list[str]]:
    """The rows of the README's table with this first heading, by what stands in backticks in their first cell."""
    _, _, rest = README.partition(f"\n| {first_heading} |")
    rows: dict[str, list[str]] = {}
    for line in rest.partition("\n\n")[0].splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows |= dict.fromkeys(re.findall(r"`([^`]+)`", cells[0]), cells[1:])
    return rows


def steps(workflow: object) -> list[dict[str, Any]]:
    """Every step of our action in a piece of YAML."""
    match workflow:
        case {"uses": str(uses)} if uses.startswith("org/prefix-upload@"):
            return [dict(workflow)]  # type: ignore[call-overload]  # it is a mapping, as the pattern says
        case dict():
            return [step for value in workflow.values() for step in steps(value)]
        case list():
            return [step for value in workflow for step in steps(value)]
    return []


def parsed(block: str) -> Any:
    """A workflow, or a piece of one, from its YAML."""
    return YAML(typ="safe").load(block.replace("# …\n      -", "steps:\n      -"))


def test_inputs_and_defaults_agree() -> None:
    """`action.yml` and the README have the inputs of the code, with the same defaults and descriptions."""
    expected = [(entry.name, entry.help, entry.required, entry.default) for entry in INPUTS]
    declared = action()["inputs"].items()
    assert expected == [
        (name, one["description"], one.get("required", False), one.get("default", "")) for name, one in declared
    ]
    documented = {name: cells[0].strip("`") for name, cells in table("Input").items()}
    assert documented == {entry.name: "required" if entry.required else entry.default for entry in INPUTS}


def test_settings_have_the_values_of_the_inputs() -> None:
    """Each input has a field, and each field an input."""
    assert {entry.field for entry in INPUTS} == set(Settings.__annotations__)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_follow_the_code(path: Path) -> None:
    """`make docs` writes them."""
    assert path.read_text() == DOCUMENTS[path]()


def test_outputs_agree() -> None:
    """`action.yml`, the code and the README have the same outputs."""
    assert list(outputs(Report())) == list(action()["outputs"]) == list(table("Output"))


def test_statuses_agree() -> None:
    """The README explains each status."""
    assert set(table("`status`")) == set(Status)


def test_exit_codes_agree() -> None:
    """The README explains each exit code."""
    assert {int(code) for code in table("Exit code")} == set(ExitCode)


def test_command_agrees() -> None:
    """The tests start the action with the arguments of `action.yml` and the Dockerfile."""
    runs = action()["runs"]
    assert list(COMMAND[1:-1]) == runs["args"][:-1]
    entrypoint = ", ".join(f'"{word}"' for word in (runs["entrypoint"], *runs["args"]))
    assert f"ENTRYPOINT [{entrypoint}]" in (REPOSITORY / "Dockerfile").read_text()


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_workflows_use_declared_inputs_and_outputs(block: str) -> None:
    """Each workflow in the README parses, and names only inputs and outputs that there are."""
    found = steps(parsed(block))
    assert found
    for step in found:
        assert {"channel", "glob"} <= set(step["with"]) <= set(action()["inputs"])
    assert set(re.findall(r"steps\.publish\.outputs\.([a-z-]+)", block)) <= set(action()["outputs"])


def test_the_first_workflow_needs_no_secret() -> None:
    """What people copy first is what is safest."""
    (step,) = steps(parsed(BLOCKS[0]))
    assert "token" not in step["with"]
    assert "secrets." not in BLOCKS[0]


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_workflows_can_sign_in(block: str) -> None:
    """Each job that publishes has an API key or asks for its identity, and gives it to no other job."""
    workflow = parsed(block)
    if "jobs" not in workflow:
        assert all({"token", "dry-run"} & set(step["with"]) for step in steps(workflow))
        return
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        is_keyless = any("token" not in step["with"] for step in steps(job))
        assert job["permissions"].get("id-token") == ("write" if is_keyless else None)


def test_hints_link_to_sections_of_the_readme() -> None:
    """Each section that a message links to is there."""
    titles = re.findall(r"^#+ (.*)", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    sources = "\n".join(path.read_text() for path in (REPOSITORY / "src").rglob("*.py"))
    linked = set(re.findall(r'(?:page=|section_url\()"#([\w-]+)"', sources)) | {
        entry.see for entry in INPUTS if entry.see
    }
    assert "patterns" in linked
    assert linked <= anchors
