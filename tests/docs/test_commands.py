"""What is relied on: a command that a page or the README shows is one that the parser takes, and what it imports is there."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from precordia.cli.main import COMMANDS, SPELLED, build_parser

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
NOT_COMMANDS = re.compile(r"[\[\]|]|\.\.\.")
"""Marks of a synopsis: options in brackets, alternatives, and so on."""


def blocks(page: Path, *kinds: str) -> Iterator[str]:
    """Code blocks of a page by their language."""
    text = page.read_text(encoding="utf-8")
    yield from (code for kind, code in BLOCK.findall(text) if kind in kinds)


def commands(page: Path) -> Iterator[str]:
    """Lines that call precordia, joined where they go on, without comments and what they are piped to."""
    indented = re.findall(r"^    (precordia (?:.*\\\n)*.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    for code in [*blocks(page, "sh", "console", "bash", "text", ""), *indented]:
        for line in code.replace("\\\n", " ").splitlines():
            line = line.removeprefix("$ ").strip()
            if line.startswith("precordia ") and not NOT_COMMANDS.search(line):
                yield line


def mentions(page: Path) -> Iterator[str]:
    """What a sentence says of a command: its name and some of its options, as a rule not all that it takes."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for line in re.findall(r"(?<!`)`(precordia [a-z][^`]+)`(?!`)", text):
        if not NOT_COMMANDS.search(line):
            yield " ".join(line.split())


def refused(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Why the parser does not take a command, "" where it does."""
    words = shlex.split(line, comments=True)[1:]
    words = words[: next((i for i, word in enumerate(words) if word in (">", "&", ";", "&&", "2>&1")), len(words))]
    name = next((word for word in words if not word.startswith("-")), None)
    if name not in COMMANDS:
        return f"{line}: no command"
    if name in SPELLED:
        words = importlib.import_module(f"precordia.cli.{name}").spelled(words)
    try:
        build_parser(name).parse_args(words)
    except SystemExit as ended:
        if ended.code:
            return f"{line}: {capsys.readouterr().err.strip().splitlines()[-1]}"
    return ""


def test_pages_show_commands() -> None:
    assert sum(1 for page in PAGES for _ in commands(page)) > 100
    assert sum(1 for page in PAGES for _ in mentions(page)) > 100


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_is_one(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not [why for line in commands(page) if (why := refused(line, capsys))]
    told = [why for line in mentions(page) if (why := refused(line, capsys))]
    assert not [why for why in told if re.search("no command|unrecognized|invalid choice", why)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_module_target_and_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    wrong = []
    for module, words in re.findall(r"python -m ((?:benchmarks|precordia|docs)[\w.]*)([^`#\n]*)", text):
        found = importlib.util.find_spec(module)
        sources = Path(found.origin).parent.glob("*.py") if found and found.submodule_search_locations else None
        said = "".join(path.read_text("utf-8") for path in sources or ([Path(found.origin)] if found else []))
        wrong += [f"{module} {flag}" for flag in re.findall(r"--[a-z][\w-]*", words) if f'"{flag}"' not in said]
        wrong += [module] * (found is None)
    wrong += [f"make {target}" for target in set(re.findall(r"(?:^|`)make ([\w-]+)", text, re.MULTILINE)) - TARGETS]
    for name in re.findall(r"`((?:tests|precordia|benchmarks|docs|notebooks)/[\w./-]+)`", text):
        wrong += [name] * (not (ROOT / name).exists())
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_python_block_of_a_page_imports_what_there_is(page: Path) -> None:
    for code in blocks(page, "python"):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("precordia"):
                module = importlib.import_module(node.module)
                assert all(hasattr(module, alias.name) for alias in node.names), code


# Links of docs are checked where the site is built.
@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "changelog.d/README.md"])
def test_every_file_that_a_page_outside_docs_links_to_is_there(name: str) -> None:
    page = ROOT / name
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert not [target for target in targets if not (page.parent / target).exists()]
