"""What is relied on: what the workflows, the container file and the hooks run, copy and install is there."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import precordia
from benchmarks.faults.children import steps_of
from precordia.cli.main import build_parser
from precordia.indexing import durable
from precordia.serve.routes import archive

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([\w./$()-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


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


def test_what_a_workflow_runs_by_itself_works() -> None:
    lines = [line for workflow in WORKFLOWS for step in steps(workflow) for line in step.get("run", "").splitlines()]
    for module, words in re.findall(r"python -m ([\w.]+)(.*)", "\n".join(lines)):
        found = importlib.util.find_spec(f"{module}.__main__") or importlib.util.find_spec(module)
        said = Path(found.origin).read_text("utf-8") if found and found.origin else ""
        assert not [flag for flag in re.findall(r"--[\w-]+", words) if f'"{flag}"' not in said]
    others = [line for line in lines if not re.match(r"make |\S*python -m |docker |command -v ", line)]
    assert len(others) == 1, "the tag is the version"
    for tag, status in ((f"v{precordia.__version__}", 0), ("v0", 1)):
        environment = {"PATH": os.environ["PATH"], "GITHUB_REF_NAME": tag}
        assert subprocess.run(["bash", "-c", others[0]], cwd=ROOT, env=environment, check=False).returncode == status


def test_the_weekly_faults_reach_what_is_written(tmp_path: Path) -> None:
    assert steps_of(lambda: durable.write_atomically(tmp_path / "file", b"whole")) == len(
        ("write", "sync", "rename", "sync")
    )


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


def test_the_container_file_copies_and_starts_what_there_is() -> None:
    text = (ROOT / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    stages = re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]
    for stage in stages:
        assert tuple(map(int, re.findall(r"python:(\d+)\.(\d+)", stage)[0])) >= (3, 11)
    copied = [word for line in re.findall(r"^COPY ([^-\n].*) \S+$", text, re.MULTILINE) for word in line.split()]
    assert "pyproject.toml" in copied
    assert not [name for name in copied if not (ROOT / name).exists()]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = {project["project"]["readme"], *project["project"]["license-files"], "pyproject.toml", "precordia"}
    assert needed <= set(copied), "what the wheel is built from"
    (extras,) = re.findall(r"\.whl\)\[([\w,-]+)\]", text)
    assert set(extras.split(",")) <= set(project["project"]["optional-dependencies"])
    program, name, *words = json.loads(re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)[0])
    assert program in project["project"]["scripts"]
    asked = build_parser(name).parse_args([name, *words])
    port, path = re.findall(r"127\.0\.0\.1:(\d+)(/[\w/]+)", text)[0]
    assert int(port) == asked.port == int(re.findall(r"^EXPOSE (\d+)$", text, re.MULTILINE)[0])
    assert path in {route.path for route in archive.router.routes}


def test_the_lock_has_the_versions_of_the_constraints() -> None:
    pinned, locked = (
        {
            name.lower().replace("_", "-"): version
            for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)
        }
        for text in ((ROOT / name).read_text("utf-8") for name in ("constraints.txt", "constraints-hashes.txt"))
    )
    assert len(locked) > 200
    assert not {name: version for name, version in locked.items() if pinned.get(name, version) != version}, (
        "make hashes"
    )


def test_a_hook_runs_what_the_tests_extra_brings() -> None:
    hooks = [
        hook
        for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
        for hook in repo["hooks"]
    ]
    tools = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks}
    named = {"lint-imports": "import-linter"}
    dev = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]["dev"]
    assert tools
    assert not [tool for tool in tools if not any(re.match(rf"{named.get(tool, tool)}\b", asked) for asked in dev)]
