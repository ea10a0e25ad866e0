"""What is relied on: what the workflows, the contributors' page and the README run with make or Python is there."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([\w./$()]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def steps(workflow: Path) -> Iterator[dict[str, str]]:
    """Every step of every job."""
    for job in yaml.safe_load(workflow.read_text("utf-8"))["jobs"].values():
        yield from job["steps"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.stem)
def test_a_workflow_runs_what_there_is(workflow: Path) -> None:
    commands = "\n".join(step["run"] for step in steps(workflow) if "run" in step)
    made = [word for line in re.findall(r"^make (.*?)(?: \|.*)?$", commands, re.MULTILINE) for word in line.split()]
    assert made, "each builds on the Makefile, so that what runs there runs here"
    assert not {word.replace(".venv", "$(VENV)") for word in made if "=" not in word} - TARGETS
    assert all(importlib.util.find_spec(module) for module in re.findall(r"python -m ([\w.]+)", commands))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.stem)
def test_a_workflow_can_change_nothing_and_names_versions(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text("utf-8"))["permissions"] == {"contents": "read"}
    assert all(re.search(r"@(v\d|release/v\d)", step["uses"]) for step in steps(workflow) if "uses" in step)


def test_issue_forms_ask_what_can_be_asked() -> None:
    known = {"label", "description", "placeholder", "value", "render", "options", "multiple"}  # GitHub's form schema
    for form in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"):
        fields = [field["attributes"] for field in yaml.safe_load(form.read_text("utf-8"))["body"]]
        assert fields
        assert not {name for field in fields for name in field} - known, form.name


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/benchmarks.md"])
def test_a_page_makes_what_there_is(page: str) -> None:
    made = re.findall(r"(?:^|`)make ([\w-]+)", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert made
    assert not set(made) - TARGETS
